/** A process of the seed pool: runs the seed that it is sent and sends back how it went. */
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { drawScenario } from './scenario.js';
import { simulate } from './simulation.js';

process.on('message', async (seed: number) => {
  process.send?.(await simulate(drawScenario(seed), createReferenceKernels()));
});
