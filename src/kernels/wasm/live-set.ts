import { checkIndex, checkRange, checkRanges, checkTarget } from '../checks.js';
import { KernelUsageError } from '../errors.js';
import { fingerprintBytes, idBytes, idOffset, type LiveSet, recordBytes } from '../kernels.js';
import { copyIdsBy, fingerprintsBy, type RecordContext, writeBound, writeRecord } from './record-context.js';

/** Nodes are taken from the arena this many at once: few while the set is small, then by an eighth of what it has. */
const slabNodesMin = 4;
const slabNodesMax = 256;
const slabShare = 1 / 8;

/** A B+ tree in the arena: see `assembly/tree-node.ts`. */
export class WasmLiveSet implements LiveSet {
  readonly #context: RecordContext;
  readonly #tree: number;
  readonly #slabs: number[] = [];
  #nodes = 0;
  #size = 0;
  #version = 0;
  #disposed = false;

  constructor(context: RecordContext) {
    this.#context = context;
    this.#tree = context.arena.allocate(context.module.TREE_BYTES.value);
    context.module.treeClear(this.#tree);
  }

  get size(): number {
    return this.#size;
  }

  get version(): number {
    return this.#version;
  }

  insert(createdAt: number | bigint, id: Uint8Array): boolean {
    this.#checkOpen();
    writeRecord(this.#context, createdAt, id);
    const before = this.#size;
    this.insertSorted(this.#context.scratch, 1);
    const inserted = this.#size > before;
    if (inserted) this.#version += 1;
    return inserted;
  }

  /** Adds `count` records that stand in the arena in ascending order. */
  insertSorted(records: number, count: number): void {
    const { module } = this.#context;
    for (let done = 0; ; this.#addNodes()) {
      done += module.treeInsert(this.#tree, records + done * recordBytes, count - done);
      this.#size = module.treeSize(this.#tree);
      if (done === count) return;
    }
  }

  delete(createdAt: number | bigint, id: Uint8Array): boolean {
    this.#checkOpen();
    writeRecord(this.#context, createdAt, id);
    const deleted = this.#context.module.treeDelete(this.#tree, this.#context.scratch) !== 0;
    if (deleted) {
      this.#size -= 1;
      this.#version += 1;
    }
    if (deleted && this.#size === 0) this.#freeNodes();
    return deleted;
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
    checkRange(begin, end, this.#size);
    checkTarget(begin, end, target, offset);
    const { module, scratch } = this.#context;
    copyIdsBy(this.#context, [begin, end], [target, offset], (from, to) => {
      module.treeCopyIds(this.#tree, from, to, scratch);
    });
  }

  /** Every walk begins at the root, so no index helps. */
  lowerBound(timestamp: bigint, idPrefix: Uint8Array): number {
    this.#checkOpen();
    writeBound(this.#context, timestamp, idPrefix);
    return this.#context.module.treeLowerBound(this.#tree, this.#context.scratch);
  }

  fingerprint(begin: number, end: number): Uint8Array {
    this.#checkOpen();
    checkRange(begin, end, this.#size);
    const { module, arena, scratch } = this.#context;
    module.treeFingerprint(this.#tree, begin, end, scratch);
    return arena.bytes.slice(scratch, scratch + fingerprintBytes);
  }

  fingerprints(ranges: Uint32Array, target: Uint8Array): void {
    this.#checkOpen();
    checkRanges(ranges, this.#size, target);
    const { module } = this.#context;
    fingerprintsBy(this.#context, ranges, target, (from, count, out) => {
      module.treeFingerprints(this.#tree, from, count, out);
    });
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#freeNodes();
    this.#context.arena.free(this.#tree);
  }

  #addNodes(): void {
    const { module, arena } = this.#context;
    const count = Math.max(slabNodesMin, Math.min(Math.ceil(this.#nodes * slabShare), slabNodesMax));
    const slab = arena.allocate(count * module.TREE_NODE_BYTES.value);
    this.#slabs.push(slab);
    this.#nodes += count;
    module.treeAdopt(this.#tree, slab, count);
  }

  #freeNodes(): void {
    this.#context.module.treeClear(this.#tree);
    for (const slab of this.#slabs.splice(0)) this.#context.arena.free(slab);
    this.#nodes = 0;
  }

  #recordAt(index: number): number {
    this.#checkOpen();
    checkIndex(index, this.#size);
    // Addresses come as signed numbers; those of the upper half of the memory would be negative.
    return this.#context.module.treeRecordAt(this.#tree, index) >>> 0;
  }

  #checkOpen(): void {
    if (this.#disposed) throw new KernelUsageError('the set was disposed');
  }
}
