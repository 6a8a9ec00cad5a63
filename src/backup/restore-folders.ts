import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isAbsence, isThere } from '../git/files.js';
import { syncFolder } from '../lib/disk/sync-folder.js';
import { databasePath } from '../store/level/folder.js';
import { BackupError } from './errors.js';

/** In a data folder: what is being restored. It is on the same file system, also where the folder is a mount point. */
const asideName = '.restoring';
/** In the folder aside of the events, once all is restored: the names that are being moved to their place. */
const movingName = 'moving.json';
/** What an empty folder may have: the file system itself puts it into one that is a mount point. */
const ownNames: ReadonlySet<string> = new Set([asideName, 'lost+found']);

/** The two data folders of a daemon. */
export type DataFolders = { readonly events: string; readonly git: string };

const movingShape = z.object({ events: z.array(z.string()), git: z.array(z.string()) });
type Moving = z.infer<typeof movingShape>;

/**
 * Throws `BackupError` where a restore into this folder of events is under way, or was broken off: a daemon that began there
 * with nothing would pass for the one that was to be restored.
 */
export async function checkNothingIsRestoring(events: string): Promise<void> {
  const aside = join(events, asideName);
  if (!(await isThere(aside)) || (await isThere(databasePath(events)))) return;
  const message = `a restore into ${events} is under way, or was broken off: do it again, or remove ${aside} to begin with nothing`;
  throw new BackupError('restore_unfinished', message);
}

/**
 * Where a restore works: a folder in each of the data folders, which have to be empty. The database is moved to its place
 * last, in one step, and what is moved before is written down: a restore that ends before that step, however it ends, is
 * taken back, if need be by the next one.
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
    const opened = new RestoreFolders(folders);
    const moving = await opened.#moving();
    for (const sort of ['events', 'git'] as const) {
      const path = folders[sort];
      const name = (await namesIn(path)).find(
        (found) => !ownNames.has(found) && !moving[sort].includes(found),
      );
      if (name !== undefined) {
        const message = `${path} is not empty (it has ${JSON.stringify(name)}); a restore takes empty data folders`;
        throw new BackupError('restore_not_empty', message);
      }
    }
    await opened[Symbol.asyncDispose]();
    await mkdir(opened.aside.events, { recursive: true });
    await mkdir(opened.aside.git, { recursive: true });
    return opened;
  }

  /** Puts all in its place. */
  async moveIn(): Promise<void> {
    const database = databasePath('.');
    const events = (await namesIn(this.aside.events)).filter((name) => name !== database);
    const moving: Moving = { events, git: await namesIn(this.aside.git) };
    await writeFile(join(this.aside.events, movingName), JSON.stringify(moving), { flush: true });
    await syncFolder(this.aside.events);
    await moveAll(this.aside.git, this.#folders.git, moving.git);
    await moveAll(this.aside.events, this.#folders.events, [...events, database]);
  }

  /** Removes what an end before the last step leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!(await isThere(databasePath(this.#folders.events)))) {
      const moving = await this.#moving();
      for (const sort of ['events', 'git'] as const)
        for (const name of moving[sort]) await remove(join(this.#folders[sort], name));
    }
    // The folder of events has the list, so it goes last.
    await remove(this.aside.git);
    await remove(this.aside.events);
  }

  /** What was moved, or was about to be. A list that is not whole is of a restore that moved nothing yet. */
  async #moving(): Promise<Moving> {
    try {
      return movingShape.parse(JSON.parse(await readFile(join(this.aside.events, movingName), 'utf8')));
    } catch (error) {
      if (isAbsence(error) || error instanceof SyntaxError || error instanceof z.ZodError)
        return { events: [], git: [] };
      throw error;
    }
  }
}

async function moveAll(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rename(join(from, name), join(to, name));
  await syncFolder(to);
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}
