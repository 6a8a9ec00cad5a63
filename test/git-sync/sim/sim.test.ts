import { expect, it } from 'vitest';
import { simulateGitSync } from './simulation.js';

it('brings, from servers of every kind, all that an honest one has, and asks no host beyond its budget', async () => {
  let fetches = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const outcome = await simulateGitSync(seed);
    expect(outcome.failures, `seed ${seed}`).toEqual([]);
    fetches += outcome.fetches;
  }
  expect(fetches).toBeGreaterThan(1_000);
});

it('does the same each time', async () => {
  expect(await simulateGitSync(7)).toEqual(await simulateGitSync(7));
});
