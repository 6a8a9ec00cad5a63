import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsence } from '../git/files.js';
import { syncFolder } from '../git/objects/pack-files.js';
import { databasePath } from '../store/level/folder.js';
import { BackupError } from './errors.js';

/** In a data folder: what is being restored. It is on the same file system, also where the folder is a mount point. */
const asideName = '.restoring';

/** The two data folders of a daemon. */
export type DataFolders = { readonly events: string; readonly git: string };

/**
 * Where a restore works: a folder in each of the data folders, which have to be empty. The database is moved to its place
 * last, in one step, so a restore that is ended before leaves nothing that a start would take for its data.
 */
export class RestoreFolders implements AsyncDisposable {
  readonly aside: DataFolders;
  readonly #folders: DataFolders;

  private constructor(folders: DataFolders) {
    this.#folders = folders;
    this.aside = { events: join(folders.events, asideName), git: join(folders.git, asideName) };
  }

  /** Makes them; what an earlier restore left goes. Rejects with `BackupError` when a data folder is not empty. */
  static async open(folders: DataFolders): Promise<RestoreFolders> {
    for (const path of [folders.events, folders.git]) {
      const [name] = (await namesIn(path)).filter((found) => found !== asideName);
      if (name !== undefined) {
        const message = `${path} is not empty (it has ${JSON.stringify(name)}); a restore takes empty data folders`;
        throw new BackupError('restore_not_empty', message);
      }
    }
    const opened = new RestoreFolders(folders);
    await opened[Symbol.asyncDispose]();
    await mkdir(opened.aside.events, { recursive: true });
    await mkdir(opened.aside.git, { recursive: true });
    return opened;
  }

  /** Puts all in its place. */
  async moveIn(): Promise<void> {
    await moveAll(this.aside.git, this.#folders.git, (await namesIn(this.aside.git)).sort());
    const database = databasePath('.');
    const others = (await namesIn(this.aside.events)).filter((name) => name !== database);
    await moveAll(this.aside.events, this.#folders.events, [...others, database]);
  }

  /** Removes what was not moved. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.aside.events, { recursive: true, force: true });
    await rm(this.aside.git, { recursive: true, force: true });
  }
}

async function moveAll(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rename(join(from, name), join(to, name));
  await syncFolder(to);
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}
