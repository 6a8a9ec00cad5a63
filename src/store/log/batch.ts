import { limits } from '../../config/limits.js';
import { type Deferred, deferred } from '../../lib/abort.js';
import { SegmentWriter } from './segment.js';

/** What gathers while an earlier batch is written: everything in it is on disk or nothing. */
export class Batch {
  readonly segment = new SegmentWriter();
  /** Sequences of the rows that were stored. */
  readonly bodies: number[] = [];
  /** Sequences of the rows whose bodies go. */
  readonly deleted: number[] = [];
  /** Records of the journal by name; `undefined` for those that go. */
  readonly journal = new Map<string, Uint8Array | undefined>();
  readonly done: Deferred<void> = deferred();
  /** Of bodies and journal. */
  bytes = 0;

  get isEmpty(): boolean {
    return this.segment.records === 0 && this.journal.size === 0;
  }

  get isFull(): boolean {
    return (
      this.bodies.length >= limits.storeBatchEventsMax ||
      this.bytes + this.segment.bytes >= limits.storeBatchBytesMax
    );
  }
}
