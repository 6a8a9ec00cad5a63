import { describe, expect, it, vi } from 'vitest';
import { pullRequestRef } from '../../src/git/ref-name.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git, writeBlob } from '../git/scratch.js';
import { address, announcement, key, pullRequest, state } from '../policy/world.js';
import { client, has } from './client.js';
import { hostingWorld } from './hosting-world.js';

// As it is, it would take thousands of folders.
vi.mock(import('../../src/config/limits.js'), async (original) => {
  const { limits: real } = await original();
  return { limits: Object.setPrototypeOf({ proposedPathBytesMax: 40 }, real) as typeof real };
});

const [owner, other, stranger] = [key(1), key(2), key(3)];
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };
const elsewhere: RepositoryId = { pubkey: other, identifier: 'elsewhere' };
const main = 'refs/heads/main';
const ref = (digit: string) => pullRequestRef(digit.repeat(64));
const refusal = 'paths of files have at most 40 bytes here';

/** A tree with one entry, by default a file. */
function treeOf(gitDir: string, name: string, below?: string): string {
  const entry = below === undefined ? `100644 blob ${writeBlob(gitDir, 'x')}` : `040000 tree ${below}`;
  return git(gitDir, ['mktree', '-z'], `${entry}\t${name}\0`);
}

/** So many folders within each other, and a file, or another tree, in the last. */
function nested(gitDir: string, levels: number, below = treeOf(gitDir, 'f')): string {
  let tree = below;
  for (let level = 0; level < levels; level += 1) tree = treeOf(gitDir, 'd', tree);
  return tree;
}

function commitOf(gitDir: string, tree: string, parent?: string): string {
  const parents = parent === undefined ? [] : ['-p', parent];
  return git(gitDir, ['commit-tree', tree, '-m', 'nested', ...parents]);
}

describe('What is proposed', () => {
  it('is refused with folders too deep within each other, and that is said', async () => {
    using mine = client();
    await using world = await hostingWorld();
    await world.hold(announcement(owner, 'r'));
    // What is no ASCII counts as it is, and not as git quotes it.
    const tree = nested(mine.path, 18, treeOf(mine.path, 'ä'));
    const [fits, long] = [tree, nested(mine.path, 20)].map((one) => commitOf(mine.path, one));
    const push = (digit: string, id = '') =>
      world.push(repository, { lines: [[ref(digit), id]], pack: mine.pack([id]) });
    expect(await push('a', fits)).toEqual(['unpack ok', `ok ${ref('a')}`]);
    expect(await push('b', long)).toEqual([`unpack ${refusal}`, `ng ${ref('b')} ${refusal}`]);
    expect(has(world.pathOf(repository), long ?? '')).toBe(false);
  });

  it('is refused where it has become so on top of what was proposed before', async () => {
    using mine = client();
    await using world = await hostingWorld();
    await world.hold(announcement(owner, 'r'));
    const below = nested(mine.path, 12);
    const first = commitOf(mine.path, below);
    const second = commitOf(mine.path, nested(mine.path, 12, below), first);
    const firstPush = { lines: [[ref('a'), first]] as const, pack: mine.pack([first]) };
    expect(await world.push(repository, firstPush)).toEqual(['unpack ok', `ok ${ref('a')}`]);
    const secondPush = { lines: [[ref('b'), second]] as const, pack: mine.pack([second], [first]) };
    expect(await world.push(repository, secondPush)).toContain(`unpack ${refusal}`);
  });

  it.each([
    ['a file', ''],
    ['a folder without files', '4b825dc642cb6eb9a060e54bf8d69288fbee4904'],
  ])('is refused with a long name, whatever is in that, of %s', async (_, below) => {
    using mine = client();
    await using world = await hostingWorld();
    await world.hold(announcement(owner, 'r'));
    git(mine.path, ['mktree']);
    const tree = treeOf(mine.path, `\n${'x'.repeat(40)}`, below === '' ? undefined : below);
    const long = commitOf(mine.path, treeOf(mine.path, 'd', tree));
    const push = { lines: [[ref('a'), long]] as const, pack: mine.pack([long]) };
    expect(await world.push(repository, push)).toContain(`unpack ${refusal}`);
  });

  it('may leave alone what branches have', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const deep = nested(mine.path, 30);
    const first = commitOf(mine.path, deep);
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    const ofState = { lines: [[main, first]] as const, pack: mine.pack([first]) };
    expect(await world.push(repository, ofState)).toContain('unpack ok');
    const listed = git(mine.path, ['ls-tree', deep]);
    const tree = git(mine.path, ['mktree'], `${listed}\n100644 blob ${writeBlob(mine.path, 'x')}\tnew\n`);
    const change = commitOf(mine.path, tree, first);
    const proposed = { lines: [[ref('a'), change]] as const, pack: mine.pack([change], [first]) };
    expect(await world.push(repository, proposed)).toContain('unpack ok');
  });

  it('is not copied from other repositories with such', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const [long, fits] = [30, 3].map((levels) => commitOf(mine.path, nested(mine.path, levels))) as [
      string,
      string,
    ];
    await world.hold(announcement(owner, 'r'), announcement(other, 'elsewhere'));
    await world.hold(state(other, 'elsewhere', [main, long], ['refs/heads/fits', fits]));
    const lines = [[main, long] as const, ['refs/heads/fits', fits] as const];
    await world.push(elsewhere, { lines, pack: mine.pack([long, fits]) });
    const one = mine.commit('one');
    await world.push(repository, { lines: [[ref('a'), one]], pack: mine.pack([one]) });
    const named = [address(owner, 'r'), address(other, 'elsewhere')];
    for (const id of [long, fits]) await world.hold(pullRequest(stranger, named, [['c', id]]));
    await world.promotion.ended();
    expect([long, fits].map((id) => has(world.pathOf(repository), id))).toEqual([false, true]);
  });
});
