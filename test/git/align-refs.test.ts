import { existsSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { alignRefs, type Misalignment, type WantedRepository } from '../../src/git/align-refs.js';
import type { Git } from '../../src/git/git-command.js';
import { GitError } from '../../src/git/git-error.js';
import { GitRunner } from '../../src/git/git-runner.js';
import { removeBlockers } from '../../src/git/locks/blockers.js';
import { planRefs, type Refs, stages } from '../../src/git/ref-plan.js';
import { moveRefs, readObjectTypes } from '../../src/git/refs.js';
import { systemClock } from '../../src/lib/clock.js';
import { git, headOf, refsOf, scratchFolder, writeBlob, writeCommit } from './scratch.js';

const stop = new AbortController();
const runner: Git = new GitRunner(systemClock, stop.signal);
afterAll(() => stop.abort());
const missing = 'd'.repeat(40);
const nostrRef = (digit: string) => `refs/nostr/${digit.repeat(64)}`;

/** A bare repository with some objects, and what one alignment makes of it. */
function repository() {
  const folder = scratchFolder();
  git(folder.path, ['init', '-q', '--bare', '--initial-branch=main']);
  const [one, two] = [writeCommit(folder.path, 'one'), writeCommit(folder.path, 'two')];
  const align = async (
    declared: Record<string, string> | undefined,
    more: { head?: string; pullRequests?: Record<string, string | undefined> } = {},
  ): Promise<Misalignment> => {
    const wanted: WantedRepository = {
      declared: declared && new Map(Object.entries(declared)),
      head: more.head,
      pullRequests: new Map(Object.entries(more.pullRequests ?? {})),
    };
    return await alignRefs(runner, folder.path, wanted);
  };
  const set = (refs: Record<string, string>) => {
    for (const [name, id] of Object.entries(refs)) git(folder.path, ['update-ref', name, id]);
  };
  return {
    path: folder.path,
    one,
    two,
    align,
    set,
    refs: () => refsOf(folder.path),
    [Symbol.dispose]: folder[Symbol.dispose],
  };
}

describe('Declared refs whose objects are present are set', () => {
  it('creates and updates heads and tags in one go', async () => {
    using made = repository();
    const { one, two } = made;
    made.set({ 'refs/heads/main': one });
    const declared = { 'refs/heads/main': two, 'refs/heads/a/ü-💾': one, 'refs/tags/v1': two };
    expect((await made.align(declared)).waiting).toEqual([]);
    expect(made.refs()).toEqual(declared);
    expect((await made.align(declared)).changes).toEqual([]);
  });

  it('packs many that are set at once into one file, and goes on where that fails', async () => {
    using made = repository();
    const names = Array.from({ length: limits.gitRefsUnpackedMax + 1 }, (_, n) => `refs/heads/${n}`);
    const all = (id: string) => Object.fromEntries(names.map((name) => [name, id]));
    const isLoose = () => existsSync(join(made.path, 'refs/heads/7'));
    await made.align(all(made.one));
    expect(made.refs()).toEqual(all(made.one));
    expect(isLoose()).toBe(false);
    // Nobody else may pack them meanwhile.
    writeFileSync(join(made.path, 'packed-refs.lock'), '');
    await made.align(all(made.two));
    expect(made.refs()).toEqual(all(made.two));
    expect(isLoose()).toBe(true);
  });

  it('moves very many as one party with all who do: what is pushed is looked through beside them', async () => {
    using made = repository();
    const ran: (string | undefined)[] = [];
    const recording = { run: async ({ party }: { party?: string }) => String(ran.push(party)) };
    const changes = Array.from({ length: limits.gitRefsUnpackedMax + 1 }, (_, n) => {
      return { type: 'create', name: `refs/heads/${n}`, to: made.one } as const;
    });
    await moveRefs(recording, made.path, changes);
    await moveRefs(recording, made.path, changes.slice(0, 1));
    expect(ran).toEqual(['many refs', 'many refs', undefined]);
  });

  it('packs fewer that lie in many folders, and leaves none of these', async () => {
    using made = repository();
    const depth = limits.refNamePartsMax - 3;
    const count = Math.ceil(limits.gitRefsUnpackedMax / depth);
    const names = Array.from({ length: count }, (_, n) => `refs/heads/${n}/${'a/'.repeat(depth - 1)}b`);
    const all = Object.fromEntries(names.map((name) => [name, made.one]));
    await made.align(all);
    expect(made.refs()).toEqual(all);
    expect(existsSync(join(made.path, 'refs/heads/7'))).toBe(false);
  });

  it('leaves a declared ref as it is while its object is missing, and sets the others', async () => {
    using made = repository();
    const { one, two } = made;
    made.set({ 'refs/heads/main': one });
    const { waiting } = await made.align({
      'refs/heads/main': missing,
      'refs/heads/x': missing,
      'refs/heads/y': two,
    });
    expect(waiting).toEqual(['refs/heads/main', 'refs/heads/x']);
    expect(made.refs()).toEqual({ 'refs/heads/main': one, 'refs/heads/y': two });
  });

  it('takes a tag of any object, and a branch of commits only', async () => {
    using made = repository();
    const blob = writeBlob(made.path, 'x');
    const tag = git(
      made.path,
      ['mktag'],
      `object ${made.one}\ntype commit\ntag v1\ntagger a <a> 1 +0000\n\nx\n`,
    );
    const declared = {
      'refs/heads/blob': blob,
      'refs/heads/tag': tag,
      'refs/tags/blob': blob,
      'refs/tags/v1': tag,
    };
    expect((await made.align(declared)).waiting).toEqual(['refs/heads/blob', 'refs/heads/tag']);
    expect(made.refs()).toEqual({ 'refs/tags/blob': blob, 'refs/tags/v1': tag });
  });

  it('takes an object id for nothing else, though a branch has its name', async () => {
    using made = repository();
    const sha256 = 'ab'.repeat(32);
    made.set({ [`refs/heads/${sha256}`]: made.one });
    const declared = { 'refs/heads/main': sha256, [`refs/heads/${sha256}`]: made.one };
    expect((await made.align(declared)).waiting).toEqual(['refs/heads/main']);
    expect(await readObjectTypes(runner, made.path, [made.one, sha256, missing])).toEqual(
      new Map([[made.one, 'commit']]),
    );
  });

  it('never sets a ref to the zero id', async () => {
    using made = repository();
    made.set({ 'refs/heads/main': made.one });
    await made.align({ 'refs/heads/main': '0'.repeat(40) });
    expect(made.refs()).toEqual({ 'refs/heads/main': made.one });
  });

  it('works on SHA-256 repositories', async () => {
    using folder = scratchFolder();
    git(folder.path, ['init', '-q', '--bare', '--object-format=sha256']);
    const declared = new Map([['refs/heads/main', writeCommit(folder.path, 'one')]]);
    await alignRefs(runner, folder.path, { declared, head: undefined, pullRequests: new Map() });
    expect(refsOf(folder.path)).toEqual(Object.fromEntries(declared));
  });

  it('does not come to a repository without objects but by HEAD', async () => {
    using folder = scratchFolder();
    git(folder.path, ['init', '-q', '--bare']);
    const declared = new Map([['refs/heads/main', missing]]);
    const wanted = { declared, head: 'refs/heads/later', pullRequests: new Map() };
    expect((await alignRefs(runner, folder.path, wanted)).waiting).toEqual(['refs/heads/main']);
    expect(headOf(folder.path)).toBe('refs/heads/later');
  });
});

describe('Undeclared heads and tags are removed; refs/nostr/* stay', () => {
  it('removes what is not declared, and nothing outside of heads and tags', async () => {
    using made = repository();
    const { one, two } = made;
    const others = { [nostrRef('a')]: one, 'refs/notes/commits': two };
    made.set({ 'refs/heads/old': one, 'refs/tags/old': two, ...others });
    await made.align({ 'refs/heads/main': one });
    expect(made.refs()).toEqual({ 'refs/heads/main': one, ...others });
    await made.align({});
    expect(made.refs()).toEqual(others);
  });

  it('leaves everything where no state says anything', async () => {
    using made = repository();
    made.set({ 'refs/heads/old': made.one });
    await made.align(undefined, { pullRequests: { [nostrRef('a')]: made.two } });
    expect(made.refs()).toEqual({ 'refs/heads/old': made.one, [nostrRef('a')]: made.two });
  });

  it.each([
    [['refs/heads/a'], ['refs/heads/a/b']],
    [['refs/heads/a/b'], ['refs/heads/a']],
    [
      ['refs/heads/a/b/c', 'refs/heads/a/d'],
      ['refs/heads/a', 'refs/heads/e'],
    ],
  ])('replaces %j by %j, of which one is the folder of the other', async (before, after) => {
    using made = repository();
    made.set(Object.fromEntries(before.map((name) => [name, made.one])));
    if (before.length > 1) git(made.path, ['pack-refs', '--all']);
    const declared = Object.fromEntries(after.map((name) => [name, made.two]));
    await made.align(declared);
    expect(made.refs()).toEqual(declared);
  });

  it('moves 2,000 refs in one transaction', async () => {
    using made = repository();
    const names = Array.from({ length: 2_000 }, (_, number) => `refs/heads/topic/${number}`);
    await made.align(Object.fromEntries(names.map((name) => [name, made.one])));
    expect(Object.keys(made.refs())).toHaveLength(2_000);
    await made.align({ 'refs/heads/main': made.two });
    expect(made.refs()).toEqual({ 'refs/heads/main': made.two });
  });
});

describe('HEAD follows', () => {
  it('to a branch, whether it is there or not, and stays when nothing is said', async () => {
    using made = repository();
    await made.align({ 'refs/heads/x': made.one }, { head: 'refs/heads/x' });
    expect(headOf(made.path)).toBe('refs/heads/x');
    await made.align({ 'refs/heads/x': made.one }, { head: 'refs/heads/unborn' });
    expect(headOf(made.path)).toBe('refs/heads/unborn');
    await made.align({ 'refs/heads/x': made.one });
    expect(headOf(made.path)).toBe('refs/heads/unborn');
  });

  it('from a detached HEAD', async () => {
    using made = repository();
    writeFileSync(join(made.path, 'HEAD'), `${made.one}\n`);
    await made.align({}, { head: 'refs/heads/main' });
    expect(headOf(made.path)).toBe('refs/heads/main');
  });
});

describe('`refs/nostr/<id>`: set where the commit is present, removed where it points elsewhere', () => {
  it('set, corrected, removed, and left alone', async () => {
    using made = repository();
    const { one, two } = made;
    made.set({ [nostrRef('a')]: one, [nostrRef('b')]: one, [nostrRef('c')]: one, [nostrRef('d')]: one });
    const pullRequests = {
      [nostrRef('a')]: one,
      [nostrRef('b')]: two,
      [nostrRef('c')]: missing,
      [nostrRef('e')]: two,
      [nostrRef('f')]: missing,
      [nostrRef('0')]: undefined,
    };
    const { waiting } = await made.align(undefined, { pullRequests });
    expect(waiting).toEqual([nostrRef('c'), nostrRef('f')]);
    const left = { [nostrRef('a')]: one, [nostrRef('b')]: two, [nostrRef('d')]: one, [nostrRef('e')]: two };
    expect(made.refs()).toEqual(left);
  });

  it('removed when the pull request is gone', async () => {
    using made = repository();
    made.set({ [nostrRef('a')]: made.one, [nostrRef('b')]: made.one });
    await made.align(undefined, { pullRequests: { [nostrRef('a')]: undefined } });
    expect(made.refs()).toEqual({ [nostrRef('b')]: made.one });
  });

  it('of a commit, not of any object', async () => {
    using made = repository();
    const { waiting } = await made.align(undefined, {
      pullRequests: { [nostrRef('a')]: writeBlob(made.path, 'x') },
    });
    expect(waiting).toEqual([nostrRef('a')]);
    expect(made.refs()).toEqual({});
  });
});

describe('A transaction', () => {
  it('does nothing at all when one ref is not what it was', async () => {
    using made = repository();
    const { one, two } = made;
    made.set({ 'refs/heads/a': one, 'refs/heads/b': two });
    const moved = moveRefs(runner, made.path, [
      { type: 'create', name: 'refs/heads/c', to: one },
      { type: 'update', name: 'refs/heads/a', from: one, to: two },
      { type: 'delete', name: 'refs/heads/b', from: one },
    ]);
    await expect(moved).rejects.toThrow(GitError);
    expect(made.refs()).toEqual({ 'refs/heads/a': one, 'refs/heads/b': two });
  });

  it('is blocked by a lock file that was left behind, until that is removed', async () => {
    using made = repository();
    const lock = join(made.path, 'refs', 'heads', 'main.lock');
    const fresh = join(made.path, 'config.lock');
    writeFileSync(lock, '');
    writeFileSync(fresh, '');
    utimesSync(lock, 1_000, 1_000);
    await expect(made.align({ 'refs/heads/main': made.one })).rejects.toThrow(GitError);
    expect(await removeBlockers(made.path, Date.now())).toBe(1);
    expect([existsSync(lock), existsSync(fresh)]).toEqual([false, true]);
    await made.align({ 'refs/heads/main': made.one });
    expect(made.refs()).toEqual({ 'refs/heads/main': made.one });
  });

  it('is blocked no longer by a lock file from before the machine started, however young', async () => {
    using made = repository();
    const now = Date.now();
    const locks = ['HEAD.lock', 'packed-refs.lock'].map((name) => join(made.path, name));
    for (const [at, lock] of locks.entries()) {
      writeFileSync(lock, '');
      utimesSync(lock, (now - 60_000 + at * 30_000) / 1_000, (now - 60_000 + at * 30_000) / 1_000);
    }
    expect(await removeBlockers(made.path, now, now - 45_000)).toBe(1);
    expect(locks.map((lock) => existsSync(lock))).toEqual([false, true]);
  });

  it.each(['', '\0'.repeat(41), 'a'.repeat(20)])(
    'is blocked by a ref that a power failure left as %j, until that is removed',
    async (content) => {
      using made = repository();
      made.set({ 'refs/heads/main': made.one, 'refs/heads/other': made.one });
      writeFileSync(join(made.path, 'refs', 'heads', 'main'), content);
      const wanted = { 'refs/heads/main': made.two, 'refs/heads/other': made.two };
      await expect(made.align(wanted)).rejects.toThrow(GitError);
      expect(await removeBlockers(made.path, Date.now())).toBe(1);
      await made.align(wanted);
      expect(made.refs()).toEqual(wanted);
    },
  );

  it('leaves HEAD to who has its lock, and that lock to them', async () => {
    using made = repository();
    const lock = join(made.path, 'HEAD.lock');
    writeFileSync(lock, '');
    await expect(made.align({}, { head: 'refs/heads/next' })).rejects.toThrow('EEXIST');
    expect([existsSync(lock), headOf(made.path)]).toEqual([true, 'refs/heads/main']);
    rmSync(lock);
    await made.align({}, { head: 'refs/heads/next' });
    expect([existsSync(lock), headOf(made.path)]).toEqual([false, 'refs/heads/next']);
  });
});

describe('planRefs', () => {
  const plan = (declared: Refs, current: Refs) =>
    planRefs({ declared, pullRequests: new Map() }, current, () => 'commit').changes;

  it('needs nothing when all is as declared', () => {
    const refs = new Map([['refs/heads/a', 'x']]);
    expect(plan(refs, refs)).toEqual([]);
  });

  it('puts before the rest only what is in the way of a new ref', () => {
    const changes = plan(
      new Map([['refs/heads/a/b', 'x']]),
      new Map([
        ['refs/heads/a', 'x'],
        ['refs/heads/c', 'x'],
      ]),
    );
    expect(stages(changes).map((stage) => stage.map(({ type, name }) => `${type} ${name}`))).toEqual([
      ['delete refs/heads/a'],
      ['create refs/heads/a/b', 'delete refs/heads/c'],
    ]);
  });
});
