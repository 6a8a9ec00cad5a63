import { expect, it } from 'vitest';
import { deferred, onAbort } from '../../src/lib/abort.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git, refsOf } from '../git/scratch.js';
import { announcement, key } from '../policy/world.js';
import { client } from './client.js';
import { hostingWorld } from './hosting-world.js';

const owner = key(1);
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };
const ref = `refs/nostr/${'a'.repeat(64)}`;

it.each([
  ['has removed', ['repack', '-a', '-d', '-q'], 'ng', []],
  ['has kept', ['repack', '-a', '-d', '-k', '-q'], 'ok', [ref]],
] as const)(
  'a push that builds upon what nothing refers to is looked through again when a repack %s that since',
  async (_, repack, outcome, refs) => {
    using mine = client();
    await using world = await hostingWorld();
    await world.hold(announcement(owner, 'r'));
    const gitDir = world.pathOf(repository);
    const lapsed = mine.commit('proposed, and lapsed');
    git(gitDir, ['index-pack', '--stdin'], mine.pack([lapsed]));
    const tree = git(mine.path, ['mktree']);
    const next = git(mine.path, ['commit-tree', tree, '-p', lapsed, '-m', 'next']);
    const { locks } = world.parts;
    const push = async () =>
      await world.push(repository, { lines: [[ref, next]], pack: mine.pack([next], [lapsed]) });
    let pushed: Promise<string[]> | undefined;
    await locks.useYielding(repository, world.signal, async (wanted) => {
      pushed = push();
      // The push has been looked through when it waits for its turn.
      const waits = deferred<void>();
      using _ = onAbort(wanted, () => waits.resolve());
      await waits.promise;
      git(gitDir, repack);
      locks.tellRemoval(repository);
    });
    const reason = outcome === 'ng' ? ' objects that the push leads to are missing' : '';
    expect(await pushed).toEqual(['unpack ok', `${outcome} ${ref}${reason}`]);
    expect(Object.keys(refsOf(gitDir))).toEqual(refs);
    git(gitDir, ['fsck', '--strict', '--connectivity-only']);
  },
);
