import type { VerifiedBatch, Verifier } from '../../admission/verification/verifier.js';
import { limits } from '../../config/limits.js';
import { pieces } from '../../lib/collections/lists.js';
import type { NostrEvent } from '../../nostr/event.js';
import { readEventLine, splitLines } from '../../nostr/event-lines.js';
import type { OpenedStore } from '../../store/opened-store.js';
import type { StoredMarks } from '../../store/sets/stored-marks.js';
import { damagedBackup } from '../errors.js';

/** Where events go that were checked; nowhere, where a backup is only looked at. */
export type EventTarget = Pick<OpenedStore, 'store' | 'refused' | 'marks'> | undefined;

type Verification = { readonly events: readonly NostrEvent[]; readonly verified: Promise<VerifiedBatch> };

/** How a line begins that a backup wrote: the id stands between this and a quote. */
const idBegin = '{"id":"';
const idEnd = idBegin.length + 64;

/**
 * Takes the events of a backup to a store. Ids and signatures are checked, so a file that somebody changed brings no event
 * that its author did not sign; but for those that the store has, whatever the file says of them: they stay as they are. What
 * today's policy thinks of an event does not matter, for it was stored. The rules of NIP-01, 09 and 40 are those of the store.
 */
export class RestoredEvents {
  readonly #verifier: Verifier;
  readonly #target: EventTarget;
  /** On the stored events that the backup has. */
  readonly #marks: StoredMarks | undefined;
  /** Batches at the workers, in the order of their events. */
  readonly #verifying: Verification[] = [];
  #batch: NostrEvent[] = [];
  #written: Promise<void> = Promise.resolve();
  #read = 0;
  #kept = 0;
  #added = 0;
  #keptOut = 0;

  constructor(verifier: Verifier, target: EventTarget) {
    this.#verifier = verifier;
    this.#target = target;
    this.#marks = target?.marks();
  }

  /** Events that were read, and those of them that were stored already and that are now: not those that expired since (NIP-40). */
  get counts(): { readonly read: number; readonly kept: number; readonly added: number } {
    return { read: this.#read, kept: this.#kept, added: this.#added };
  }

  /** Those that others in the store keep out, by the rules of NIP-01 and NIP-09. */
  get keptOut(): number {
    return this.#keptOut;
  }

  /** Takes in a file of events. Rejects with `BackupError` or `StoreError`. */
  async addEvents(content: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const lines of splitLines(content, limits.importLineBytesMax)) {
      for (const line of lines) if (!this.#isKept(line)) await this.#addLine(line);
    }
  }

  /** Settles when all is on disk. Rejects as `addEvents`. */
  async finish(): Promise<void> {
    if (this.#batch.length > 0) await this.#sendBatch();
    while (this.#verifying.length > 0) await this.#storeBatch();
    await this.#written;
    await this.#target?.store.flush();
  }

  /** Removes what is stored and was not in the backup; how many these were. Rejects with `StoreError` and the signal's reason. */
  async removeOthers(signal: AbortSignal): Promise<number> {
    if (this.#target === undefined || this.#marks === undefined) return 0;
    const { store, refused } = this.#target;
    const others = this.#marks.unmarked();
    for (const ids of pieces(others, limits.restoreBatchEventsMax)) {
      signal.throwIfAborted();
      for (const id of ids) {
        store.remove(id);
        // A backup has no memory of what was refused: what comes again is judged anew.
        refused.delete(id);
      }
      await store.flush();
    }
    return others.length;
  }

  /** Whether the store has the event of a line, which is not read then. */
  #isKept(line: string): boolean {
    if (this.#marks === undefined || !line.startsWith(idBegin) || line[idEnd] !== '"') return false;
    if (!this.#marks.mark(line.slice(idBegin.length, idEnd))) return false;
    this.#read += 1;
    this.#kept += 1;
    return true;
  }

  async #addLine(line: string): Promise<void> {
    const event = readEventLine(line);
    if (event === undefined) throw damagedBackup('a line of its events is no event');
    this.#batch.push(event);
    if (this.#batch.length >= limits.restoreBatchEventsMax) await this.#sendBatch();
  }

  async #sendBatch(): Promise<void> {
    const events = this.#batch;
    this.#batch = [];
    const verified = this.#verifier.verify(events);
    verified.catch(() => {});
    this.#verifying.push({ events, verified });
    if (this.#verifying.length > this.#verifier.batchesMax) await this.#storeBatch();
  }

  async #storeBatch(): Promise<void> {
    const { events, verified } = this.#verifying.shift() as Verification;
    const { verdicts, bodies } = await verified;
    const before = this.#written;
    for (const [at, event] of events.entries()) {
      checkSigned(event, verdicts[at] === 'valid');
      this.#read += 1;
      this.#put(event, bodies?.[at]);
    }
    // One batch is being written while the next one is checked.
    await before;
  }

  #put(event: NostrEvent, body: Uint8Array | undefined): void {
    if (this.#target === undefined) return;
    const { status, written } = this.#target.store.put(event, body);
    this.#marks?.mark(event.id);
    if (status === 'stored') this.#added += 1;
    else if (status === 'superseded' || status === 'deleted') this.#keptOut += 1;
    this.#written = written;
    written.catch(() => {});
  }
}

/** Throws `BackupError`. */
export function checkSigned({ id }: NostrEvent, isValid: boolean): void {
  if (!isValid) throw damagedBackup(`event ${id} is not what its author signed`);
}
