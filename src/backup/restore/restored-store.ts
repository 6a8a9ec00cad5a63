import type { Verifier } from '../../admission/verification/verifier.js';
import type { OpenedStore } from '../../store/opened-store.js';
import type { ArchiveEntry } from '../archive-reader.js';
import { BackupError } from '../errors.js';
import type { BackupCounts, Manifest } from '../format.js';
import { isRestoreMark, putRestoreMark, type RestoreMark, readRestoreMark } from './restore-mark.js';
import { RestoredEvents } from './restored-events.js';
import { RestoredJournal } from './restored-journal.js';

/** What a store of its own can be made of: the events and the journal of a backup. */
export const storeFolders: ReadonlySet<string> = new Set(['events', 'journal']);

/** What became of the events of a backup. */
export type StoredCounts = {
  /** Events that are stored; not those that expired since the backup (NIP-40). */
  readonly storedEvents: number;
  /** Those of them that were not there before. */
  readonly addedEvents: number;
  /** Events that were stored, and that the backup does not have. */
  readonly removedEvents: number;
};

/**
 * A store that is made equal to a backup, from nothing or from an earlier backup of the same store. Until that is done a mark
 * in it says that it is not, so that no daemon begins with it and the restore can be done again.
 */
export class RestoredStore implements AsyncDisposable {
  readonly #opened: OpenedStore;
  readonly #manifest: Manifest;
  readonly #events: RestoredEvents;
  readonly #journal: RestoredJournal;
  #removed = 0;
  #isComplete = false;
  #isClosed = false;

  private constructor(
    opened: OpenedStore,
    manifest: Manifest,
    verifier: Verifier,
    records: ReadonlyMap<string, Uint8Array>,
  ) {
    this.#opened = opened;
    this.#manifest = manifest;
    this.#events = new RestoredEvents(verifier, opened);
    this.#journal = new RestoredJournal(verifier, { journal: opened.journal, records });
  }

  /**
   * Takes over a store, and changes nothing yet. Where that ought not to be made equal to the backup it is closed, and this
   * rejects with `BackupError`.
   */
  static async open(
    opened: OpenedStore,
    manifest: Manifest,
    { verifier, isUpdate }: { readonly verifier: Verifier; readonly isUpdate: boolean },
  ): Promise<RestoredStore> {
    try {
      const records = new Map<string, Uint8Array>();
      let mark: RestoreMark | undefined;
      for await (const entry of opened.journal.entries()) {
        if (isRestoreMark(entry)) mark = readRestoreMark(entry.value);
        else records.set(entry.name, entry.value);
      }
      if (mark !== undefined) refuseOther(mark, manifest, isUpdate);
      else if (opened.store.size + records.size > 0) refuseStrange(isUpdate);
      return new RestoredStore(opened, manifest, verifier, records);
    } catch (error) {
      await opened.store[Symbol.asyncDispose]();
      throw error;
    }
  }

  get counts(): Pick<BackupCounts, 'events' | 'journalRecords'> & StoredCounts {
    const { read, kept, added } = this.#events.counts;
    return {
      events: read,
      journalRecords: this.#journal.read,
      storedEvents: kept + added,
      addedEvents: added,
      removedEvents: this.#removed,
    };
  }

  /** Marks it as one that is being restored: from now on only a restore goes on with it. Rejects with `StoreError`. */
  async begin(): Promise<void> {
    await putRestoreMark(this.#opened.journal, this.#manifest, false);
  }

  /** Takes in a file of one of `storeFolders`. Rejects with `BackupError` or `StoreError`. */
  async add(folder: string, { content }: ArchiveEntry): Promise<void> {
    if (folder === 'events') await this.#events.addEvents(content);
    else await this.#journal.add(content);
  }

  /** Settles when all that was taken in is on disk. Rejects as `add`. */
  async finish(): Promise<void> {
    if (!this.#isComplete) await this.#events.finish();
  }

  /**
   * Removes what the backup does not have, and says that all is there; nothing may follow, and a second call does nothing.
   * Rejects with `BackupError`, `StoreError` and the signal's reason.
   */
  async complete(signal: AbortSignal): Promise<void> {
    if (this.#isComplete) return;
    await this.finish();
    this.#removed = await this.#events.removeOthers(signal);
    const { keptOut } = this.#events;
    if (this.#removed > 0 && keptOut > 0) {
      const message = `${keptOut} events were kept out by others, which the backup does not have and which are gone now: do the restore once more`;
      throw new BackupError('restore_unfinished', message);
    }
    await this.#journal.removeOthers();
    await putRestoreMark(this.#opened.journal, this.#manifest, true);
    this.#isComplete = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#opened.store[Symbol.asyncDispose]();
  }
}

/** Throws where a backup ought not to follow the one that was restored before. */
function refuseOther(mark: RestoreMark, manifest: Manifest, isUpdate: boolean): void {
  const before = `the backup of ${mark.moment}`;
  if (mark.isWhole && !isUpdate) {
    const message = `the store has what was restored from ${before}; --update makes it equal to this backup`;
    throw new BackupError('restore_not_empty', message);
  }
  const why =
    mark.store === undefined || mark.store !== manifest.store
      ? 'is of another store'
      : manifest.lastSequence < mark.lastSequence
        ? 'is newer'
        : undefined;
  if (why === undefined) return;
  const message = `this backup cannot follow ${before}, from which the store was restored: that one ${why}`;
  throw new BackupError('restore_not_updatable', message);
}

/** Throws for a store with events that no restore brought. */
function refuseStrange(isUpdate: boolean): never {
  if (!isUpdate)
    throw new BackupError('restore_not_empty', 'the store is not empty; a restore takes an empty one');
  const message =
    'the store was not restored from a backup, or a daemon has begun with it since: an update would take away what came otherwise';
  throw new BackupError('restore_not_updatable', message);
}
