import { expect, it } from 'vitest';
import { simulateNodes } from './simulation.js';

/** On a machine that has much else to do a world takes its time. */
const testMsMax = 240_000;

it(
  'three nodes on one database lose nothing, serve the same, and tell their subscribers of all',
  async () => {
    let [takeovers, compactions] = [0, 0];
    for (let seed = 1; seed <= 12; seed += 1) {
      const outcome = await simulateNodes(seed);
      expect(outcome.failures, `replay by: npm run sim:nodes -- --seed ${seed} --trace`).toEqual([]);
      takeovers += outcome.takeovers;
      compactions += outcome.compactions;
    }
    expect(takeovers).toBeGreaterThan(24);
    expect(compactions).toBeGreaterThan(12);
  },
  testMsMax,
);

it(
  'does the same each time',
  async () => {
    const traceOf = async (seed: number) => {
      const lines: string[] = [];
      await simulateNodes(seed, (line) => lines.push(line));
      return lines;
    };
    expect(await traceOf(3)).toEqual(await traceOf(3));
  },
  testMsMax,
);
