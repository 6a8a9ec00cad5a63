import { mkdir } from 'node:fs/promises';
import type { BodyFault } from '../../../src/store/backend.js';
import {
  type FollowedStore,
  type FollowOptions,
  followLog,
} from '../../../src/store/following/follow-log.js';
import type { LogPiece, LogTail } from '../../../src/store/following/log-tail.js';
import type { EventIndex } from '../../../src/store/index/event-index.js';
import type { JournalEntry } from '../../../src/store/journal.js';
import { unsealBody } from '../../../src/store/log/bodies/sealed-body.js';
import { CommitLog } from '../../../src/store/log/commit-log.js';
import { Compaction, type LogSize } from '../../../src/store/log/compaction.js';
import type { LogTarget, LogWrite, SegmentEntry } from '../../../src/store/log/log-target.js';
import { Losses } from '../../../src/store/log/losses.js';
import { readLog } from '../../../src/store/log/replay.js';
import { drawLife, noSegment, readSegment, type SegmentId } from '../../../src/store/log/segment.js';
import { writeSnapshot } from '../../../src/store/log/snapshot.js';
import { assembleStore, type OpenedStore, type StoreOptions } from '../../../src/store/opened-store.js';
import { Reasons } from '../../../src/store/refused/reasons.js';

const databaseId = 'in memory';
const hashSeed = Buffer.alloc(8, 7);

/** A store that is written, and a step of the compaction of its log. */
export type Writer = OpenedStore & { compact(): Promise<void> };

/** A log in memory, that one writes and others follow, as one in a database of a server. */
export class MemoryLog implements LogTarget, LogTail {
  /** Segments that a follower is given at once. */
  segmentsPerPiece = 3;
  /** What happens between two reads of a follower. */
  between: () => Promise<void> = async () => {};
  compactedThrough: SegmentId = noSegment;
  /** The number from which segments were last read in a row. */
  readFrom = 0;
  readonly segmentBytes = new Map<number, Uint8Array>();
  readonly bodyBytes = new Map<number, Uint8Array>();
  #reasons: readonly string[] | undefined;

  async write(write: LogWrite): Promise<void> {
    for (const [number, bytes] of write.segments) this.segmentBytes.set(number, bytes.slice());
    for (const number of write.goneSegments) this.segmentBytes.delete(number);
    for (const [sequence, bytes] of write.bodies) this.bodyBytes.set(sequence, bytes.slice());
    for (const sequence of write.goneBodies) this.bodyBytes.delete(sequence);
    this.#reasons = write.reasons ?? this.#reasons;
    this.compactedThrough = write.compactedThrough ?? this.compactedThrough;
  }

  async bodies(sequences: readonly number[]): Promise<(Uint8Array | BodyFault)[]> {
    return sequences.map((sequence) => {
      const bytes = this.bodyBytes.get(sequence);
      return bytes === undefined ? 'missing' : (unsealBody(bytes, sequence) ?? 'damaged');
    });
  }

  async *segments(first: number): AsyncGenerator<SegmentEntry> {
    this.readFrom = first;
    for (const number of this.#numbers().filter((other) => other >= first))
      yield { number, bytes: this.segmentBytes.get(number) };
  }

  async *journal(): AsyncGenerator<JournalEntry> {}

  end(): void {}

  async close(): Promise<void> {}

  async after(number: number): Promise<LogPiece> {
    const numbers = this.#numbers();
    const next = numbers.filter((other) => other > number).slice(0, this.segmentsPerPiece);
    const segments = next.map((other) => ({ number: other, bytes: this.segmentBytes.get(other) }));
    const { compactedThrough } = this;
    await this.between();
    return { segments, end: numbers.at(-1) ?? 0, compactedThrough };
  }

  async sizeThrough(number: number): Promise<Omit<LogSize, 'last'>> {
    const numbers = this.#numbers().filter((other) => other <= number);
    const readable = numbers.flatMap((other) => {
      const bytes = this.segmentBytes.get(other)!;
      const segment = readSegment(other, bytes);
      return segment === undefined ? [] : [{ records: segment.recordCount, bytes: bytes.byteLength }];
    });
    return {
      segments: readable.length,
      records: readable.reduce((sum, { records }) => sum + records, 0),
      bytes: readable.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  /** Opens it to write. `path`: a folder for the snapshot. */
  async writer(path: string, options: StoreOptions): Promise<Writer> {
    const { index, size } = await this.#read(path);
    const reasons = new Reasons();
    if (this.#reasons !== undefined) reasons.restore(this.#reasons);
    const { clock } = options;
    // Steps are taken when the test says so.
    const idle = new Compaction(this, index, size, this.compactedThrough);
    const compaction = new Compaction(this, index, size, this.compactedThrough);
    const backend = new CommitLog({
      ...{ target: this, index, reasons, clock, size, compaction: idle },
      life: drawLife(),
      snapshot: () => writeSnapshot(path, index, databaseId, size),
    });
    return {
      ...assembleStore({ index, backend, reasons, clock }, options),
      compact: async () => {
        await backend.written();
        await compaction.prepare();
        await this.#rewrite(compaction);
      },
    };
  }

  /** Opens it to follow. */
  async follower(path: string, options: FollowOptions): Promise<FollowedStore> {
    const { index, size } = await this.#read(path);
    const snapshot = () => writeSnapshot(path, index, databaseId, size);
    const release = async () => {};
    return followLog({ tail: this, reading: this, index, size, snapshot, release }, options);
  }

  #numbers(): number[] {
    return [...this.segmentBytes.keys()].sort((a, b) => a - b);
  }

  async #rewrite(compaction: Compaction): Promise<void> {
    const rewriting = compaction.take();
    if (rewriting === undefined) return;
    await this.write({
      segments: new Map([[rewriting.number, rewriting.bytes]]),
      goneSegments: rewriting.gone,
      ...{ bodies: new Map(), goneBodies: [], journal: new Map(), reasons: undefined },
      compactedThrough: rewriting.through,
    });
  }

  async #read(path: string): Promise<{ index: EventIndex; size: LogSize }> {
    await mkdir(path, { recursive: true });
    const segments = (first: number) => this.segments(first);
    const { compactedThrough } = this;
    return await readLog({ databaseId, hashSeed, segments, path, compactedThrough }, new Losses());
  }
}
