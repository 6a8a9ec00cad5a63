import type { Dirent } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '../lib/disk/sync-folder.js';
import { isAbsence, isThere, moveInto } from './files.js';
import { type Git, isAtLeast, readGitVersion } from './git-command.js';
import { GitError } from './git-error.js';
import {
  prsPath,
  prsRepositoryOfFolders,
  prsRepositoryPath,
  repositoryOfFolders,
  repositoryPath,
} from './repository-path.js';
import { applySettings, readSkeleton, type Skeleton, writeSkeleton } from './skeleton.js';

/** An announced repository, by the author and the identifier of its announcement. */
export type AnnouncedKey = { readonly pubkey: string; readonly identifier: string };

/**
 * A repository of pull requests of somebody who has none here (GRASP-06): by the key that signs them, and the identifier of
 * the repository that they are for.
 */
export type PrsRepository = { readonly signer: string; readonly identifier: string };

/** A repository on disk, of either sort: each has a place of its own. */
export type RepositoryKey = AnnouncedKey | PrsRepository;

/** Whether it is one of pull requests. */
export function isOfPrs(key: RepositoryKey): key is PrsRepository {
  return 'signer' in key;
}

/** A text that stands for a repository, and for no other. */
export function textOf(key: RepositoryKey): string {
  return isOfPrs(key) ? `prs:${key.signer}:${key.identifier}` : `${key.pubkey}:${key.identifier}`;
}

/** The key whose repository it is. */
export function ownerOf(key: RepositoryKey): string {
  return isOfPrs(key) ? key.signer : key.pubkey;
}

export function isSameRepository(a: RepositoryKey, b: RepositoryKey): boolean {
  if (a.identifier !== b.identifier) return false;
  return isOfPrs(a) ? isOfPrs(b) && a.signer === b.signer : !isOfPrs(b) && a.pubkey === b.pubkey;
}

/** Repositories that are being made or removed; on the same file system, so that a rename moves them at once. */
const workFolder = '.graspd';
/** The first version that can be kept from reading the configuration of the user. */
const gitVersionMin = [2, 32] as const;
/** In the work folder: a repository that stays empty. */
const emptyFolder = 'empty.git';
/** In the work folder: repositories that are whole, and about to take the places of damaged ones. */
const replacingFolder = 'replacing';
/** In a closed repository: since when, in milliseconds since 1970. */
const closedMark = 'graspd-closed';

/**
 * The bare repositories below the git data path. A repository appears and disappears by one rename, so there is
 * never half a one; several processes may do so at the same time.
 */
export class BareRepositories {
  readonly #gitDataPath: string;
  readonly #git: Git;
  #skeleton: Promise<Skeleton> | undefined;
  /** Folders of those that were seen to be there and open: clients ask for the same ones again and again. */
  readonly #open = new Set<string>();
  /** How often one was closed or removed. */
  #leavings = 0;

  constructor(gitDataPath: string, git: Git) {
    this.#gitDataPath = gitDataPath;
    this.#git = git;
  }

  pathOf(key: RepositoryKey): string {
    return isOfPrs(key)
      ? prsRepositoryPath(this.#gitDataPath, key.signer, key.identifier)
      : repositoryPath(this.#gitDataPath, key.pubkey, key.identifier);
  }

  /** A repository with nothing in it, for whoever asks for one that is not on disk: to read, never to write. */
  async emptyRepository(): Promise<string> {
    const path = join(this.#workPath, emptyFolder);
    if (!(await isThere(join(path, 'HEAD')))) await this.#make(path);
    return path;
  }

  /**
   * Makes the git data path, and finishes or removes what an earlier process left half done. Rejects with `GitError`,
   * whose message is fit for the operator.
   */
  async open(): Promise<void> {
    try {
      await this.finishReplacing();
      await rm(this.#workPath, { recursive: true, force: true });
      await mkdir(this.#workPath, { recursive: true });
    } catch (error) {
      throw new GitError('git_data_path', `the git data path '${this.#gitDataPath}' cannot be written`, {
        cause: error,
      });
    }
  }

  /** Resolves when git can be run and is new enough; rejects with `GitError`, whose message is fit for the operator. */
  async checkGit(): Promise<void> {
    const version = await readGitVersion(this.#git, this.#gitDataPath);
    if (isAtLeast(version, gitVersionMin)) return;
    const message = `git ${gitVersionMin.join('.')} or newer is needed; this is '${version.text}'`;
    throw new GitError('git_version', message, { retryable: false });
  }

  /** Makes the repository unless it is there, and opens it again when it was closed. Answers which of these it was. */
  async ensure(key: RepositoryKey): Promise<'made' | 'reopened' | 'there'> {
    const path = this.pathOf(key);
    if (!(await this.exists(key)) && (await this.#make(path))) return 'made';
    try {
      await rm(join(path, closedMark));
      return 'reopened';
    } catch (error) {
      if (isAbsence(error)) return 'there';
      throw error;
    }
  }

  /** Whether the repository is there, as far as git needs to take it for one. */
  async exists(key: RepositoryKey): Promise<boolean> {
    return await isThere(join(this.pathOf(key), 'HEAD'));
  }

  /** Whether the repository is there, and not closed; what only another process has closed since may count as open. */
  async isOpen(key: RepositoryKey): Promise<boolean> {
    const path = this.pathOf(key);
    if (this.#open.has(path)) return true;
    const leavings = this.#leavings;
    if (!(await this.exists(key)) || (await this.closedSince(key)) !== undefined) return false;
    // It may have been closed since it was looked at.
    if (leavings === this.#leavings) this.#open.add(path);
    return true;
  }

  /** Since when the repository is closed, in milliseconds since 1970; `undefined` when it is open or not there. */
  async closedSince(key: RepositoryKey): Promise<number | undefined> {
    try {
      const since = Number(await readFile(join(this.pathOf(key), closedMark), 'utf8'));
      // An unreadable mark gives the full grace period: it counts as made in the future.
      return since > 0 ? since : Number.MAX_SAFE_INTEGER;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  /** Marks the repository as closed since `sinceMs`, whatever it was marked with before; not where it is not there. */
  async close(key: RepositoryKey, sinceMs: number): Promise<void> {
    this.#leave(key);
    await writeFile(join(this.pathOf(key), closedMark), String(sinceMs)).catch((error: unknown) => {
      if (!isAbsence(error)) throw error;
    });
    this.#leave(key);
  }

  /** Removes the repository: it is out of sight at once, then its files go. Nothing happens when it is not there. */
  async remove(key: RepositoryKey): Promise<void> {
    this.#leave(key);
    const grave = await mkdtemp(await this.#inWorkPath('removed-'));
    try {
      await rename(this.pathOf(key), join(grave, 'repository'));
    } catch (error) {
      if (!isAbsence(error)) throw error;
    } finally {
      this.#leave(key);
      await rm(grave, { recursive: true, force: true });
    }
    // Keys cost nothing: the folder of one that has no repository is not to stay. It may have another.
    if (isOfPrs(key)) await rmdir(dirname(this.pathOf(key))).catch(() => {});
  }

  /** Makes a new repository of an empty work folder. */
  async makeIn(folder: string): Promise<void> {
    this.#skeleton ??= this.#readSkeleton();
    await writeSkeleton(await this.#skeleton, folder);
  }

  /**
   * Puts a whole repository, which was made in a work folder, in the place of a damaged one, which is kept in `keptIn`. Where
   * the process ends in between, the damaged one is in its place, or `finishReplacing` puts the whole one there.
   */
  async replace(key: AnnouncedKey, made: string, keptIn: string): Promise<void> {
    const path = this.pathOf(key);
    const ready = join(await this.#inWorkPath(replacingFolder), basename(dirname(path)), basename(path));
    await rm(ready, { recursive: true, force: true });
    this.#leave(key);
    for (const [from, to] of [
      [made, ready],
      [path, keptIn],
      [ready, path],
    ] as const) {
      await moveInto(from, to);
      await syncFolder(dirname(to));
    }
    this.#leave(key);
  }

  /** Finishes what `replace` had begun when a process ended; answers which repositories got their place by that. */
  async finishReplacing(): Promise<AnnouncedKey[]> {
    const ready = new BareRepositories(join(this.#workPath, replacingFolder), this.#git);
    const finished: AnnouncedKey[] = [];
    for await (const key of ready.list())
      if (await moveInto(ready.pathOf(key), this.pathOf(key))) finished.push(key);
    // The others were not to be replaced yet: the damaged ones are in their places.
    await rm(ready.#gitDataPath, { recursive: true, force: true });
    return finished;
  }

  /** An empty folder on the file system of the repositories, for work that a crash may leave half done: then it goes. */
  async makeWorkFolder(prefix: string): Promise<string> {
    return await mkdtemp(await this.#inWorkPath(prefix));
  }

  /** All announced repositories on disk, whoever made them. */
  async *list(): AsyncIterable<AnnouncedKey> {
    for (const { name: npub } of await foldersOf(this.#gitDataPath)) {
      if (!npub.startsWith('npub1')) continue;
      for (const { name } of await foldersOf(join(this.#gitDataPath, npub))) {
        const key = repositoryOfFolders(npub, name);
        if (key !== undefined) yield key;
      }
    }
  }

  /** All repositories of pull requests on disk. */
  async *listPrs(): AsyncIterable<PrsRepository> {
    const path = prsPath(this.#gitDataPath);
    for (const { name: signer } of await foldersOf(path)) {
      for (const { name } of await foldersOf(join(path, signer))) {
        const key = prsRepositoryOfFolders(signer, name);
        if (key !== undefined) yield key;
      }
    }
  }

  /** It is open no longer: said before, for who asks from now on, and after, for who looked in between. */
  #leave(key: RepositoryKey): void {
    this.#leavings += 1;
    this.#open.delete(this.pathOf(key));
  }

  get #workPath(): string {
    return join(this.#gitDataPath, workFolder);
  }

  async #inWorkPath(name: string): Promise<string> {
    await mkdir(this.#workPath, { recursive: true });
    return join(this.#workPath, name);
  }

  /** Makes the repository aside and moves it to its place; answers whether it was not there before. */
  async #make(path: string): Promise<boolean> {
    if (await isThere(path)) {
      // A folder that git does not know as a repository, with whatever is in it: git adds what is missing.
      await this.#git.run({ gitDir: path, args: ['init', '--quiet', '--bare', '--template='] });
      await applySettings(this.#git, path);
      return false;
    }
    const aside = await this.makeWorkFolder('new-');
    try {
      await this.makeIn(aside);
      return await moveInto(aside, path);
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  async #readSkeleton(): Promise<Skeleton> {
    try {
      await mkdir(this.#workPath, { recursive: true });
      return await readSkeleton(this.#git, this.#workPath);
    } catch (error) {
      this.#skeleton = undefined;
      throw error;
    }
  }
}

async function foldersOf(path: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory());
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}
