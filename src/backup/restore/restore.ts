import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BareRepositories } from '../../git/bare-repositories.js';
import type { Git } from '../../git/git-command.js';
import { ReleaseStack } from '../../lib/release-stack.js';
import { putRecords } from '../../store/level/image/put-records.js';
import type { OpenedStore } from '../../store/opened-store.js';
import { ArchiveReader } from '../archive-reader.js';
import { BackupError } from '../errors.js';
import type { BackupEnd, Manifest } from '../format.js';
import type { CheckParts } from './check-backup.js';
import { expectCounts, misplaced, otherRecordsIn, readEntries } from './entries.js';
import { type DataFolders, RestoreFolders } from './restore-folders.js';
import { RestoredRepositories } from './restored-repositories.js';
import { RestoredStore, type StoredCounts, storeFolders } from './restored-store.js';

export type RestoreParts = CheckParts & {
  readonly folders: DataFolders;
  readonly git: Git;
  /** Opens a new LevelDB in that folder. */
  openStore(path: string): Promise<OpenedStore>;
  /** Opens the store that is changed where it is, in the place of a new LevelDB. */
  readonly openStanding?: (() => Promise<OpenedStore>) | undefined;
  /** Whether the store may be one that an earlier backup was restored into. */
  readonly isUpdate: boolean;
  /** Told in a line for the operator of what is not as it was. */
  readonly warn: (line: string) => void;
};

export type RestoreSummary = StoredCounts & {
  readonly manifest: Manifest;
  readonly end: BackupEnd;
  /** Repositories that are not as they were. */
  readonly faultyRepositories: number;
};

/**
 * Restores a backup: into empty data folders, whole or not at all; or into a store that is changed where it is, and that no
 * daemon begins with until all is there. Repositories go into an empty folder in either case; a backup without them
 * leaves that folder alone. Rejects with `BackupError` for a file that is no backup, not whole or not what was written, or has
 * an event that its author did not sign, and for a store that ought not to be made equal to it; with `StoreError`; and with
 * the signal's reason.
 */
export async function restoreBackup(
  chunks: AsyncIterable<Uint8Array>,
  parts: RestoreParts,
): Promise<RestoreSummary> {
  const reader = new ArchiveReader(chunks);
  try {
    const manifest = await reader.manifest();
    if (parts.isUpdate && manifest.hasRepositories) {
      const message = 'an update changes no repositories: it takes a backup without them (--without-git)';
      throw new BackupError('restore_not_updatable', message);
    }
    return await restoreEntries(reader, manifest, parts);
  } finally {
    await reader.close();
  }
}

async function restoreEntries(
  reader: ArchiveReader,
  manifest: Manifest,
  parts: RestoreParts,
): Promise<RestoreSummary> {
  const { signal, openStanding } = parts;
  await using stack = new ReleaseStack();
  const takeOver = async (opened: OpenedStore) =>
    stack.use(await RestoredStore.open(opened, manifest, parts));
  // It says whether it can be restored to before a folder is touched.
  const standing = openStanding && (await takeOver(await openStanding()));
  const filled: (keyof DataFolders)[] = [];
  if (standing === undefined) filled.push('events');
  if (manifest.hasRepositories) filled.push('git');
  const folders = stack.use(await RestoreFolders.open(parts.folders, filled));
  const { aside } = folders;
  const repositories = manifest.hasRepositories ? await newRepositories(aside.git, parts) : undefined;
  const store = standing ?? (await takeOver(await parts.openStore(aside.events)));
  await store.begin();

  let otherRecords = 0;
  let isOfOthers = false;
  const end = await readEntries(reader, signal, async (entry, folder) => {
    if (storeFolders.has(folder) && !isOfOthers) await store.add(folder, entry);
    else if (folder === 'git' && repositories !== undefined) await repositories.add(entry);
    else if (folder === 'database') {
      isOfOthers = true;
      const records = await otherRecordsIn(entry);
      otherRecords += records.length;
      if (standing === undefined) {
        // They are put beside the store, which has to be closed for that.
        await store.complete(signal);
        await store[Symbol.asyncDispose]();
        await putRecords(aside.events, records);
      }
    } else throw misplaced(entry.name);
    parts.onProgress(store.counts.events, repositories?.count ?? 0, manifest);
  });
  await repositories?.finish();
  await store.finish();
  const { events, journalRecords } = store.counts;
  expectCounts(end, { events, journalRecords, otherRecords, repositories: repositories?.count ?? 0 });
  if (standing === undefined) {
    await store.complete(signal);
    await store[Symbol.asyncDispose]();
  } else if (otherRecords > 0) {
    parts.warn(`${otherRecords} records of its database that are not graspd's own are left out`);
  }
  // What git needed while it made them.
  if (repositories !== undefined) await rm(join(aside.git, '.graspd'), { recursive: true, force: true });
  await folders.moveIn();
  await standing?.complete(signal);
  folders.keep();
  const { storedEvents, addedEvents, removedEvents } = store.counts;
  const faultyRepositories = repositories?.faulty ?? 0;
  return { manifest, end, storedEvents, addedEvents, removedEvents, faultyRepositories };
}

async function newRepositories(path: string, parts: RestoreParts): Promise<RestoredRepositories> {
  const repositories = new BareRepositories(path, parts.git);
  await repositories.checkGit();
  return new RestoredRepositories({ ...parts, repositories });
}
