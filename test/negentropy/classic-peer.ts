import type { RecordReader } from '../../src/kernels/kernels.js';
import {
  type Bound,
  boundBefore,
  highestBound,
  indexOfBound,
  infinity,
  lowestBound,
} from '../../src/negentropy/wire/bound.js';
import { MessageReader } from '../../src/negentropy/wire/reader.js';
import { writeVarint, writeVarint64 } from '../../src/negentropy/wire/varint.js';

const buckets = 16;

/** What a classic client has learned; ids are hex. */
export type Learned = { readonly have: string[]; readonly need: string[] };

/**
 * A peer that behaves as the widely used C++ implementation does, also in what is odd about it: it splits every
 * differing range by 16, lists ranges of less than 32 items, answers each list with its own, and when the frame is
 * full puts off the rest by a fingerprint that leaves out the range which did not fit.
 */
export class ClassicPeer {
  readonly #storage: RecordReader;
  readonly #frameBytesMax: number;
  readonly #learned: Learned | undefined;

  /** A server; or a client, when `learned` is given. */
  constructor(storage: RecordReader, frameBytesMax: number, learned?: Learned) {
    this.#storage = storage;
    this.#frameBytesMax = frameBytesMax;
    this.#learned = learned;
  }

  initiate(): Uint8Array {
    const writer = new ClassicWriter();
    this.#split(writer, 0, this.#storage.size, highestBound);
    return writer.finish();
  }

  /** Takes a message and makes the next one; for a client, one of a single byte is the end. */
  reconcile(message: Uint8Array): Uint8Array {
    const storage = this.#storage;
    const reader = new MessageReader(message, Number.POSITIVE_INFINITY);
    const writer = new ClassicWriter();
    let lower: Bound = lowestBound;
    let begin = 0;
    let skipping = false;
    for (let range = reader.next(); range !== undefined; range = reader.next()) {
      const { length, timestamp } = writer;
      let end = indexOfBound(storage, range.upper);
      const endSkip = (): void => {
        if (skipping) writer.bound(lower, 0);
        skipping = false;
      };
      if (range.mode === 'skip') {
        skipping = true;
      } else if (range.mode === 'fingerprint') {
        if (
          Buffer.compare(message.subarray(range.at, range.at + 16), storage.fingerprint(begin, end)) === 0
        ) {
          skipping = true;
        } else {
          endSkip();
          this.#split(writer, begin, end, range.upper);
          if (this.#isFull(writer.length)) {
            // The range that is dropped here is missing from the fingerprint too.
            writer.length = length;
            writer.timestamp = timestamp;
            writer.fingerprint(highestBound, storage.fingerprint(end, storage.size));
            break;
          }
        }
      } else if (this.#learned !== undefined) {
        skipping = true;
        this.#compare(range.ids, begin, end);
      } else {
        endSkip();
        end = this.#list(writer, begin, end, range.upper);
      }
      if (this.#isFull(writer.length)) {
        writer.fingerprint(highestBound, storage.fingerprint(end, storage.size));
        break;
      }
      begin = end;
      lower = range.upper;
    }
    return writer.finish();
  }

  #isFull(length: number): boolean {
    return this.#frameBytesMax > 0 && length > this.#frameBytesMax - 200;
  }

  #list(writer: ClassicWriter, begin: number, end: number, upper: Bound): number {
    let cut = end;
    if (this.#frameBytesMax > 0) {
      const fitting = Math.ceil((this.#frameBytesMax - 200 + 1 - writer.length) / 32);
      cut = Math.min(end, begin + Math.max(0, fitting));
    }
    const bound =
      cut === end ? upper : { timestamp: this.#storage.timestampAt(cut), prefix: this.#storage.idAt(cut) };
    writer.ids(bound, this.#storage, begin, cut);
    return cut;
  }

  #split(writer: ClassicWriter, begin: number, end: number, upper: Bound): void {
    const storage = this.#storage;
    const items = end - begin;
    if (items < 2 * buckets) {
      writer.ids(upper, storage, begin, end);
      return;
    }
    const larger = items % buckets;
    for (let bucket = 0, from = begin; bucket < buckets; bucket += 1) {
      const to = from + Math.floor(items / buckets) + (bucket < larger ? 1 : 0);
      writer.fingerprint(to === end ? upper : boundBefore(storage, to), storage.fingerprint(from, to));
      from = to;
    }
  }

  #compare(ids: Uint8Array, begin: number, end: number): void {
    const theirs = new Set<string>();
    for (let at = 0; at < ids.length; at += 32) theirs.add(hex(ids.subarray(at, at + 32)));
    for (let index = begin; index < end; index += 1) {
      const id = hex(this.#storage.idAt(index));
      if (!theirs.delete(id)) this.#learned?.have.push(id);
    }
    this.#learned?.need.push(...theirs);
  }
}

/** Writes ranges one after another; what was written last can be taken back by setting the two places. */
class ClassicWriter {
  length = 1;
  timestamp = 0n;
  #bytes = new Uint8Array(65_536).fill(0x61, 0, 1);

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  fingerprint(upper: Bound, fingerprint: Uint8Array): void {
    this.bound(upper, 1);
    this.#bytes.set(fingerprint, this.length);
    this.length += 16;
  }

  ids(upper: Bound, storage: RecordReader, begin: number, end: number): void {
    this.bound(upper, 2);
    this.#reserve((end - begin) * 32 + 10);
    this.length = writeVarint(this.#bytes, this.length, end - begin);
    if (begin < end) storage.copyIds(begin, end, this.#bytes, this.length);
    this.length += (end - begin) * 32;
  }

  bound({ timestamp, prefix }: Bound, mode: number): void {
    this.#reserve(100);
    const distance = timestamp === infinity ? 0n : timestamp - this.timestamp + 1n;
    this.timestamp = timestamp;
    this.length = writeVarint64(this.#bytes, this.length, distance);
    this.#bytes[this.length] = prefix.length;
    this.#bytes.set(prefix, this.length + 1);
    this.#bytes[this.length + 1 + prefix.length] = mode;
    this.length += prefix.length + 2;
  }

  #reserve(bytesMore: number): void {
    if (this.length + bytesMore <= this.#bytes.length) return;
    const grown = new Uint8Array((this.length + bytesMore) * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
