import { access } from 'node:fs/promises';
import { afterAll, expect, it } from 'vitest';
import { scratchFolder } from '../git/scratch.js';
import type { Part } from './part.js';
import { parts } from './parts.js';
import { torture } from './torture.js';

const scratch = scratchFolder();
afterAll(() => scratch[Symbol.dispose]());

const calm: Part = {
  name: 'calm',
  about: 'finds nothing',
  share: 1,
  async run({ tried, figure }) {
    tried('live-sets', 1_200);
    figure('live-sets', 'rows', '3');
  },
};

async function outcomeOf(some: readonly Part[]) {
  const lines: string[] = [];
  const signal = new AbortController().signal;
  const say = (line: string) => void lines.push(line);
  const outcome = await torture({ seed: 1, ms: 1_000, parts: some, folder: scratch.path, signal, say });
  return { ...outcome, lines };
}

it('the table has what was tried and found of each promise', async () => {
  let folder = '';
  const finder: Part = {
    ...calm,
    name: 'finder',
    async run(run) {
      folder = run.folder;
      run.tried('refs-agree', 2);
      run.broken('refs-agree', 'main is elsewhere');
    },
  };
  const { record, failed, lines } = await outcomeOf([calm, finder]);
  expect(failed).toEqual([]);
  expect(record.brokenCount).toBe(1);
  const rows = record.table().split('\n');
  expect(rows.filter((row) => row.includes('| holds'))).toEqual([
    expect.stringMatching(/\| 1,200 \| holds; rows 3 \|$/),
  ]);
  expect(rows.filter((row) => row.includes('broken'))).toEqual([
    expect.stringMatching(/\| 2 \| broken once \|$/),
  ]);
  expect(rows.filter((row) => row.includes('not tried'))).toHaveLength(rows.length - 4);
  expect(record.breaches()).toEqual(['refs-agree: main is elsewhere']);
  expect(lines.at(-1)).toBe(`finder: what it left is in ${folder}`);
  await access(folder);
});

it('a part that throws has failed, one that cannot run is skipped, and the others go on', async () => {
  const thrower: Part = { ...calm, name: 'thrower', run: () => Promise.reject(new Error('no port')) };
  const absent: Part = { ...calm, name: 'absent', obstacle: async () => 'no compiler' };
  const { record, failed, skipped } = await outcomeOf([thrower, absent, calm]);
  expect(failed).toEqual(['thrower: no port']);
  expect(skipped).toEqual(['absent: no compiler']);
  expect(record.of('live-sets').tried).toBe(1_200);
});

it('time that a part leaves goes to those after it', async () => {
  const left: number[] = [];
  const timed: Part = { ...calm, run: async ({ timeLeft }) => void left.push(timeLeft()) };
  await outcomeOf([
    { ...timed, share: 1 },
    { ...timed, share: 3 },
  ]);
  expect(left[0]).toBeLessThan(260);
  expect(left[1]).toBeGreaterThan(500);
});

it('each part has a name of its own', () => {
  expect(new Set(parts.map(({ name }) => name)).size).toBe(parts.length);
});
