import { expect, it } from 'vitest';
import { createReferenceKernels } from '../../../src/kernels/reference/kernels.js';
import { drawScenario } from '../scenario.js';
import { simulate } from '../simulation.js';

/** How many seeds `npm test` runs, in two files, one for each core. */
export const seedsInTests = 60;

/** On a machine that has much else to do a world takes its time. */
const testMsMax = 120_000;

/** One test a seed: its world converges, and nothing that must not happen does. */
export function testSeeds(seeds: readonly number[]): void {
  it.each(seeds)(
    'seed %i',
    async (seed) => {
      const { failures } = await simulate(drawScenario(seed), createReferenceKernels());
      expect(failures, `replay by: npm run sim -- --seed ${seed} --trace`).toEqual([]);
    },
    testMsMax,
  );
}
