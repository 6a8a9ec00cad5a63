import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BackupError } from '../../backup/errors.js';
import { isThere } from '../../git/files.js';
import { syncFolder } from '../../lib/disk/sync-folder.js';
import { errorMessage } from '../../lib/errors.js';
import { UsageError } from '../command.js';

/**
 * A file that appears under its name only when it is whole and on disk; until then it is beside it, with `.part` at its end.
 * Only its owner may read it.
 */
export class BackupFile implements AsyncDisposable {
  readonly #path: string;
  #file: FileHandle | undefined;
  #isDone = false;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Throws `UsageError` where the file is there and must not be replaced. */
  static async create(name: string, mayReplace: boolean): Promise<BackupFile> {
    const path = resolve(name);
    if (!mayReplace && (await isThere(path))) {
      throw new UsageError(`${name} is there already; --force replaces it`);
    }
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && !found.isFile()) throw new UsageError(`${name} is no file`);
    return new BackupFile(path);
  }

  /** The same bytes; each is written before the next is asked for. Throws `BackupError`. */
  async *through(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      await explained(this.#path, async () => {
        // Made no earlier: who gets no backup, for another is taken, must not take the part of that for one that was left.
        this.#file ??= await made(partOf(this.#path));
        await this.#file.appendFile(chunk);
      });
      yield chunk;
    }
  }

  /** Gives it its name. Throws `BackupError`. */
  async finish(): Promise<void> {
    await explained(this.#path, async () => {
      await this.#file?.sync();
      await this.#file?.close();
      await rename(partOf(this.#path), this.#path);
      this.#isDone = true;
      await syncFolder(dirname(this.#path));
    });
  }

  /** What is not whole goes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDone || this.#file === undefined) return;
    await this.#file.close().catch(() => {});
    await rm(partOf(this.#path), { force: true });
  }
}

/** A file in the place of what a backup that was killed has left. */
async function made(path: string): Promise<FileHandle> {
  await rm(path, { force: true });
  return await open(path, 'wx', 0o600);
}

function partOf(path: string): string {
  return `${path}.part`;
}

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new BackupError('backup_write_failed', `${path} cannot be written: ${errorMessage(error)}`, error);
  }
}
