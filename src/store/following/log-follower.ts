import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { RemovedEvent, StoredEvent } from '../event-store.js';
import type { EventIndex } from '../index/event-index.js';
import { rowState } from '../index/rows/row-table.js';
import { LazyBody } from '../log/bodies/body-codec.js';
import type { LogSize } from '../log/compaction.js';
import {
  isRow,
  isSameSegment,
  noSegment,
  readSegment,
  recordsOf,
  rowOf,
  type Segment,
} from '../log/segment.js';
import { leftBehind, storeClosed } from './errors.js';
import type { FollowedChanges, FollowedEvents } from './followed-changes.js';
import type { LogPiece, LogTail } from './log-tail.js';

/** What came and what left since the last time, each in the order of the log. */
export type Followed = {
  readonly added: readonly StoredEvent[];
  readonly removed: readonly RemovedEvent[];
  /** The number of the segment up to which the log is taken over here, and of the last that it had when it was read. */
  readonly position: number;
  readonly end: number;
};

/** What a piece of the log took, in milliseconds: to be read with its events, and to be folded into the index. */
export type TailTimes = { readonly readMs: number; readonly foldMs: number };

export type FollowerParts = {
  readonly tail: LogTail;
  readonly index: EventIndex;
  readonly changes: FollowedChanges;
  /** What the index was built from. */
  readonly size: LogSize;
  readonly turns: WorkTurns;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Told of each piece that had something. */
  readonly onTailed: (times: TailTimes) => void;
};

/** Changes of one write that are made in one turn, however long that is by then: what replaces others comes with them. */
const changesPerTurnMin = 256;

/** Takes over what another process appends to the log, a piece at a time. */
export class LogFollower {
  readonly #parts: FollowerParts;
  /** The highest number of a segment that was looked at. */
  #position: number;
  /** What was taken over and nobody knows of yet. */
  #followed: FollowedEvents = { added: [], removed: [] };
  #running: Promise<Followed> | undefined;
  #next: Promise<Followed> | undefined;
  #applying: Promise<void> | undefined;
  #isLeftBehind = false;
  #isClosed = false;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#position = parts.size.last.number;
  }

  /** Whether it can go on no more: what it has is old. */
  get isLeftBehind(): boolean {
    return this.#isLeftBehind;
  }

  /** As `FollowedStore.advance`. */
  advance(): Promise<Followed> {
    if (this.#running === undefined) return this.#begin();
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#begin();
      });
    return this.#next;
  }

  /** Ends it; settles when the index does not change any more. A read that is under way is not waited for. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#applying?.catch(() => {});
  }

  #begin(): Promise<Followed> {
    const running = this.#step().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #step(): Promise<Followed> {
    if (this.#isClosed) throw storeClosed();
    const { clock, onTailed, tail } = this.#parts;
    const beganAtMs = clock.monotonic();
    const piece = await tail.after(this.#position);
    const { segments, position } = this.#boundedOf(this.#checked(piece));
    const events = await this.#eventsOf(segments);
    if (this.#isClosed) throw storeClosed();
    const readAtMs = clock.monotonic();
    this.#applying = this.#apply(segments, events);
    await this.#applying;
    if (segments.length > 0) onTailed({ readMs: readAtMs - beganAtMs, foldMs: clock.monotonic() - readAtMs });
    this.#position = Math.max(this.#position, position);
    const followed = this.#followed;
    this.#followed = { added: [], removed: [] };
    return { ...followed, position: this.#position, end: piece.end };
  }

  /** Rejects what does not go on where this stands. */
  #checked(piece: LogPiece): LogPiece {
    const { last } = this.#parts.size;
    const { compactedThrough: through, end } = piece;
    const isMerged = through.number > last.number;
    const isOther = through.number === last.number && !isSameSegment(through, last);
    this.#isLeftBehind ||= isMerged || isOther || Math.max(end, through.number) < last.number;
    if (!this.#isLeftBehind) return piece;
    throw leftBehind(
      isMerged ? 'what was missed was merged with what was written before' : 'the database was set back',
    );
  }

  /** The segments of a piece whose events may be in memory at once, and the number of the last that was looked at. */
  #boundedOf(piece: LogPiece): { segments: Segment[]; position: number } {
    const segments: Segment[] = [];
    let { last: before } = this.#parts.size;
    let position = this.#position;
    let bytes = 0;
    for (const entry of piece.segments) {
      // A damaged one is missed by the next, as one that was lost is; opened anew, the log is read past it.
      const segment = entry.bytes && readSegment(entry.number, entry.bytes);
      if (segment !== undefined) {
        bytes += bytesOf(segment);
        if (segments.length > 0 && bytes > limits.storeFollowBytesMax) break;
        const isChained = segment.before !== undefined && segment.before.life !== noSegment.life;
        if (isChained && !isSameSegment(segment.before, before)) {
          if (segments.length > 0) break;
          this.#isLeftBehind = true;
          throw leftBehind('a part of the log is missing');
        }
        segments.push(segment);
        before = segment.id;
      }
      position = entry.number;
    }
    return { segments, position };
  }

  /** The events that segments bring, by sequence; without those that are gone already, or damaged. */
  async #eventsOf(segments: readonly Segment[]): Promise<ReadonlyMap<number, StoredEvent>> {
    const sequences: number[] = [];
    for (const segment of segments) for (const { sequence } of storedRows(segment)) sequences.push(sequence);
    const events = new Map<number, StoredEvent>();
    if (sequences.length === 0) return events;
    const bodies = await this.#parts.tail.bodies(sequences);
    for (const [at, body] of bodies.entries()) {
      if (typeof body === 'string') continue;
      const sequence = sequences[at]!;
      events.set(sequence, new FollowedEvent(sequence, body));
    }
    return events;
  }

  /** In turns of the event loop; a row and the changes before it, which make room for it, are made in one. */
  async #apply(segments: readonly Segment[], events: ReadonlyMap<number, StoredEvent>): Promise<void> {
    const { index, changes, size, turns } = this.#parts;
    let changesOfTurn = 0;
    for (const segment of segments) {
      for (const record of recordsOf(segment)) {
        changes.follow(record, events, this.#followed);
        changesOfTurn += 1;
        if (!isRow(record) && changesOfTurn < changesPerTurnMin) continue;
        changesOfTurn = 0;
        if (turns.isOver) await turns.next();
      }
      index.nextSequence = Math.max(index.nextSequence, segment.nextSequence);
      size.segments += 1;
      size.records += segment.recordCount;
      size.bytes += segment.bytes;
      size.last = segment.id;
      this.#position = Math.max(this.#position, segment.id.number);
    }
  }
}

/** An event that is told to several: it is parsed once. */
class FollowedEvent extends LazyBody {
  #event: NostrEvent | undefined;

  override get event(): NostrEvent {
    this.#event ??= super.event;
    return this.#event;
  }
}

/** What a segment takes with the events that it brings, at most: their sizes are rounded up. */
function bytesOf(segment: Segment): number {
  let bytes = segment.records.byteLength;
  for (const { sizeLog } of storedRows(segment)) bytes += 2 ** sizeLog;
  return bytes;
}

function* storedRows(segment: Segment): Generator<ReturnType<typeof rowOf>> {
  for (const record of recordsOf(segment)) {
    if (!isRow(record)) continue;
    const row = rowOf(record);
    if (row.state === rowState.stored) yield row;
  }
}
