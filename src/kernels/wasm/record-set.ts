import {
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
import { WasmLiveSet } from './live-set.js';
import { copyIdsBy, fingerprintsBy, type RecordContext, writeBound } from './record-context.js';

/** A builder grows by half of what it holds, so that adding one by one stays cheap. */
const growthFactor = 1.5;
const capacityMin = 16;

/** Collects records in one region of the arena, which the sealed set then takes over. */
export class WasmRecordSetBuilder implements RecordSetBuilder {
  readonly #context: RecordContext;
  #records: number;
  #capacity: number;
  #size = 0;
  #spent = false;

  constructor(context: RecordContext, capacity: number) {
    checkCount(capacity);
    this.#context = context;
    this.#capacity = Math.max(capacity, capacityMin);
    this.#records = context.arena.allocate(this.#capacity * recordBytes);
  }

  get size(): number {
    return this.#size;
  }

  append(count: number): Uint8Array {
    checkCount(count);
    this.#reserve(count);
    const start = this.#records + this.#size * recordBytes;
    this.#size += count;
    return this.#context.arena.bytes.subarray(start, start + count * recordBytes);
  }

  add(createdAt: number | bigint, id: Uint8Array): void {
    checkId(id);
    const timestamp = toTimestamp(createdAt);
    this.#reserve(1);
    const start = this.#records + this.#size * recordBytes;
    this.#context.arena.view.setBigUint64(start, timestamp, true);
    this.#context.arena.bytes.set(id, start + idOffset);
    this.#size += 1;
  }

  seal(): RecordSet {
    this.#sort();
    const { module, arena } = this.#context;
    const sums = arena.allocate(module.sumsBytes(this.#size));
    module.writeSums(this.#records, this.#size, sums);
    this.#spent = true;
    return new WasmRecordSet(this.#context, this.#records, sums, this.#size);
  }

  toLiveSet(): LiveSet {
    this.#sort();
    const set = new WasmLiveSet(this.#context);
    try {
      set.insertSorted(this.#records, this.#size);
    } catch (error) {
      set[Symbol.dispose]();
      throw error;
    }
    this[Symbol.dispose]();
    return set;
  }

  [Symbol.dispose](): void {
    if (this.#spent) return;
    this.#spent = true;
    this.#context.arena.free(this.#records);
  }

  #sort(): void {
    this.#checkOpen();
    const { module, arena, scratch } = this.#context;
    this.#size = module.sortRecords(this.#records, this.#size, scratch);
    this.#capacity = this.#size;
    this.#records = arena.resize(this.#records, this.#size * recordBytes);
  }

  #reserve(count: number): void {
    this.#checkOpen();
    const wanted = this.#size + count;
    if (wanted <= this.#capacity) return;
    const roomy = Math.max(wanted, Math.ceil(this.#capacity * growthFactor));
    this.#records = this.#context.arena.resize(this.#records, roomy * recordBytes);
    this.#capacity = roomy;
  }

  #checkOpen(): void {
    if (this.#spent) throw new KernelUsageError('the builder was sealed or disposed');
  }
}

/** Sorted records and their sums in the arena. */
class WasmRecordSet implements RecordSet {
  readonly size: number;
  readonly version = 0;
  readonly #context: RecordContext;
  readonly #records: number;
  readonly #sums: number;
  #disposed = false;

  constructor(context: RecordContext, records: number, sums: number, size: number) {
    this.#context = context;
    this.#records = records;
    this.#sums = sums;
    this.size = size;
  }

  timestampAt(index: number): bigint {
    return this.#context.arena.view.getBigUint64(this.#recordAt(index), true);
  }

  idAt(index: number): Uint8Array {
    const start = this.#recordAt(index) + idOffset;
    return this.#context.arena.bytes.slice(start, start + idBytes);
  }

  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void {
    this.#checkOpen();
    checkRange(begin, end, this.size);
    checkTarget(begin, end, target, offset);
    const { module, scratch } = this.#context;
    copyIdsBy(this.#context, [begin, end], [target, offset], (from, to) => {
      module.gatherIds(this.#records + from * recordBytes, to - from, scratch);
    });
  }

  lowerBound(timestamp: bigint, idPrefix: Uint8Array, near?: number): number {
    this.#checkOpen();
    writeBound(this.#context, timestamp, idPrefix);
    const { module, scratch } = this.#context;
    if (near === undefined) return module.lowerBound(this.#records, this.size, scratch);
    checkRange(near, this.size, this.size);
    return module.lowerBoundNear(this.#records, this.size, scratch, near);
  }

  fingerprint(begin: number, end: number): Uint8Array {
    this.#checkOpen();
    checkRange(begin, end, this.size);
    const { module, arena, scratch } = this.#context;
    module.fingerprintRange(this.#records, this.#sums, this.size, begin, end, scratch);
    return arena.bytes.slice(scratch, scratch + fingerprintBytes);
  }

  fingerprints(ranges: Uint32Array, target: Uint8Array): void {
    this.#checkOpen();
    checkRanges(ranges, this.size, target);
    const { module } = this.#context;
    fingerprintsBy(this.#context, ranges, target, (from, count, out) => {
      module.fingerprintRanges(this.#records, this.#sums, this.size, from, count, out);
    });
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#context.arena.free(this.#records);
    this.#context.arena.free(this.#sums);
  }

  #recordAt(index: number): number {
    this.#checkOpen();
    checkIndex(index, this.size);
    return this.#records + index * recordBytes;
  }

  #checkOpen(): void {
    if (this.#disposed) throw new KernelUsageError('the set was disposed');
  }
}
