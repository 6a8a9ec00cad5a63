import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/lib/random.js';
import { damageOften } from './damage.js';

it('files of the database that are damaged cost no more than what is said, and repair leaves what check takes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graspd-damage-'));
  try {
    const broken: string[] = [];
    let tried = 0;
    await damageOften(
      {
        random: seededRandom(3),
        folder,
        signal: new AbortController().signal,
        timeLeft: () => 1_000,
        tried: () => {
          tried += 1;
        },
        broken: (_, how) => broken.push(how),
        progress: () => {},
      },
      { loadMs: 300, countMax: 2, isWanted: (path) => /events\/(CURRENT|MANIFEST-|\d+\.)/.test(path) },
    );
    expect(broken).toEqual([]);
    expect(tried).toBe(2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 240_000);
