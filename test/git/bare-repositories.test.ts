import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BareRepositories, type RepositoryKey } from '../../src/git/bare-repositories.js';
import { GitError } from '../../src/git/git-error.js';
import { GitRunner } from '../../src/git/git-runner.js';
import { repositoryOfFolders, repositoryPath } from '../../src/git/repository-path.js';
import { repositorySettings } from '../../src/git/skeleton.js';
import { systemClock } from '../../src/lib/clock.js';
import { npubOf } from '../../src/nostr/keys.js';
import { git, headOf, refsOf, scratchFolder, writeCommit } from './scratch.js';

const pubkey = '12'.repeat(32);
const key: RepositoryKey = { pubkey, identifier: 'repo' };

const stop = new AbortController();
const runner = new GitRunner(systemClock, stop.signal);
afterAll(() => stop.abort());

function repositoriesIn(path: string): BareRepositories {
  return new BareRepositories(path, runner);
}

async function listed(repositories: BareRepositories): Promise<string[]> {
  const names: string[] = [];
  for await (const { identifier } of repositories.list()) names.push(identifier);
  return names.sort();
}

describe('`<git data path>/<npub>/<identifier>.git` is created bare, once', () => {
  it('as git would make it, with the settings that clients need', async () => {
    using folder = scratchFolder();
    const repositories = repositoriesIn(folder.path);
    await repositories.open();
    expect(await repositories.ensure(key)).toBe('made');
    const path = join(folder.path, npubOf(pubkey), 'repo.git');
    expect(repositories.pathOf(key)).toBe(path);
    expect(git(path, ['rev-parse', '--is-bare-repository'])).toBe('true');
    for (const [name, value] of repositorySettings)
      expect(git(path, ['config', '--local', name])).toBe(value);
    expect(headOf(path)).toBe('refs/heads/main');
    expect(existsSync(join(path, 'hooks'))).toBe(false);
    expect(git(path, ['fsck'])).toBe('');
    expect(await repositories.ensure(key)).toBe('there');
  });

  it('keeps what a repository holds', async () => {
    using folder = scratchFolder();
    const repositories = repositoriesIn(folder.path);
    await repositories.ensure(key);
    const commit = writeCommit(repositories.pathOf(key), 'one');
    git(repositories.pathOf(key), ['update-ref', 'refs/heads/main', commit]);
    await repositories.ensure(key);
    expect(refsOf(repositories.pathOf(key))).toEqual({ 'refs/heads/main': commit });
  });

  it('by many at once, of several processes: one makes it', async () => {
    using folder = scratchFolder();
    const several = [repositoriesIn(folder.path), repositoriesIn(folder.path), repositoriesIn(folder.path)];
    const ensured = await Promise.all(
      Array.from({ length: 30 }, (_, number) => several[number % 3]?.ensure(key)),
    );
    expect(ensured.filter((outcome) => outcome === 'made')).toHaveLength(1);
    expect(ensured.filter((outcome) => outcome === 'there')).toHaveLength(29);
    expect(readdirSync(join(folder.path, '.graspd'))).toEqual([]);
  });

  it('also when the parent is deleted meanwhile', async () => {
    using folder = scratchFolder();
    const repositories = repositoriesIn(folder.path);
    await repositories.ensure({ pubkey, identifier: 'first' });
    let isDone = false;
    const deleting = (async () => {
      const parent = join(folder.path, npubOf(pubkey));
      while (!isDone) {
        try {
          rmSync(parent, { recursive: true, force: true });
        } catch {
          // A repository came into the folder while it was being emptied.
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    const names = Array.from({ length: 20 }, (_, number) => `repo${number}`);
    await Promise.all(names.map((identifier) => repositories.ensure({ pubkey, identifier })));
    isDone = true;
    await deleting;
    expect(await repositories.ensure(key)).toBe('made');
    rmSync(folder.path, { recursive: true, force: true });
    expect(await repositories.ensure(key)).toBe('made');
  });

  it('in a folder that is there but is no repository: nothing in it is lost', async () => {
    using folder = scratchFolder();
    const repositories = repositoriesIn(folder.path);
    mkdirSync(join(repositories.pathOf(key), 'objects'), { recursive: true });
    writeFileSync(join(repositories.pathOf(key), 'objects', 'kept'), '');
    expect(await repositories.ensure(key)).toBe('there');
    expect(git(repositories.pathOf(key), ['rev-parse', '--is-bare-repository'])).toBe('true');
    expect(git(repositories.pathOf(key), ['config', '--local', 'uploadpack.allowFilter'])).toBe('true');
    expect(existsSync(join(repositories.pathOf(key), 'objects', 'kept'))).toBe(true);
  });

  it('and what an earlier process left half done is cleared away at the start', async () => {
    using folder = scratchFolder();
    mkdirSync(join(folder.path, '.graspd', 'new-x', 'objects'), { recursive: true });
    await repositoriesIn(folder.path).open();
    expect(readdirSync(join(folder.path, '.graspd'))).toEqual([]);
  });

  it('but a git data path that cannot be made is a clear error', async () => {
    using folder = scratchFolder();
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    await expect(repositoriesIn(join(file, 'git')).open()).rejects.toThrow(
      /git data path '.*' cannot be written/,
    );
  });
});

it.each([
  ['git version 2.31.9', false],
  ['git version 2.32.0', true],
  ['git version 10.0.windows.1', true],
  ['something else', false],
])('%s can be worked with: %s', async (said, isFit) => {
  using folder = scratchFolder();
  const checked = new BareRepositories(folder.path, { run: async () => said }).checkGit();
  if (isFit) await checked;
  else await expect(checked).rejects.toThrow('git 2.32 or newer is needed');
});

describe('A repository that is not served', () => {
  it('is closed, keeps the time of it, and is opened again', async () => {
    using folder = scratchFolder();
    const repositories = repositoriesIn(folder.path);
    await repositories.close(key, 5);
    expect(existsSync(repositories.pathOf(key))).toBe(false);
    await repositories.ensure(key);
    expect(await repositories.closedSince(key)).toBeUndefined();
    await repositories.close(key, 5_000);
    expect(await repositories.closedSince(key)).toBe(5_000);
    await repositories.close(key, 9_000);
    expect(await repositories.closedSince(key)).toBe(9_000);
    expect(await repositories.ensure(key)).toBe('reopened');
    expect(await repositories.closedSince(key)).toBeUndefined();
  });

  it('is open from its making until it is closed or removed, whenever one looks', async () => {
    using folder = scratchFolder();
    const repositories = repositoriesIn(folder.path);
    const isOpen = async () => [await repositories.isOpen(key), await repositories.isOpen(key)];
    expect(await isOpen()).toEqual([false, false]);
    await repositories.ensure(key);
    expect(await isOpen()).toEqual([true, true]);
    await Promise.all([repositories.close(key, 5_000), repositories.isOpen(key)]);
    expect(await isOpen()).toEqual([false, false]);
    await repositories.ensure(key);
    expect(await isOpen()).toEqual([true, true]);
    await Promise.all([repositories.remove(key), repositories.isOpen(key)]);
    expect(await isOpen()).toEqual([false, false]);
  });

  it('gets its full grace period when its mark cannot be read', async () => {
    using folder = scratchFolder();
    const repositories = repositoriesIn(folder.path);
    await repositories.ensure(key);
    writeFileSync(join(repositories.pathOf(key), 'graspd-closed'), '');
    await repositories.close(key, 7_000);
    expect(await repositories.closedSince(key)).toBe(7_000);
  });

  it('is removed as a whole, and can be made anew', async () => {
    using folder = scratchFolder();
    const repositories = repositoriesIn(folder.path);
    await repositories.ensure(key);
    writeCommit(repositories.pathOf(key), 'one');
    await repositories.remove(key);
    await repositories.remove(key);
    expect(existsSync(repositories.pathOf(key))).toBe(false);
    expect(readdirSync(join(folder.path, '.graspd'))).toEqual([]);
    expect(await repositories.ensure(key)).toBe('made');
  });
});

describe('Repositories', () => {
  it('of pull requests are listed apart from announced ones', async () => {
    using folder = scratchFolder();
    const { path } = folder;
    const repositories = repositoriesIn(path);
    const announced = { pubkey: 'a'.repeat(64), identifier: 'r' };
    const prs = { signer: 'b'.repeat(64), identifier: 'a b' };
    await repositories.ensure(announced);
    expect(await repositories.ensure(prs)).toBe('made');
    mkdirSync(join(path, 'prs', 'no-key', 'x.git'), { recursive: true });
    expect(repositories.pathOf(prs)).toBe(join(path, 'prs', prs.signer, 'a b.git'));
    const lists: RepositoryKey[][] = [[], []];
    for await (const one of repositories.list()) lists[0]?.push(one);
    for await (const one of repositories.listPrs()) lists[1]?.push(one);
    expect(lists).toEqual([[announced], [prs]]);
    await repositories.remove(prs);
    expect(existsSync(join(path, 'prs', prs.signer))).toBe(false);
    expect(() => repositories.pathOf({ signer: '..', identifier: 'x' })).toThrow('does not fit a path');
  });
});

describe('Paths', () => {
  const outside = [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    '/etc/passwd',
    'a/../b',
    'a\0b',
    'a\\b',
    '../../../../tmp/x',
  ];
  it.each(outside)('%j is refused', (identifier) => {
    expect(() => repositoryPath('/data', pubkey, identifier)).toThrow(GitError);
  });

  const inside = ['%2e%2e', '...', '.x', '-x', '--upload-pack=touch x', 'a b', 'a\nb', 'ü💾', 'a:b', '$(x)'];
  it.each(inside)('%j stays below the git data path, on disk too', async (identifier) => {
    using folder = scratchFolder();
    const repositories = repositoriesIn(folder.path);
    expect(await repositories.ensure({ pubkey, identifier })).toBe('made');
    const path = repositories.pathOf({ pubkey, identifier });
    expect(resolve(path).startsWith(folder.path + sep)).toBe(true);
    expect(dirname(path)).toBe(join(folder.path, npubOf(pubkey)));
    expect(readdirSync(join(folder.path, npubOf(pubkey)))).toEqual([`${identifier}.git`]);
    expect(await listed(repositories)).toEqual([identifier]);
  });

  it('lists repositories only', async () => {
    using folder = scratchFolder();
    const repositories = repositoriesIn(folder.path);
    expect(await listed(repositories)).toEqual([]);
    await repositories.ensure(key);
    mkdirSync(join(folder.path, npubOf(pubkey), 'notes'));
    mkdirSync(join(folder.path, 'npub1junk', 'x.git'), { recursive: true });
    mkdirSync(join(folder.path, 'lost+found', 'x.git'), { recursive: true });
    writeFileSync(join(folder.path, npubOf(pubkey), 'file.git'), '');
    expect(await listed(repositories)).toEqual(['repo']);
    expect(repositoryOfFolders(npubOf(pubkey), '.git')).toBeUndefined();
    expect(repositoryOfFolders(npubOf(pubkey), 'a.b.git')).toEqual({ pubkey, identifier: 'a.b' });
  });
});
