import { describe, expect, it } from 'vitest';
import { createReferenceKernels } from '../../../src/kernels/reference/kernels.js';
import { drawScenario } from '../scenario.js';
import { simulate } from '../simulation.js';
import regressions from './regressions.json' with { type: 'json' };
import { testSeeds } from './run-seeds.js';

describe('seeds that once failed', () => {
  testSeeds(regressions.map(({ seed }) => seed));
});

describe('simulate', () => {
  it('does the same for the same seed', async () => {
    const traceOf = async (seed: number) => {
      const lines: string[] = [];
      await simulate(drawScenario(seed), createReferenceKernels(), (line) => lines.push(line));
      return lines;
    };
    expect(await traceOf(11)).toEqual(await traceOf(11));
  });
});
