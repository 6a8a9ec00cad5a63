import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { secondMs } from '../../src/lib/clock.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { headOf, refsOf, writeCommit } from '../git/scratch.js';
import { announcement, key, state } from '../policy/world.js';
import { hostingWorld } from './hosting-world.js';

const owner = key(1);
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };
const branch = 'refs/heads/branch';

/** What a crash leaves after objects were moved in, with the locks of a git that was killed then. */
async function crashed() {
  const world = await hostingWorld();
  await world.hold(announcement(owner, 'r'));
  const gitDir = world.pathOf(repository);
  const commit = writeCommit(gitDir, 'one');
  const stated = state(owner, 'r', [branch, commit], ['HEAD', `ref: ${branch}`]);
  const holding = world.purgatory.hold(stated, { addressGroup: undefined, parents: [] });
  if ('written' in holding) await holding.written;
  for (const name of [branch, 'HEAD']) {
    const lock = join(gitDir, `${name}.lock`);
    mkdirSync(dirname(lock), { recursive: true });
    writeFileSync(lock, '');
    const now = world.clock.now() / secondMs;
    utimesSync(lock, now, now);
  }
  return { world, gitDir, commit, stated };
}

describe('Recovery', () => {
  it('sets refs although a killed git left its locks behind', async () => {
    const { world, gitDir, commit, stated } = await crashed();
    await using _ = world;
    await world.clock.advance(limits.gitLockAgeMsMax);
    expect(await world.promotion.recover(world.promotion.held())).toEqual([]);
    expect(world.promoted).toContain(stated.id);
    expect(refsOf(gitDir)).toEqual({ [branch]: commit });
    expect(headOf(gitDir)).toBe(branch);
  });

  it('looks again at what it failed at, for a lock may be of a git that still runs', async () => {
    const { world, gitDir, commit, stated } = await crashed();
    await using _ = world;
    const failed = await world.promotion.recover(world.promotion.held());
    expect(failed.map(({ id }) => id)).toContain(stated.id);
    expect(refsOf(gitDir)).toEqual({});
    await world.clock.advance(limits.gitLockAgeMsMax);
    expect(await world.promotion.recover(failed)).toEqual([]);
    expect(world.promoted).toContain(stated.id);
    expect(refsOf(gitDir)).toEqual({ [branch]: commit });
  });
});
