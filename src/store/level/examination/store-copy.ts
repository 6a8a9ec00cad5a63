import { constants } from 'node:fs';
import { copyFile, link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, errorMessage } from '../../../lib/errors.js';
import { StoreError } from '../../event-store.js';
import { snapshotName } from '../../log/snapshot.js';
import { damaged } from '../database.js';
import { databasePath, lostDatabase } from '../folder.js';

/** In the folder of a store: a copy of it while it is looked at. */
const copyName = '.check';
/** What LevelDB never changes once it is whole, so that a second name is as good as a copy. */
const unchanging = /^\d+\.(ldb|sst)$/;
/** What else belongs to a database; its own log and its lock do not. */
const copied = /^(CURRENT|MANIFEST-\d+|\d+\.log)$/;
/** Errors of a file system that has no second names for files, or no more for this one. */
const noLinks: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS', 'EXDEV']);

/**
 * A copy of a store for those who only look: opening a store changes its files, and takes away what tells of a damage. The
 * large files are the same under a second name; so it costs little, and is gone when it is disposed of.
 */
export class StoreCopy implements AsyncDisposable {
  readonly path: string;
  readonly #original: string;

  private constructor(original: string) {
    this.#original = original;
    this.path = join(original, copyName);
  }

  /**
   * Copies the store at `original`, which nobody may have open. Throws `StoreError` where it changes meanwhile
   * (`store_locked`) or cannot be copied (`store_unreadable`).
   */
  static async make(original: string): Promise<StoreCopy> {
    const lost = lostDatabase(original);
    if (lost !== undefined) throw damaged(original, lost);
    const copy = new StoreCopy(original);
    try {
      await copy.#remove();
      const before = await stampsIn(original);
      await copy.#take();
      if ((await stampsIn(original)) === before) return copy;
    } catch (cause) {
      await copy.#remove().catch(() => {});
      const message = `the store at ${original} cannot be copied to ${copy.path}: ${errorMessage(cause)}`;
      throw new StoreError('store_unreadable', message, { cause });
    }
    await copy.#remove();
    throw new StoreError('store_locked', `the store at ${original} is in use by another process`);
  }

  /** An error of the copy, as one of the original. */
  explain(error: unknown): unknown {
    if (!(error instanceof StoreError)) return error;
    const { code, message } = error;
    return new StoreError(code, message.replaceAll(this.path, this.#original), { cause: error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remove();
  }

  async #take(): Promise<void> {
    const [from, to] = [databasePath(this.#original), databasePath(this.path)];
    await mkdir(to, { recursive: true, mode: 0o700 });
    for (const name of await readdir(from)) {
      if (unchanging.test(name)) await linkOrCopy(join(from, name), join(to, name));
      else if (copied.test(name)) await copyFile(join(from, name), join(to, name));
    }
    const snapshot = join(this.#original, snapshotName);
    await linkOrCopy(snapshot, join(this.path, snapshotName)).catch(ignoreAbsence);
  }

  async #remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!noLinks.has(errorCode(error))) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}

/** Names, sizes and times of the files of a store: what is the same before and after was not written in between. */
async function stampsIn(path: string): Promise<string> {
  const folder = databasePath(path);
  const names = (await readdir(folder)).filter((name) => unchanging.test(name) || copied.test(name));
  const stamps = names.sort().map(async (name) => {
    const { size, mtimeMs } = await stat(join(folder, name));
    return `${name} ${size} ${mtimeMs}`;
  });
  return (await Promise.all(stamps)).join('\n');
}

function ignoreAbsence(error: unknown): void {
  if (errorCode(error) !== 'ENOENT') throw error;
}
