/*
 * Questions to a live set: finding by index or bound and the fingerprint of any range take a walk from the root to
 * one leaf or two.
 */
import { hashFirst, hashLanes, padLane, sumOfLane } from './fingerprint';
import {
  FINGERPRINT_BYTES,
  HASH_LANES,
  ID_BYTES,
  LINK_BYTES,
  LINK_COUNT,
  RANGE_BYTES,
  RANGE_END,
  RECORD_BYTES,
  RECORD_ID,
  SUM_BYTES,
  TREE_ROOT,
} from './layout';
import { countBelow, gatherIds } from './search';
import { addAll, clear, settle } from './sum';
import { childAt, childFor, entriesOf, isLeaf, linkAt, recordAt, sumAt } from './tree-node';

/** The index in its leaf of the record that was looked for last. */
let leafIndex: u32 = 0;

/** The leaf of the record at `index`; `leafIndex` is then its index there. */
function leafOf(tree: usize, index: u32): usize {
  let node = <usize>load<u32>(tree, TREE_ROOT);
  while (!isLeaf(node)) {
    let link = linkAt(node, 0);
    let count = load<u32>(link, LINK_COUNT);
    while (index >= count) {
      index -= count;
      link += LINK_BYTES;
      count = load<u32>(link, LINK_COUNT);
    }
    node = <usize>load<u32>(link);
  }
  leafIndex = index;
  return node;
}

/** The address of the record at `index`, which must be one. */
export function treeRecordAt(tree: usize, index: u32): usize {
  const leaf = leafOf(tree, index);
  return recordAt(leaf, leafIndex);
}

/** Copies the ids of the records [begin, end) one after another to `out`. */
export function treeCopyIds(tree: usize, begin: u32, end: u32, out: usize): void {
  while (begin < end) {
    const leaf = leafOf(tree, begin);
    const count = min(end - begin, entriesOf(leaf) - leafIndex);
    gatherIds(recordAt(leaf, leafIndex), count, out);
    begin += count;
    out += <usize>count * ID_BYTES;
  }
}

/** The index of the first record that is not below the bound. */
export function treeLowerBound(tree: usize, bound: usize): u32 {
  let node = <usize>load<u32>(tree, TREE_ROOT);
  if (node == 0) return 0;
  let before: u32 = 0;
  while (!isLeaf(node)) {
    const index = childFor(node, bound);
    for (let i: u32 = 0; i < index; i++) before += load<u32>(linkAt(node, i), LINK_COUNT);
    node = childAt(node, index);
  }
  return before + countBelow(recordAt(node, 0), RECORD_BYTES, entriesOf(node), bound);
}

/** Adds up the ids of the records [begin, end) below a node: whole children by their sums. */
function addRange(node: usize, begin: u32, end: u32): void {
  if (isLeaf(node)) {
    addAll(recordAt(node, begin) + RECORD_ID, recordAt(node, end), RECORD_BYTES);
    return;
  }
  let start: u32 = 0;
  let index: u32 = 0;
  let stop = load<u32>(linkAt(node, 0), LINK_COUNT);
  while (stop <= begin) {
    start = stop;
    stop += load<u32>(linkAt(node, ++index), LINK_COUNT);
  }
  if (start < begin || stop > end) {
    addRange(childAt(node, index), begin - start, min(end, stop) - start);
    if (stop >= end) return;
    start = stop;
    stop += load<u32>(linkAt(node, ++index), LINK_COUNT);
  }
  const whole = index;
  while (stop <= end) {
    start = stop;
    index++;
    if (start == end) break;
    stop += load<u32>(linkAt(node, index), LINK_COUNT);
  }
  addAll(sumAt(node, whole), sumAt(node, index), SUM_BYTES);
  if (start < end) addRange(childAt(node, index), 0, end - start);
}

/** Writes the fingerprint of the records [begin, end) to `out`. */
export function treeFingerprint(tree: usize, begin: u32, end: u32, out: usize): void {
  clear();
  if (begin < end) addRange(<usize>load<u32>(tree, TREE_ROOT), begin, end);
  settle(sumOfLane(0));
  hashFirst(end - begin, out);
}

/** Writes the fingerprints of `rangeCount` ranges to `out`. */
export function treeFingerprints(tree: usize, ranges: usize, rangeCount: u32, out: usize): void {
  for (let lane: u32 = 0, left = rangeCount; left > 0; left--) {
    const begin = load<u32>(ranges);
    const end = load<u32>(ranges, RANGE_END);
    ranges += RANGE_BYTES;
    clear();
    if (begin < end) addRange(<usize>load<u32>(tree, TREE_ROOT), begin, end);
    settle(sumOfLane(lane));
    padLane(lane++, end - begin);
    if (lane < HASH_LANES && left > 1) continue;
    hashLanes(out);
    out += <usize>HASH_LANES * FINGERPRINT_BYTES;
    lane = 0;
  }
}
