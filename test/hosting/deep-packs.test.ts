import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git } from '../git/scratch.js';
import { announcement, key } from '../policy/world.js';
import { hostingWorld } from './hosting-world.js';
import { chainedPack, deepestIn } from './packs.js';

const owner = key(1);
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };
/** Anybody may push to it. */
const ref = `refs/nostr/${'a'.repeat(64)}`;

/** Pushes a pack; gives how deep its objects are then, and whether it was packed anew. */
async function push({ pack, tip }: ReturnType<typeof chainedPack>) {
  await using world = await hostingWorld();
  await world.hold(announcement(owner, 'r'));
  let isPackedAnew = false;
  world.faulty.fault = ({ args }) => {
    isPackedAnew ||= args[0] === 'pack-objects';
  };
  const report = await world.push(repository, { lines: [[ref, tip]], pack });
  expect(report).toEqual(['unpack ok', `ok ${ref}`]);
  const gitDir = world.pathOf(repository);
  git(gitDir, ['fsck', '--strict']);
  return { depth: deepestIn(gitDir), isPackedAnew };
}

describe('A pushed pack', () => {
  it.each([
    ['before', false],
    ['behind', true],
  ])(
    'of deltas that are deeper than git packs, %s what they build upon, has them cut',
    async (_, isBackwards) => {
      const { depth, isPackedAnew } = await push(
        chainedPack(3 * limits.deltaDepthMax, 2_000, isBackwards as boolean),
      );
      expect(isPackedAnew).toBe(true);
      expect(depth).toBeGreaterThan(1);
      expect(depth).toBeLessThanOrEqual(limits.deltaDepthMax);
    },
  );

  it('of deltas as deep as git packs is kept as it came', async () => {
    const depth = limits.deltaDepthMax;
    expect(await push(chainedPack(depth, 2_000))).toEqual({ depth, isPackedAnew: false });
    expect(await push(chainedPack(depth + 1, 2_000))).toMatchObject({ isPackedAnew: true });
  });
});
