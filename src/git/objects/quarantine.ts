import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../../config/limits.js';
import { syncFolder } from '../../lib/disk/sync-folder.js';
import { errorCode } from '../../lib/errors.js';
import { isAbsence } from '../files.js';
import type { Git } from '../git-command.js';
import { knownTips } from './known-tips.js';
import { type ObjectFolders, objectsOf } from './object-folders.js';
import { packBytes } from './pack-bytes.js';
import { checkGrowth, type PackGrowth, watchGrowth } from './pack-growth.js';

/** How many objects are new; of those that a large ref leads to some may be counted too, where that is not exact. */
export type NewObjects = { readonly count: number; readonly isExact: boolean };

/**
 * Objects that came from outside and are not part of the repository yet: git finds them, together with those of the
 * repository, in commands that are given `folders`. They are moved in, or disposing of the quarantine removes them.
 */
export class Quarantine implements AsyncDisposable {
  readonly gitDir: string;
  readonly #path: string;
  readonly #sources: readonly string[];

  /**
   * `path` is an empty folder on the file system of the repository, and goes with the quarantine. `sources`: folders of other
   * repositories, whose objects count as having come.
   */
  constructor(gitDir: string, path: string, sources: readonly string[] = []) {
    this.gitDir = gitDir;
    this.#path = path;
    this.#sources = sources;
  }

  get folders(): ObjectFolders {
    return { write: this.#path, read: [this.gitDir, ...this.#sources].map(objectsOf) };
  }

  /**
   * Whether everything that these objects lead to is here or in the repository. Rejects with `GitError` when git cannot
   * be asked.
   */
  async isConnected(git: Git, objectIds: readonly string[], msMax: number): Promise<boolean> {
    return (await this.countNew(git, objectIds, msMax)) !== undefined;
  }

  /**
   * How many objects these lead to, themselves among them, that refs of the repository do not lead to; `undefined` where one
   * of them is missing. Rejects with `GitError` when git cannot be asked.
   */
  async countNew(git: Git, objectIds: readonly string[], msMax: number): Promise<NewObjects | undefined> {
    const known = await knownTips(git, this.gitDir);
    try {
      const count = await git.run({
        gitDir: this.gitDir,
        args: ['rev-list', '--objects', '--count', '--stdin'],
        input: `${[...objectIds, ...known.lines].join('\n')}\n`,
        objects: this.folders,
        msMax,
      });
      return { count: Number(count), isExact: known.areAll };
    } catch (error) {
      if (errorCode(error) === 'git_failed') return undefined;
      throw error;
    }
  }

  /**
   * Leaves of what came only what these objects lead to and the repository lacks, with no deeper deltas than may be. Rejects
   * with `PackGrowthError` where that becomes larger than it may.
   */
  async keepOnly(git: Git, objectIds: readonly string[], msMax: number, growth?: PackGrowth): Promise<void> {
    const kept = join(this.#path, 'kept');
    await mkdir(kept);
    const known = await knownTips(git, this.gitDir);
    const depth = `--depth=${limits.deltaDepthMax}`;
    const command = {
      gitDir: this.gitDir,
      args: ['pack-objects', '--quiet', '--non-empty', depth, '--revs', join(kept, 'pack')],
      input: `${[...objectIds, ...known.lines].join('\n')}\n`,
      objects: this.folders,
      msMax,
    };
    if (growth === undefined) await git.run(command);
    else await watchGrowth(growth, this.#path, (signal) => git.run(command, signal));
    await rm(join(this.#path, 'pack'), { recursive: true, force: true });
    await rename(kept, join(this.#path, 'pack'));
    if (growth !== undefined) checkGrowth(growth, await packBytes(this.#path));
  }

  /**
   * Moves the packs into the repository, or into one that was made since, forced to the disk; each index last, for git looks
   * for that.
   */
  async moveIn(gitDir = this.gitDir): Promise<void> {
    const from = join(this.#path, 'pack');
    const to = join(objectsOf(gitDir), 'pack');
    const names = (await readdir(from).catch(absent)).sort((a, b) => rank(a) - rank(b));
    if (names.length === 0) return;
    await mkdir(to, { recursive: true });
    for (const name of names) await rename(join(from, name), join(to, name));
    await syncFolder(to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}

function rank(name: string): number {
  if (name.endsWith('.idx')) return 2;
  return name.endsWith('.pack') ? 0 : 1;
}

function absent(error: unknown): string[] {
  if (isAbsence(error)) return [];
  throw error;
}
