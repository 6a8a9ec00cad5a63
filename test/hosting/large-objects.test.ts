import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { GitError } from '../../src/git/git-error.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git, gitBytes, writeBlob } from '../git/scratch.js';
import { announcement, key, state } from '../policy/world.js';
import { client } from './client.js';
import { hostingWorld, packOf } from './hosting-world.js';

// As they are, they would take hundreds of megabytes.
vi.mock(import('../../src/config/limits.js'), async (original) => {
  const { limits: real } = await original();
  const lowered = {
    commitBytesMax: 10_000,
    treeBytesMax: 20_000,
    knownTipsBytesMax: 30_000,
    knownProposalTipsMax: 2,
  };
  return { limits: { ...real, ...lowered } as typeof real };
});

const owner = key(1);
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };
const main = 'refs/heads/main';

/** A ref that anybody may push to; it waits for an event. */
const ref = (digit: string) => `refs/nostr/${digit.repeat(64)}`;

/** A commit, or a tag of one, whose message is one letter again and again. */
function longCommit(gitDir: string, bytes: number, word = 'x', type = 'commit'): string {
  const tree = git(gitDir, ['mktree']);
  const commit = git(gitDir, ['commit-tree', tree, '-m', 'one']);
  const who = 'a <a@example.com> 1700000000 +0000';
  const head =
    type === 'commit'
      ? `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\n${word}`
      : `object ${commit}\ntype commit\ntag v1\ntagger ${who}\n\n${word}`;
  return git(gitDir, ['hash-object', '-t', type, '-w', '--stdin'], head.padEnd(bytes, 'x'));
}

/** A commit of a folder of many files, whose tree has at least so many bytes. */
function wideCommit(gitDir: string, bytes: number): string {
  const blob = writeBlob(gitDir, 'x');
  const files = Math.ceil(bytes / 35);
  const lines = Array.from(
    { length: files },
    (_, n) => `100644 blob ${blob}\t${String(n).padStart(7, '0')}\n`,
  );
  const tree = git(gitDir, ['mktree'], lines.join(''));
  return git(gitDir, ['commit-tree', tree, '-m', 'wide']);
}

describe('A commit, tag or tree', () => {
  it.each([
    ['commit', limits.commitBytesMax, longCommit],
    ['tree', limits.treeBytesMax, wideCommit],
  ] as const)('that is larger than any has to be is refused: a %s', async (type, most, write) => {
    using mine = client();
    await using world = await hostingWorld();
    await world.hold(announcement(owner, 'r'));
    const push = async (digit: string, id: string) =>
      await world.push(repository, { lines: [[ref(digit), id]], pack: mine.pack([id]) });
    const report = await push('a', write(mine.path, most + 1));
    expect(report.join()).toContain(`a ${type} has at most ${most} bytes here`);
    expect(await push('b', write(mine.path, most - 100))).toEqual(['unpack ok', `ok ${ref('b')}`]);
  });

  it('is found among deltas, and by what it is: a tag is refused, and a blob of that size is not', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const blobs = ['x', 'y'].map((end) => writeBlob(mine.path, 'x'.repeat(100_000) + end));
    const tree = git(mine.path, ['mktree'], blobs.map((id, n) => `100644 blob ${id}\t${n}\n`).join(''));
    const first = git(mine.path, ['commit-tree', tree, '-m', 'blobs']);
    const tags = ['one', 'two'].map((word) => longCommit(mine.path, limits.commitBytesMax + 1, word, 'tag'));
    const [one, two] = tags as [string, string];
    const names = ['refs/tags/v1', 'refs/tags/v2'] as const;
    await world.hold(
      announcement(owner, 'r'),
      state(owner, 'r', [main, first], [names[0], one], [names[1], two]),
    );
    const pack = packOf(mine.path, tags, []);
    const report = await world.push(repository, {
      lines: [
        [names[0], one],
        [names[1], two],
      ],
      pack,
    });
    expect(report[0]).toContain('unpack a tag has at most');
    const fine = await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    expect(fine).toEqual(['unpack ok', `ok ${main}`]);
  });
});

describe('Large commits that refs stand for already', () => {
  it('keep nobody from pushing, and are not read for that', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    const theirs = world.pathOf(repository);
    const large = ['a', 'b', 'c'].map((digit) => {
      const id = longCommit(theirs, limits.knownTipsBytesMax / 2, digit);
      git(theirs, ['update-ref', ref(digit), id]);
      return id;
    });
    const second = git(mine.path, ['commit-tree', git(mine.path, ['mktree']), '-p', first, '-m', 'two']);
    const unwanted = writeBlob(mine.path, 'unwanted');
    await world.hold(state(owner, 'r', [main, second]));
    const asked: string[] = [];
    world.faulty.fault = ({ args, input = '' }) => {
      if (args[0] === 'rev-list' || args[0] === 'pack-objects') asked.push(input);
    };
    const pack = gitBytes(mine.path, ['pack-objects', '--stdout', '-q'], `${second}\n${unwanted}\n`);
    const report = await world.push(repository, { lines: [[main, second, first]], pack });
    expect(report).toEqual(['unpack ok', `ok ${main}`]);
    // What was sent along is found out as ever.
    expect(() => git(theirs, ['cat-file', '-e', unwanted])).toThrow();
    expect(asked).toHaveLength(2);
    for (const input of asked) {
      expect(input).toContain(`^${first}`);
      expect(large.filter((id) => input.includes(id)).length).toBeLessThan(2);
    }
  });

  it('are the smallest ones, where there are very many of pull requests', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    const theirs = world.pathOf(repository);
    const proposals = ['a', 'b', 'c', 'd'].map((digit, at) => {
      const id = longCommit(theirs, 400 + 400 * at, digit);
      git(theirs, ['update-ref', ref(digit), id]);
      return id;
    });
    const second = git(mine.path, ['commit-tree', git(mine.path, ['mktree']), '-p', first, '-m', 'two']);
    await world.hold(state(owner, 'r', [main, second]));
    const asked: string[] = [];
    world.faulty.fault = ({ args, input = '' }) => {
      if (args[0] === 'rev-list') asked.push(input);
    };
    const pack = gitBytes(mine.path, ['pack-objects', '--stdout', '-q'], `${second}\n`);
    const report = await world.push(repository, { lines: [[main, second, first]], pack });
    expect(report).toEqual(['unpack ok', `ok ${main}`]);
    const left = asked.map((input) => proposals.filter((id) => input.includes(id)));
    expect(left).toEqual(asked.map(() => proposals.slice(0, 2)));
    expect(asked.length).toBeGreaterThan(0);
    for (const input of asked) expect(input).toContain(`^${first}`);
  });

  it('are built upon, and what came along with that is left out', async () => {
    using mine = client();
    await using world = await hostingWorld();
    await world.hold(announcement(owner, 'r'));
    const theirs = world.pathOf(repository);
    const large = longCommit(theirs, 2 * limits.knownTipsBytesMax);
    git(theirs, ['update-ref', ref('a'), large]);
    const same = longCommit(mine.path, 2 * limits.knownTipsBytesMax);
    expect(same).toBe(large);
    const next = git(mine.path, ['commit-tree', git(mine.path, ['mktree']), '-p', same, '-m', 'next']);
    const unwanted = writeBlob(mine.path, 'unwanted');
    const pack = gitBytes(mine.path, ['pack-objects', '--stdout', '-q'], `${next}\n${unwanted}\n`);
    const report = await world.push(repository, { lines: [[ref('b'), next]], pack });
    expect(report).toEqual(['unpack ok', `ok ${ref('b')}`]);
    expect(() => git(theirs, ['cat-file', '-e', unwanted])).toThrow();
  });
});

it('A git that has no memory says nothing of what is missing', async () => {
  using mine = client();
  await using world = await hostingWorld();
  const first = mine.commit('one');
  await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
  world.faulty.fault = ({ args }) => {
    if (args[0] === 'rev-list')
      throw new GitError('git_starved', 'git rev-list failed: fatal: Out of memory');
  };
  const report = await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
  expect(report[1]).toBe(`ng ${main} the push failed on this server; try again`);
});
