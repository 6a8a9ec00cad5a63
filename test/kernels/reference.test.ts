import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { kernelsConformance } from './conformance.js';

kernelsConformance('reference', createReferenceKernels);
