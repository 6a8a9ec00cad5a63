import { createHash } from 'node:crypto';

/** One item of a set that is reconciled: seconds since 1970 (up to 2^53 − 1) and the id in hex. */
export type Item = { readonly timestamp: number; readonly id: string };

/**
 * The answering side of the negentropy protocol V1 (NIP-77), written for clarity and as a peer that shares no line
 * with our own: sums are big integers, every question walks its range.
 */
export class ReferenceNegentropy {
  readonly #items: readonly Item[];
  readonly #frameBytesMax: number;

  /** `frameBytesMax`: the most bytes of one answer, at least 4,096; 0 for no limit. */
  constructor(items: readonly Item[], frameBytesMax: number) {
    this.#items = [...items].sort(compareItems);
    this.#frameBytesMax = frameBytesMax;
  }

  /** The answer to a message, both in hex. Throws `RangeError` when the message is broken. */
  answer(message: string): string {
    const reader = new Reader(Buffer.from(message, 'hex'));
    const version = reader.byte();
    if (version !== protocolVersion) return Buffer.of(protocolVersion).toString('hex');
    const writer = new Writer();
    let begin = 0;
    let previous: Bound = { timestamp: 0, prefix: '' };
    let skipping = false;
    const flushSkip = () => {
      if (!skipping) return;
      skipping = false;
      writer.bound(previous);
      writer.varint(modeSkip);
    };
    while (!reader.done) {
      const bound = reader.bound();
      const mode = reader.varint();
      const end = this.#lowerBound(bound);
      if (this.#frameBytesMax > 0 && writer.size > this.#frameBytesMax - answerReserveBytes) {
        // The rest is left for the next round: one fingerprint of all that follows.
        flushSkip();
        writer.bound(infinity);
        writer.fingerprint(this.#fingerprint(begin, this.#items.length));
        return writer.toHex();
      }
      if (mode === modeSkip) skipping = true;
      else if (mode === modeFingerprint) {
        const theirs = reader.bytes(16).toString('hex');
        if (theirs === this.#fingerprint(begin, end).toString('hex')) skipping = true;
        else {
          flushSkip();
          this.#split(writer, begin, end, bound);
        }
      } else if (mode === modeIdList) {
        const count = reader.varint();
        for (let i = 0; i < count; i++) reader.bytes(32);
        flushSkip();
        if (!this.#idList(writer, begin, end, bound)) return writer.toHex();
      } else throw new RangeError(`mode ${mode}`);
      begin = Math.max(begin, end);
      previous = bound;
    }
    return writer.toHex();
  }

  /** Sixteen fingerprints, or the ids themselves where there are few. */
  #split(writer: Writer, begin: number, end: number, bound: Bound): void {
    const count = end - begin;
    if (count < 32) {
      this.#idList(writer, begin, end, bound);
      return;
    }
    for (let bucket = 0; bucket < 16; bucket++) {
      const from = begin + Math.floor((count * bucket) / 16);
      const to = begin + Math.floor((count * (bucket + 1)) / 16);
      const upper = bucket === 15 ? bound : minimalBound(this.#at(to - 1), this.#at(to));
      writer.bound(upper);
      writer.fingerprint(this.#fingerprint(from, to));
    }
  }

  /** Lists a range; false when the answer is full and the rest was left for the next round. */
  #idList(writer: Writer, begin: number, end: number, bound: Bound): boolean {
    let upTo = end;
    if (this.#frameBytesMax > 0) {
      const room = Math.floor((this.#frameBytesMax - answerReserveBytes - writer.size) / 32);
      upTo = Math.min(end, begin + Math.max(room, 1));
    }
    const complete = upTo === end;
    const next = complete ? undefined : this.#at(upTo);
    writer.bound(next === undefined ? bound : { timestamp: next.timestamp, prefix: next.id });
    writer.varint(modeIdList);
    writer.varint(upTo - begin);
    for (let i = begin; i < upTo; i++) writer.hex(this.#at(i).id);
    if (complete) return true;
    writer.bound(infinity);
    writer.fingerprint(this.#fingerprint(upTo, this.#items.length));
    return false;
  }

  #at(index: number): Item {
    const item = this.#items[index];
    if (item === undefined) throw new RangeError(`no item ${index}`);
    return item;
  }

  #lowerBound(bound: Bound): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBelow(this.#at(middle), bound)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #fingerprint(begin: number, end: number): Buffer {
    let sum = 0n;
    for (let i = begin; i < end; i++) sum += littleEndian(this.#at(i).id);
    const total = BigInt.asUintN(256, sum).toString(16).padStart(64, '0');
    const writer = new Writer();
    writer.raw(Buffer.from(total, 'hex').reverse());
    writer.varint(Math.max(0, end - begin));
    return createHash('sha256').update(writer.payload()).digest().subarray(0, 16);
  }
}

/** The upper end of a range, itself outside: a time and the first hex digits of an id. */
type Bound = { readonly timestamp: number; readonly prefix: string };

const protocolVersion = 0x61;
const modeSkip = 0;
const modeFingerprint = 1;
const modeIdList = 2;
/** What one question can add to an answer beside ids: sixteen bounds with their fingerprints, and the last one. */
const answerReserveBytes = 1_100;
const infinity: Bound = { timestamp: Number.POSITIVE_INFINITY, prefix: '' };

function compareItems(a: Item, b: Item): number {
  if (a.timestamp !== b.timestamp) return a.timestamp - b.timestamp;
  return a.id < b.id ? -1 : 1;
}

function isBelow(item: Item, bound: Bound): boolean {
  if (item.timestamp !== bound.timestamp) return item.timestamp < bound.timestamp;
  return item.id < bound.prefix.padEnd(64, '0');
}

function minimalBound(previous: Item, next: Item): Bound {
  if (previous.timestamp !== next.timestamp) return { timestamp: next.timestamp, prefix: '' };
  let bytes = 0;
  while (bytes < 64 && previous.id.slice(bytes, bytes + 2) === next.id.slice(bytes, bytes + 2)) bytes += 2;
  return { timestamp: next.timestamp, prefix: next.id.slice(0, bytes + 2) };
}

const sums = new Map<string, bigint>();
const sumsMax = 400_000;

function littleEndian(id: string): bigint {
  const known = sums.get(id);
  if (known !== undefined) return known;
  const value = BigInt(`0x${Buffer.from(id, 'hex').reverse().toString('hex')}`);
  if (sums.size >= sumsMax) sums.clear();
  sums.set(id, value);
  return value;
}

class Reader {
  readonly #bytes: Buffer;
  #offset = 0;
  #timestamp = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  byte(): number {
    return this.bytes(1)[0] as number;
  }

  bytes(count: number): Buffer {
    if (this.#offset + count > this.#bytes.length) throw new RangeError('the message is cut short');
    this.#offset += count;
    return this.#bytes.subarray(this.#offset - count, this.#offset);
  }

  varint(): number {
    let value = 0;
    for (;;) {
      const byte = this.byte();
      value = value * 128 + (byte & 127);
      if (byte < 128) return value;
    }
  }

  bound(): Bound {
    const delta = this.varint();
    this.#timestamp = delta === 0 ? Number.POSITIVE_INFINITY : this.#timestamp + delta - 1;
    const prefixBytes = this.varint();
    if (prefixBytes > 32) throw new RangeError('a prefix of more than 32 bytes');
    return { timestamp: this.#timestamp, prefix: this.bytes(prefixBytes).toString('hex') };
  }
}

class Writer {
  readonly #parts: Buffer[] = [Buffer.of(protocolVersion)];
  #size = 1;
  #timestamp = 0;

  get size(): number {
    return this.#size;
  }

  raw(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#size += bytes.length;
  }

  hex(text: string): void {
    this.raw(Buffer.from(text, 'hex'));
  }

  varint(value: number): void {
    const digits = [value % 128];
    for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
      digits.unshift((rest % 128) | 128);
    }
    this.raw(Buffer.from(digits));
  }

  bound(bound: Bound): void {
    if (bound.timestamp === Number.POSITIVE_INFINITY) this.varint(0);
    else this.varint(bound.timestamp - this.#timestamp + 1);
    this.#timestamp = bound.timestamp;
    this.varint(bound.prefix.length / 2);
    this.hex(bound.prefix);
  }

  fingerprint(bytes: Buffer): void {
    this.varint(modeFingerprint);
    this.raw(bytes);
  }

  /** What was written, without the version byte. */
  payload(): Buffer {
    return Buffer.concat(this.#parts.slice(1));
  }

  toHex(): string {
    return Buffer.concat(this.#parts).toString('hex');
  }
}
