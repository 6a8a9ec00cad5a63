import type { RecordSetBuilder } from '../kernels/kernels.js';
import { GraspError } from '../lib/errors.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { Address } from '../nostr/address.js';
import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import type { BoundedLook } from './some-match.js';

/**
 * Where events live. The index is in memory, so everything that asks *which* events there are is synchronous and
 * sees every `put` at once; the events themselves are on disk (or in memory), so reading them is asynchronous.
 * No answer has an event that has expired by the time of the question (NIP-40), but for the last of very many that expire
 * together, for some turns. Each implementation passes `test/store/event-store-conformance.ts`.
 */
export type EventStore = AsyncDisposable & {
  /** The number of stored events. */
  readonly size: number;

  /** The sequence of the event that was put last, or above: later ones have higher sequences. */
  readonly lastSequence: number;

  /**
   * Decides by the rules of NIP-01 (replaceable, addressable, ephemeral), NIP-09 and NIP-40 what becomes of an event
   * whose id and signature were checked, and takes it into the index. `written` settles when the event, its index
   * and the removal of what it replaced are on disk in one atomic batch; only then may it be acknowledged. It
   * rejects with `StoreError`, after which the store takes nothing more. `body`: the event as bytes
   * (nostr/event-body.ts), where they are at hand; they must not change.
   */
  put(event: NostrEvent, body?: Uint8Array): PutResult;

  /** Removes an event, as an operator or the expiry sweep does; `written` as for `put`. */
  remove(id: string): { readonly removed: boolean; readonly written: Promise<void> };

  /**
   * Removes events that the operator wants here no longer, in one go; `reason` is that under which they are remembered as
   * refused. Unlike `remove` it makes nothing acceptable again: older versions, and what a deletion request deleted, stay
   * refused for as long as they are remembered. `removed` has those that were stored; `written` as for `put`.
   */
  takeAway(ids: readonly string[], reason: string): Pick<PutResult, 'removed' | 'written'>;

  /** Whether an event is stored. */
  has(id: string): boolean;

  /** The kind of a stored event; `undefined` when it is not stored. */
  kindOf(id: string): number | undefined;

  /** Whether an event stands at the address of a replaceable or addressable event (NIP-01); the identifier of a replaceable one is `''`. */
  hasAt(address: Address): boolean;

  /** The author of a stored event; `undefined` when it is not stored. */
  authorOf(id: string): string | undefined;

  /** What `put` would answer for this event, without taking it: for cheap checks before the signature. */
  preview(event: NostrEvent): PutStatus;

  /**
   * Whether any stored event matches. Looks at all rows that the filter leaves possible, refused ones among them, but where
   * `look` says how many: then it may miss one.
   */
  some(filter: Filter, look?: BoundedLook): boolean;

  /**
   * How many different stored events match any of the filters; `limit` does not count. Looks at all that the filters
   * leave possible in one go: not for what strangers ask.
   */
  count(filters: readonly Filter[]): number;

  /**
   * As `count` (NIP-45), but in turns of the event loop, so that others wait for a few milliseconds at most. Of what is
   * more than one turn's work, events that leave the store meanwhile may be missing. Rejects with the signal's reason.
   * `turns`: those of whoever asks, and pays for it; else all who give none share theirs. `memory` is told what is held from
   * turn to turn; the count ends with what that throws.
   */
  countInTurns(
    filters: readonly Filter[],
    signal?: AbortSignal,
    turns?: WorkTurns,
    memory?: QueryMemory,
  ): Promise<number>;

  /**
   * Streams what matches any of the filters, newest first (ties by lowest id), each event once, in chunks that fit
   * in memory. Each filter's `limit` bounds what that filter contributes. Answers the state at the call, but for what
   * leaves the store before it is come by, and what is damaged on disk, which is forgotten. `turns` as for
   * `countInTurns`. `memory` is told what the query holds; it ends with what that throws.
   */
  query(
    filters: readonly Filter[],
    turns?: WorkTurns,
    memory?: QueryMemory,
  ): AsyncIterable<readonly StoredEvent[]>;

  /** The event with that id, if it is stored and not damaged. */
  get(id: string): Promise<StoredEvent | undefined>;

  /**
   * The ids of all that match, from the index, in no order; `limit` does not count. All in one go, about a microsecond an id:
   * not for what strangers ask.
   */
  ids(filter: Filter): string[];
  /** The same, but `undefined` where more than `rowsMax` rows of the index would have to be looked at. */
  ids(filter: Filter, rowsMax: number): string[] | undefined;

  /**
   * The ids of what matches, from the index, newest first, up to `idsPerTurn` in a turn of the event loop, which every
   * answer takes at least one of. Answers the state at the call, but for what left the store by its turn.
   */
  idsInTurns(filter: Filter, idsPerTurn: number): AsyncIterable<readonly string[]>;

  /** Appends (created_at, id) of all that match to `target`, straight from the index (NIP-77's local set). */
  collect(filter: Filter, target: RecordSetBuilder): void;

  /**
   * As `collect`, but in turns of the event loop, and only when no more than `recordsMax` match: whether that is so.
   * What was stored at the call and still is when the answer comes is in it. What was put meanwhile is not; what left
   * meanwhile may be. Rejects with the signal's reason and as `target` throws. `turns` as for `countInTurns`.
   */
  collectInTurns(
    filter: Filter,
    recordsMax: number,
    target: RecordSetBuilder,
    signal?: AbortSignal,
    turns?: WorkTurns,
  ): Promise<boolean>;

  /**
   * Removes what has expired by now (NIP-40); `removed` has also what had to go since the last time, before a question was
   * answered, and `lost` what was found to be damaged. Of very much that expires at once some is removed in later turns, and
   * is in no answer meanwhile. A deletion request that expires keeps its effect. `acceptable` as for `put`.
   */
  removeExpired(): Omit<PutResult, 'status'> & { readonly lost: readonly RemovedEvent[] };

  /**
   * Tells of every change of what is stored, at once: a query begun in the call sees it. Observers must not throw nor
   * change the store; they stay for as long as the store does.
   */
  observe(observer: StoreObserver): void;

  /**
   * Settles when every event that the store shows, and the absence of those that left it, is on disk; `undefined` when
   * that is so. Whoever says something for good that rests on what is stored waits for it. Rejects with `StoreError`.
   */
  unwritten(): Promise<void> | undefined;

  /**
   * Visits all that takes room for good, from the index and in no order, in one go, a tenth of a microsecond each: what is
   * stored, and the deletion requests that have expired and keep their effect. For the start.
   */
  forEachKept(visit: (event: Pick<RemovedEvent, 'pubkey' | 'kind' | 'bytes'>) => void): void;

  /** Waits until all that was put is on disk. */
  flush(): Promise<void>;
};

/**
 * Told, as long as a query or a count runs, of the bytes that it holds: what was found, the chunk that was given last and the
 * next; sets of rows, and what the columns are looked through with.
 */
export type QueryMemory = { hold(bytes: number): void };

/** A stored event: its JSON as clients are sent it, parsed only when asked for. */
export type StoredEvent = {
  readonly id: string;
  /** Its place in the order in which events were put, which says who knows of it already. */
  readonly sequence: number;
  /** JSON of the event, fields in the order of NIP-01. */
  readonly json: string;
  /** The same as UTF-8: what is read from disk gets there without a string in between. Not to be changed. */
  readonly bytes: Buffer;
  readonly event: NostrEvent;
};

/** `stored` is the only one that changes the store. */
export type PutStatus = 'stored' | 'duplicate' | 'superseded' | 'deleted' | 'expired' | 'ephemeral';

export type PutResult = {
  readonly status: PutStatus;
  /** That of the stored event; `undefined` unless stored. */
  readonly sequence?: number;
  /** The events that gave way to this one (NIP-01 replacement, NIP-09 deletion); empty unless stored. */
  readonly removed: readonly RemovedEvent[];
  /**
   * Ids that are acceptable again, for what kept them out has gone: they are no longer remembered as refused. Of very many
   * the rest follows in later turns, and `removeExpired` tells of it.
   */
  readonly acceptable: readonly string[];
  readonly written: Promise<void>;
};

/** What is known of a removed event from the index. */
export type RemovedEvent = {
  readonly id: string;
  readonly kind: number;
  readonly pubkey: string;
  readonly created_at: number;
  /** What `added` told of it. */
  readonly bytes: number;
};

/**
 * What is left of an event that leaves the store: nothing, where its bytes were lost; its id, which is remembered as
 * refused; or, for good, the effect of a deletion request that has expired.
 */
export type Remains = 'nothing' | 'id' | 'effect';

/** Follows what is stored. */
export type StoreObserver = {
  /** `bytes`: of its JSON, estimated, and rounded up to a power of two. */
  added(event: NostrEvent, bytes: number): void;
  removed(event: RemovedEvent, remains: Remains): void;
};

/** The store cannot be opened or written; the message says what an operator can do. */
export class StoreError extends GraspError {}
