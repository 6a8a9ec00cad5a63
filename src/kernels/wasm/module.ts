import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';

type Offset = { readonly value: number };

/** The linear memory of an instance, as far as it is used here; `buffer` is another one after `grow`. */
export type LinearMemory = {
  readonly buffer: ArrayBuffer;
  /** Grows by pages of 64 KiB; throws `RangeError` when the engine has no more. */
  grow(pages: number): number;
};

/** What the compiled kernels export: see `assembly/`. Addresses are byte addresses in `memory`. */
export type KernelModule = {
  readonly memory: LinearMemory;
  heapBase(): number;

  sortRecords(records: number, count: number, scratch: number): number;
  sumsBytes(count: number): number;
  writeSums(records: number, count: number, sums: number): void;
  lowerBound(records: number, count: number, bound: number): number;
  lowerBoundNear(records: number, count: number, bound: number, near: number): number;
  gatherIds(records: number, count: number, out: number): void;
  fingerprintRecords(records: number, count: number, out: number): void;
  fingerprintRange(
    records: number,
    sums: number,
    count: number,
    begin: number,
    end: number,
    out: number,
  ): void;
  fingerprintRanges(
    records: number,
    sums: number,
    count: number,
    ranges: number,
    rangeCount: number,
    out: number,
  ): void;

  treeClear(tree: number): void;
  treeAdopt(tree: number, nodes: number, count: number): void;
  treeSize(tree: number): number;
  treeInsert(tree: number, records: number, count: number): number;
  treeDelete(tree: number, record: number): number;
  treeRecordAt(tree: number, index: number): number;
  treeCopyIds(tree: number, begin: number, end: number, out: number): void;
  treeLowerBound(tree: number, bound: number): number;
  treeFingerprint(tree: number, begin: number, end: number, out: number): void;
  treeFingerprints(tree: number, ranges: number, rangeCount: number, out: number): void;

  linkFilter(filter: number, symbols: number): void;
  unlinkFilter(filter: number, symbols: number): void;
  matchEvent(symbols: number, event: number, count: number, createdAt: number, out: number): number;

  readonly SORT_SCRATCH_BYTES: Offset;
  readonly HASH_LANES: Offset;
  readonly RANGE_BYTES: Offset;
  readonly TREE_BYTES: Offset;
  readonly TREE_NODE_BYTES: Offset;
  readonly SYMBOL_BYTES: Offset;
  readonly FILTER_HANDLE: Offset;
  readonly FILTER_CHECKED: Offset;
  readonly FILTER_NODES: Offset;
  readonly FILTER_CLAUSES: Offset;
  readonly FILTER_SINCE: Offset;
  readonly FILTER_UNTIL: Offset;
  readonly FILTER_HEADER_BYTES: Offset;
  readonly NODE_BYTES: Offset;
  readonly NODE_SYMBOL: Offset;
};

let code: Uint8Array<ArrayBuffer> | undefined;

/** A new instance of the kernels with a memory of its own. The code is read once a process. */
export function instantiateKernels(): KernelModule {
  code ??= new Uint8Array(readFileSync(new URL('../../../dist/kernels.wasm', import.meta.url)));
  return instantiateSync<KernelModule>(code).exports;
}
