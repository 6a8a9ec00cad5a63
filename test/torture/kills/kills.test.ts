import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { torture } from '../torture.js';
import { killOften, kills } from './kills.js';

it('killed amid everything that it does, the daemon keeps what it promised, and its data agree', {
  timeout: 120_000,
}, async () => {
  let made = 0;
  const few = {
    ...kills,
    run: async (run: Parameters<typeof kills.run>[0]) => {
      made = (await killOften(run, { killsMax: 3, foldersAtOnce: 1 })).kills;
    },
  };
  const signal = new AbortController().signal;
  const { record, failed } = await torture({
    seed: 4,
    ms: 60_000,
    parts: [few],
    folder: tmpdir(),
    signal,
    say: () => {},
  });
  expect(failed).toEqual([]);
  expect(record.breaches()).toEqual([]);
  expect(made).toBeGreaterThanOrEqual(3);
  for (const promise of ['acknowledged-events', 'index-agrees', 'live-sets', 'refs-agree'] as const)
    expect(record.of(promise).tried).toBeGreaterThan(0);
});
