import { createHash } from 'node:crypto';
import { compareBytes, dataView } from '../../lib/bytes.js';
import {
  checkBound,
  checkCount,
  checkId,
  checkIndex,
  checkRange,
  checkRanges,
  checkTarget,
  toTimestamp,
} from '../checks.js';
import { KernelUsageError } from '../errors.js';
import {
  fingerprintBytes,
  idBytes,
  idOffset,
  type LiveSet,
  type RecordSet,
  type RecordSetBuilder,
  recordBytes,
} from '../kernels.js';

export type ReferenceRecord = { readonly timestamp: bigint; readonly id: Uint8Array };

/** The order of NIP-77: by timestamp, then by the bytes of the id. */
export function compareRecords(a: ReferenceRecord, b: ReferenceRecord): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  return compareBytes(a.id, b.id);
}

/** The NIP-77 fingerprint of some ids. */
export function fingerprintOf(ids: readonly Uint8Array[]): Uint8Array {
  let sum = 0n;
  for (const id of ids) {
    const view = dataView(id);
    for (let word = 0; word < 4; word++) sum += view.getBigUint64(word * 8, true) << BigInt(word * 64);
  }
  const bytes = new Uint8Array(idBytes);
  for (let word = 0; word < 4; word++) {
    dataView(bytes).setBigUint64(word * 8, BigInt.asUintN(64, sum >> BigInt(word * 64)), true);
  }
  const hash = createHash('sha256').update(bytes).update(varint(ids.length)).digest();
  return new Uint8Array(hash.subarray(0, fingerprintBytes));
}

/** Base 128, most significant digit first, the high bit on all but the last (NIP-77). */
function varint(value: number): Uint8Array {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits.unshift((rest % 128) + 128);
  }
  return Uint8Array.from(digits);
}

/** Collects records in plain arrays. */
export class ReferenceRecordSetBuilder implements RecordSetBuilder {
  #chunks: Uint8Array[] = [];
  #size = 0;
  #spent = false;

  get size(): number {
    return this.#size;
  }

  append(count: number): Uint8Array {
    checkCount(count);
    this.#checkOpen();
    const chunk = new Uint8Array(count * recordBytes);
    this.#chunks.push(chunk);
    this.#size += count;
    return chunk;
  }

  add(createdAt: number | bigint, id: Uint8Array): void {
    checkId(id);
    const timestamp = toTimestamp(createdAt);
    const record = this.append(1);
    dataView(record).setBigUint64(0, timestamp, true);
    record.set(id, idOffset);
  }

  seal(): RecordSet {
    return new ReferenceLiveSet(this.#sort());
  }

  toLiveSet(): LiveSet {
    return new ReferenceLiveSet(this.#sort());
  }

  [Symbol.dispose](): void {
    this.#spent = true;
    this.#chunks = [];
  }

  #sort(): ReferenceRecord[] {
    this.#checkOpen();
    this.#spent = true;
    const records: ReferenceRecord[] = [];
    for (const chunk of this.#chunks) {
      for (let at = 0; at < chunk.length; at += recordBytes) {
        const timestamp = dataView(chunk).getBigUint64(at, true);
        records.push({ timestamp, id: chunk.slice(at + idOffset, at + recordBytes) });
      }
    }
    this.#chunks = [];
    records.sort(compareRecords);
    return records.filter(
      (record, index) => index === 0 || compareRecords(record, records[index - 1]!) !== 0,
    );
  }

  #checkOpen(): void {
    if (this.#spent) throw new KernelUsageError('the builder was sealed or disposed');
  }
}

/** A sorted array; a sealed set is one that nobody changes. */
export class ReferenceLiveSet implements LiveSet {
  #records: ReferenceRecord[];
  #version = 0;
  #disposed = false;

  constructor(records: ReferenceRecord[]) {
    this.#records = records;
  }

  get size(): number {
    return this.#records.length;
  }

  get version(): number {
    return this.#version;
  }

  insert(createdAt: number | bigint, id: Uint8Array): boolean {
    const [index, isThere] = this.#find(createdAt, id);
    if (isThere) return false;
    this.#records.splice(index, 0, { timestamp: toTimestamp(createdAt), id: id.slice() });
    this.#version += 1;
    return true;
  }

  delete(createdAt: number | bigint, id: Uint8Array): boolean {
    const [index, isThere] = this.#find(createdAt, id);
    if (!isThere) return false;
    this.#records.splice(index, 1);
    this.#version += 1;
    return true;
  }

  timestampAt(index: number): bigint {
    return this.#at(index).timestamp;
  }

  idAt(index: number): Uint8Array {
    return this.#at(index).id.slice();
  }

  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void {
    this.#checkOpen();
    checkRange(begin, end, this.size);
    checkTarget(begin, end, target, offset);
    for (let index = begin; index < end; index++) {
      target.set(this.#records[index]!.id, offset + (index - begin) * idBytes);
    }
  }

  lowerBound(timestamp: bigint, idPrefix: Uint8Array): number {
    this.#checkOpen();
    checkBound(timestamp, idPrefix);
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      // A prefix sorts before everything that it begins, so a plain comparison of byte strings is right.
      if (compareRecords(this.#records[middle]!, { timestamp, id: idPrefix }) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  fingerprint(begin: number, end: number): Uint8Array {
    this.#checkOpen();
    checkRange(begin, end, this.size);
    return fingerprintOf(this.#records.slice(begin, end).map((record) => record.id));
  }

  fingerprints(ranges: Uint32Array, target: Uint8Array): void {
    this.#checkOpen();
    checkRanges(ranges, this.size, target);
    for (let at = 0; at < ranges.length; at += 2) {
      target.set(this.fingerprint(ranges[at]!, ranges[at + 1]!), (at / 2) * fingerprintBytes);
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#records = [];
  }

  /** Where a record is or would be, and whether it is. */
  #find(createdAt: number | bigint, id: Uint8Array): [number, boolean] {
    checkId(id);
    const timestamp = toTimestamp(createdAt);
    const index = this.lowerBound(timestamp, id);
    const record = this.#records[index];
    return [index, record !== undefined && compareRecords(record, { timestamp, id }) === 0];
  }

  #at(index: number): ReferenceRecord {
    this.#checkOpen();
    checkIndex(index, this.size);
    return this.#records[index]!;
  }

  #checkOpen(): void {
    if (this.#disposed) throw new KernelUsageError('the set was disposed');
  }
}
