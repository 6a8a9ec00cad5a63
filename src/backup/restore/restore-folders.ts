import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isAbsence, isThere } from '../../git/files.js';
import { syncFolder } from '../../lib/disk/sync-folder.js';
import { databasePath } from '../../store/level/folder.js';
import { BackupError } from '../errors.js';

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
const nothing: Moving = { events: [], git: [] };
const sorts = ['events', 'git'] as const;

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
 * Where a restore works: a folder in each of the data folders that it fills, which have to be empty. The database is moved to
 * its place last, in one step, and what is moved before is written down: a restore that ends before that step, however it
 * ends, is taken back, if need be by the next one. Where the events go elsewhere there is no such step: what was moved stays
 * when `keep` is called, and where a kill comes before it is left as it is.
 */
export class RestoreFolders implements AsyncDisposable {
  readonly aside: DataFolders;
  readonly #folders: DataFolders;
  readonly #filled: readonly (keyof DataFolders)[];
  #movingNow = nothing;
  #isKept = false;

  private constructor(folders: DataFolders, filled: readonly (keyof DataFolders)[]) {
    this.#folders = folders;
    this.#filled = filled;
    this.aside = { events: join(folders.events, asideName), git: join(folders.git, asideName) };
  }

  /** Makes them; what an earlier restore left goes. Rejects with `BackupError` when a data folder that is to be filled is not empty. */
  static async open(
    folders: DataFolders,
    filled: readonly (keyof DataFolders)[] = sorts,
  ): Promise<RestoreFolders> {
    const opened = new RestoreFolders(folders, filled);
    const moving = await opened.#moving();
    for (const sort of filled) {
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
    for (const sort of filled) await mkdir(opened.aside[sort], { recursive: true });
    return opened;
  }

  /** Puts all in its place. */
  async moveIn(): Promise<void> {
    const { events, git } = this.aside;
    const database = databasePath('.');
    const names = {
      events: this.#fills('events') ? (await namesIn(events)).filter((name) => name !== database) : [],
      git: this.#fills('git') ? await namesIn(git) : [],
    };
    this.#movingNow = names;
    if (this.#fills('events')) {
      await writeFile(join(events, movingName), JSON.stringify(names), { flush: true });
      await syncFolder(events);
    }
    if (this.#fills('git')) await moveAll(git, this.#folders.git, names.git);
    if (this.#fills('events')) await moveAll(events, this.#folders.events, [...names.events, database]);
  }

  /** What was moved stays. Where the database is among that it stays in any case. */
  keep(): void {
    this.#isKept = true;
  }

  /** Removes what an end before the last step leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!(await this.#isDone())) {
      const moving = await this.#moving();
      for (const sort of this.#filled)
        for (const name of moving[sort]) await remove(join(this.#folders[sort], name));
    }
    // The folder of events has the list, so it goes last.
    if (this.#fills('git')) await remove(this.aside.git);
    if (this.#fills('events')) await remove(this.aside.events);
  }

  #fills(sort: keyof DataFolders): boolean {
    return this.#filled.includes(sort);
  }

  async #isDone(): Promise<boolean> {
    return this.#fills('events') ? await isThere(databasePath(this.#folders.events)) : this.#isKept;
  }

  /** What was moved, or was about to be. A list that is not whole is of a restore that moved nothing yet. */
  async #moving(): Promise<Moving> {
    if (!this.#fills('events')) return this.#movingNow;
    try {
      return movingShape.parse(JSON.parse(await readFile(join(this.aside.events, movingName), 'utf8')));
    } catch (error) {
      if (isAbsence(error) || error instanceof SyntaxError || error instanceof z.ZodError) return nothing;
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
