import { copyFile, link, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type BareRepositories, isOfPrs, type RepositoryKey } from '../git/bare-repositories.js';
import { isAbsence } from '../git/files.js';
import type { Git } from '../git/git-command.js';
import type { RepositoryLocks } from '../git/locks/repository-locks.js';
import { objectsOf } from '../git/objects/object-folders.js';
import { isRefName } from '../git/ref-name.js';
import { readAllRefs, readHead } from '../git/refs.js';
import { errorCode } from '../lib/errors.js';
import type { RepositoryNote } from './format.js';
import { isObjectFile } from './object-files.js';

export type StagingParts = {
  readonly repositories: BareRepositories;
  readonly git: Git;
  readonly locks: RepositoryLocks;
  /** Told of each repository that cannot be read, and why. */
  readonly onUnreadable: (key: RepositoryKey, error: unknown) => void;
};

/** All repositories on disk at this moment, of either sort. */
export async function repositoriesOnDisk(repositories: BareRepositories): Promise<RepositoryKey[]> {
  const keys: RepositoryKey[] = [];
  for await (const key of repositories.list()) keys.push(key);
  for await (const key of repositories.listPrs()) keys.push(key);
  return keys;
}

/**
 * Copies of repositories as each is at one moment: their refs in a file, and hard links to their objects, which git never
 * changes. So nothing is copied, and a push, a repack or a removal that comes meanwhile takes nothing away. Where the file
 * system has no links they are copied.
 */
export class StagedRepositories implements AsyncDisposable {
  readonly #parts: StagingParts;
  readonly #path: string;
  #count = 0;
  #unreadable = 0;

  private constructor(parts: StagingParts, path: string) {
    this.#parts = parts;
    this.#path = path;
  }

  /** Copies in a folder of work, which go with it, or at the next start. */
  static async open(parts: StagingParts): Promise<StagedRepositories> {
    return new StagedRepositories(parts, await parts.repositories.makeWorkFolder('backup-'));
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Repositories that could not be read, and that are left out. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** The folder of the copy with that number, which begin at 1. */
  pathOf(number: number): string {
    return join(this.#path, String(number));
  }

  /**
   * Copies the repositories, one after the other, alone on each; leaves out those that are gone.
   * One that was closed after `momentMs` counts as open. Rejects with the signal's reason.
   */
  async stage(keys: readonly RepositoryKey[], momentMs: number, signal: AbortSignal): Promise<void> {
    for (const key of keys) {
      try {
        await this.#parts.locks.use(key, signal, () =>
          this.#parts.locks.useStill(key, () => this.#stageOne(key, momentMs)),
        );
      } catch (error) {
        signal.throwIfAborted();
        // One that is damaged is not to keep all others from being backed up; a full disk is.
        if (errorCode(error) === 'ENOSPC') throw error;
        this.#parts.onUnreadable(key, error);
        this.#unreadable += 1;
        await rm(this.pathOf(this.#count + 1), { recursive: true, force: true });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }

  async #stageOne(key: RepositoryKey, momentMs: number): Promise<void> {
    const { repositories, git } = this.#parts;
    if (!(await repositories.exists(key))) return;
    const gitDir = repositories.pathOf(key);
    // One that somebody made by hand, and that no restore would take, must not cost all else.
    const refs = [...(await readAllRefs(git, gitDir))].filter(([name]) => isRefName(name));
    const head = await readHead(gitDir);
    const closedSinceMs = await repositories.closedSince(key);
    const note: RepositoryNote = {
      sort: isOfPrs(key) ? 'prs' : 'announced',
      pubkey: isOfPrs(key) ? key.signer : key.pubkey,
      identifier: key.identifier,
      ...(head === undefined ? {} : { head }),
      ...(closedSinceMs === undefined || closedSinceMs > momentMs ? {} : { closedSinceMs }),
    };
    const to = this.pathOf(this.#count + 1);
    await mkdir(to);
    await writeFile(join(to, 'repository.json'), `${JSON.stringify(note)}\n`);
    await writeFile(join(to, 'packed-refs'), refs.map(([name, id]) => `${id} ${name}\n`).join(''));
    for (const name of await objectFilesOf(gitDir)) await linkOrCopy(objectsOf(gitDir), objectsOf(to), name);
    this.#count += 1;
  }
}

/** The packs, their indexes and the loose objects of a repository, below its folder of objects. */
export async function objectFilesOf(gitDir: string): Promise<string[]> {
  const objects = objectsOf(gitDir);
  const names: string[] = [];
  for (const folder of await namesIn(objects)) {
    if (folder !== 'pack' && folder.length !== 2) continue;
    for (const name of await namesIn(join(objects, folder))) {
      const path = `${folder}/${name}`;
      if (isObjectFile(path)) names.push(path);
    }
  }
  // The packs come first, as nothing may be read of an index that has none.
  return names.sort((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx')) || (a < b ? -1 : 1));
}

async function linkOrCopy(from: string, to: string, name: string): Promise<void> {
  const path = join(to, name);
  await mkdir(dirname(path), { recursive: true });
  try {
    await link(join(from, name), path);
  } catch (error) {
    if (isAbsence(error)) throw error;
    await copyFile(join(from, name), path);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}
