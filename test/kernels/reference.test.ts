import { createReferenceKernels } from '../../src/kernels/reference.js';
import { kernelsConformance } from './conformance.js';

kernelsConformance('reference', createReferenceKernels);
