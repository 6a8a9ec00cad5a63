export { fingerprintRange, fingerprintRanges, fingerprintRecords, sumsBytes, writeSums } from './fingerprint';
export {
  FILTER_CHECKED,
  FILTER_CLAUSES,
  FILTER_HANDLE,
  FILTER_HEADER_BYTES,
  FILTER_NODES,
  FILTER_SINCE,
  FILTER_UNTIL,
  HASH_LANES,
  NODE_BYTES,
  NODE_SYMBOL,
  RANGE_BYTES,
  SORT_SCRATCH_BYTES,
  SYMBOL_BYTES,
  TREE_BYTES,
  TREE_NODE_BYTES,
} from './layout';
export { linkFilter, matchEvent, unlinkFilter } from './match';
export { gatherIds, lowerBound, lowerBoundNear } from './search';
export { sortRecords } from './sort';
export { treeDelete, treeInsert } from './tree-change';
export { treeAdopt, treeClear, treeSize } from './tree-node';
export {
  treeCopyIds,
  treeFingerprint,
  treeFingerprints,
  treeLowerBound,
  treeRecordAt,
} from './tree-read';

/** The first byte that the module itself does not use; what follows belongs to the arena. */
export function heapBase(): usize {
  return __heap_base;
}
