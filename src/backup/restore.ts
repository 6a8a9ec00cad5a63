import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Verifier } from '../admission/verification/verifier.js';
import { limits } from '../config/limits.js';
import { BareRepositories } from '../git/bare-repositories.js';
import type { Git } from '../git/git-command.js';
import { splitLines } from '../nostr/event-lines.js';
import { isOtherRecord, putRecords } from '../store/level/image/put-records.js';
import type { OtherRecord } from '../store/log/store-image.js';
import type { OpenedStore } from '../store/opened-store.js';
import { type ArchiveEntry, ArchiveReader } from './archive-reader.js';
import { damagedBackup } from './errors.js';
import { type BackupCounts, type BackupEnd, type Manifest, readOtherLine } from './format.js';
import { type DataFolders, RestoreFolders } from './restore-folders.js';
import { RestoredEvents } from './restored-events.js';
import { checkRepositoryEntry, RestoredRepositories } from './restored-repositories.js';
import { quoted } from './tar.js';

/** How far the reading of a backup is. */
export type RestoreProgress = (events: number, repositories: number, manifest: Manifest) => void;

export type CheckParts = {
  readonly verifier: Verifier;
  readonly signal: AbortSignal;
  readonly onProgress: RestoreProgress;
};

export type RestoreParts = CheckParts & {
  readonly folders: DataFolders;
  readonly git: Git;
  /** Opens a store in that folder. */
  openStore(path: string): Promise<OpenedStore>;
  /** Told in a line for the operator of what is not as it was. */
  readonly warn: (line: string) => void;
};

export type RestoreSummary = {
  readonly manifest: Manifest;
  readonly end: BackupEnd;
  /** Events that are stored; not those that expired since the backup (NIP-40). */
  readonly storedEvents: number;
  /** Repositories that are not as they were. */
  readonly faultyRepositories: number;
};

/**
 * Restores a backup into empty data folders, whole or not at all. Rejects with `BackupError` for a file that is no backup, not
 * whole or not what was written, or has an event that its author did not sign; with `StoreError`; and with the signal's reason.
 */
export async function restoreBackup(
  chunks: AsyncIterable<Uint8Array>,
  parts: RestoreParts,
): Promise<RestoreSummary> {
  await using folders = await RestoreFolders.open(parts.folders);
  const { aside } = folders;
  const repositories = new BareRepositories(aside.git, parts.git);
  await repositories.checkGit();
  const restored = new RestoredRepositories({ ...parts, repositories });
  const database = new RestoredDatabase(aside.events, parts);
  const reader = new ArchiveReader(chunks);
  try {
    const manifest = await reader.manifest();
    await database.open();
    const end = await readEntries(reader, parts, async (entry) => {
      if (entry.name.startsWith('git/')) await restored.add(entry);
      else await database.add(entry);
      parts.onProgress(database.counts.events, restored.count, manifest);
    });
    await restored.finish();
    await database.finish();
    expectCounts(end, { ...database.counts, repositories: restored.count });
    // What git needed while it made them.
    await rm(join(aside.git, '.graspd'), { recursive: true, force: true });
    await folders.moveIn();
    const { storedEvents } = database;
    return { manifest, end, storedEvents, faultyRepositories: restored.faulty };
  } finally {
    await reader.close();
    await database[Symbol.asyncDispose]();
  }
}

/** Reads a backup as a restore does, and makes nothing of it: its form, names, hash, ids and signatures, but not
 * what git says of packs. Rejects as `restoreBackup`. */
export async function checkBackup(
  chunks: AsyncIterable<Uint8Array>,
  parts: CheckParts,
): Promise<Pick<RestoreSummary, 'manifest' | 'end'>> {
  const events = new RestoredEvents(parts.verifier, undefined);
  const reader = new ArchiveReader(chunks);
  let repositories = 0;
  let otherRecords = 0;
  try {
    const manifest = await reader.manifest();
    const end = await readEntries(reader, parts, async (entry) => {
      const { name, content } = entry;
      if (name.startsWith('events/')) await events.addEvents(content);
      else if (name.startsWith('journal/')) await events.addJournal(content);
      else if (name.startsWith('database/')) otherRecords += (await otherRecordsIn(entry)).length;
      else if (name.startsWith('git/')) await checkRepositoryEntry(entry);
      else throw misplaced(name);
      if (name.endsWith('/repository.json')) repositories += 1;
      parts.onProgress(events.counts.read, repositories, manifest);
    });
    await events.finish();
    const { read, journalRecords } = events.counts;
    expectCounts(end, { events: read, journalRecords, otherRecords, repositories });
    return { manifest, end };
  } finally {
    await reader.close();
  }
}

/** Gives each entry to `take`, one after the other; resolves to the end, which was checked. */
async function readEntries(
  reader: ArchiveReader,
  { signal }: Pick<CheckParts, 'signal'>,
  take: (entry: ArchiveEntry) => Promise<void>,
): Promise<BackupEnd> {
  const entries = reader.entries();
  for (;;) {
    const { value, done } = await entries.next();
    if (done === true) return value;
    signal.throwIfAborted();
    await take(value);
  }
}

function expectCounts(end: BackupEnd, found: Partial<BackupCounts>): void {
  for (const [name, count] of Object.entries(found)) {
    const said = end[name as keyof BackupCounts];
    if (said !== count) throw damagedBackup(`it says that it has ${said} ${name}, and has ${count}`);
  }
}

/** The events, the journal and the other records of a backup, in this order, on their way into a new database. */
class RestoredDatabase implements AsyncDisposable {
  readonly #path: string;
  readonly #parts: Pick<RestoreParts, 'openStore' | 'verifier'>;
  #store: OpenedStore | undefined;
  #events: RestoredEvents | undefined;
  #otherRecords = 0;

  constructor(path: string, parts: Pick<RestoreParts, 'openStore' | 'verifier'>) {
    this.#path = path;
    this.#parts = parts;
  }

  get counts(): Pick<BackupCounts, 'events' | 'journalRecords' | 'otherRecords'> {
    const { read = 0, journalRecords = 0 } = this.#events?.counts ?? {};
    return { events: read, journalRecords, otherRecords: this.#otherRecords };
  }

  get storedEvents(): number {
    return this.#events?.counts.stored ?? 0;
  }

  async open(): Promise<void> {
    this.#store = await this.#parts.openStore(this.#path);
    this.#events = new RestoredEvents(this.#parts.verifier, this.#store);
  }

  async add(entry: ArchiveEntry): Promise<void> {
    const { name, content } = entry;
    const folder = name.slice(0, name.indexOf('/'));
    if (folder === 'database') await this.#addOthers(entry);
    else if (this.#store === undefined || this.#events === undefined) throw misplaced(name);
    else if (folder === 'events') await this.#events.addEvents(content);
    else if (folder === 'journal') await this.#events.addJournal(content);
    else throw misplaced(name);
  }

  /** Has all on disk, and closes the store; nothing but other records may follow. */
  async finish(): Promise<void> {
    if (this.#store === undefined) return;
    await this.#events?.finish();
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    await store?.store[Symbol.asyncDispose]();
  }

  /** They are put beside the store, which has to be closed for that. */
  async #addOthers(entry: ArchiveEntry): Promise<void> {
    const records = await otherRecordsIn(entry);
    await this.finish();
    await putRecords(this.#path, records);
    this.#otherRecords += records.length;
  }
}

/** The records of a file, which have to fit in memory. Throws `BackupError`. */
async function otherRecordsIn({ name, size, content }: ArchiveEntry): Promise<OtherRecord[]> {
  // A file is closed after the line that fills it.
  if (size > limits.backupLinesBytesMin + limits.importLineBytesMax)
    throw damagedBackup(`${quoted(name)} is larger than any of a backup`);
  const records: OtherRecord[] = [];
  for await (const lines of splitLines(content, limits.importLineBytesMax)) {
    for (const line of lines) {
      const { key, value } = readOtherLine(line);
      const record = { key: Buffer.from(key, 'base64'), value: Buffer.from(value, 'base64') };
      if (!isOtherRecord(record)) throw damagedBackup('a record of its database has a key of the store');
      records.push(record);
    }
  }
  return records;
}

function misplaced(name: string): Error {
  return damagedBackup(`${quoted(name)} has no place in it`);
}
