/*
 * A standing set: a B+ tree of records that keeps the count and the sum of every subtree, so that inserting,
 * deleting, finding by index or bound and the fingerprint of any range all take a walk from the root to a leaf.
 * Nodes come from a list of spare ones; the caller keeps enough of them (`treeAdopt`).
 */
import { hashFirst, hashLanes, padLane, sumOfLane } from './fingerprint';
import {
  FINGERPRINT_BYTES,
  HASH_LANES,
  ID_BYTES,
  INNER_ENTRIES_MAX,
  INNER_KEYS,
  INNER_LINKS,
  INNER_SUMS,
  LEAF_ENTRIES_MAX,
  LEAF_RECORDS,
  LINK_BYTES,
  LINK_COUNT,
  RANGE_BYTES,
  RANGE_END,
  RECORD_BYTES,
  RECORD_ID,
  SUM_BYTES,
  TREE_FREE,
  TREE_NODE_BYTES,
  TREE_NODE_ENTRIES,
  TREE_NODE_LEVEL,
  TREE_ROOT,
  TREE_SIZE,
  TREE_SPARES,
} from './layout';
import { countBelow, gatherIds, isSameRecord } from './search';
import { addAll, addTo, clear, settle, subtractFrom } from './sum';

/** The right half of the node that was split last, or 0. */
let splitOff: usize = 0;
/** Where room was made last: a node and an index. */
let gapNode: usize = 0;
let gapIndex: u32 = 0;
/** The index in its leaf of the record that was looked for last. */
let leafIndex: u32 = 0;

// @ts-ignore: decorator
@inline
function isLeaf(node: usize): bool {
  return load<u32>(node, TREE_NODE_LEVEL) == 0;
}

// @ts-ignore: decorator
@inline
function entriesOf(node: usize): u32 {
  return load<u32>(node, TREE_NODE_ENTRIES);
}

// @ts-ignore: decorator
@inline
function setEntries(node: usize, count: u32): void {
  store<u32>(node, count, TREE_NODE_ENTRIES);
}

// @ts-ignore: decorator
@inline
function entriesMax(node: usize): u32 {
  return isLeaf(node) ? LEAF_ENTRIES_MAX : INNER_ENTRIES_MAX;
}

/** The record at an index of a leaf; the key at an index of an inner node stands at the same place. */
// @ts-ignore: decorator
@inline
function recordAt(node: usize, index: u32): usize {
  return node + LEAF_RECORDS + <usize>index * RECORD_BYTES;
}

// @ts-ignore: decorator
@inline
function sumAt(node: usize, index: u32): usize {
  return node + INNER_SUMS + <usize>index * SUM_BYTES;
}

// @ts-ignore: decorator
@inline
function linkAt(node: usize, index: u32): usize {
  return node + INNER_LINKS + <usize>index * LINK_BYTES;
}

// @ts-ignore: decorator
@inline
function childAt(node: usize, index: u32): usize {
  return <usize>load<u32>(linkAt(node, index));
}

function takeNode(tree: usize, level: u32): usize {
  const node = <usize>load<u32>(tree, TREE_FREE);
  store<u32>(tree, load<u32>(node), TREE_FREE);
  store<u32>(tree, load<u32>(tree, TREE_SPARES) - 1, TREE_SPARES);
  setEntries(node, 0);
  store<u32>(node, level, TREE_NODE_LEVEL);
  return node;
}

function giveNode(tree: usize, node: usize): void {
  store<u32>(node, load<u32>(tree, TREE_FREE));
  store<u32>(tree, <u32>node, TREE_FREE);
  store<u32>(tree, load<u32>(tree, TREE_SPARES) + 1, TREE_SPARES);
}

/** Adds `count` nodes at `nodes` to the spare ones. */
export function treeAdopt(tree: usize, nodes: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) giveNode(tree, nodes + <usize>i * TREE_NODE_BYTES);
}

/** Makes an empty tree without nodes. */
export function treeClear(tree: usize): void {
  store<u32>(tree, 0, TREE_ROOT);
  store<u32>(tree, 0, TREE_SIZE);
  store<u32>(tree, 0, TREE_FREE);
  store<u32>(tree, 0, TREE_SPARES);
}

export function treeSize(tree: usize): u32 {
  return load<u32>(tree, TREE_SIZE);
}

/** Copies `count` entries between nodes of one level, or within one. */
function copyEntries(from: usize, fromIndex: u32, to: usize, toIndex: u32, count: u32): void {
  memory.copy(recordAt(to, toIndex), recordAt(from, fromIndex), <usize>count * RECORD_BYTES);
  if (isLeaf(from)) return;
  memory.copy(sumAt(to, toIndex), sumAt(from, fromIndex), <usize>count * SUM_BYTES);
  memory.copy(linkAt(to, toIndex), linkAt(from, fromIndex), <usize>count * LINK_BYTES);
}

function removeEntry(node: usize, index: u32): void {
  const count = entriesOf(node) - 1;
  copyEntries(node, index + 1, node, index, count - index);
  setEntries(node, count);
}

function openGap(node: usize, index: u32): void {
  const count = entriesOf(node);
  copyEntries(node, index, node, index + 1, count - index);
  setEntries(node, count + 1);
  gapNode = node;
  gapIndex = index;
}

/**
 * Makes room for an entry, splitting a full node: in its middle, or at its end when the tree grows there, so that
 * records in ascending order fill their nodes.
 */
function makeRoom(tree: usize, node: usize, index: u32, isLast: bool): void {
  splitOff = 0;
  const most = entriesMax(node);
  if (entriesOf(node) < most) {
    openGap(node, index);
    return;
  }
  const middle = isLast && index == most ? most : most / 2;
  const right = takeNode(tree, load<u32>(node, TREE_NODE_LEVEL));
  copyEntries(node, middle, right, 0, most - middle);
  setEntries(right, most - middle);
  setEntries(node, middle);
  if (index > middle || middle == most) openGap(right, index - middle);
  else openGap(node, index);
  splitOff = right;
}

/** Writes the child of an inner entry with its sum and its count. */
function writeChild(node: usize, index: u32, child: usize): void {
  const entries = entriesOf(child);
  let count: u32 = entries;
  clear();
  if (isLeaf(child)) {
    addAll(recordAt(child, 0) + RECORD_ID, recordAt(child, entries), RECORD_BYTES);
  } else {
    addAll(sumAt(child, 0), sumAt(child, entries), SUM_BYTES);
    count = 0;
    for (let i: u32 = 0; i < entries; i++) count += load<u32>(linkAt(child, i), LINK_COUNT);
  }
  settle(sumAt(node, index));
  store<u32>(linkAt(node, index), <u32>child);
  store<u32>(linkAt(node, index), count, LINK_COUNT);
}

/** Fills the gap with a child and the least key that it has. */
function fillGap(child: usize): void {
  memory.copy(recordAt(gapNode, gapIndex), recordAt(child, 0), RECORD_BYTES);
  writeChild(gapNode, gapIndex, child);
}

/** The child of an inner node in which a record, or the first that is not below a bound, has its place. */
function childFor(node: usize, bound: usize): u32 {
  const count = entriesOf(node) - 1;
  const below = countBelow(recordAt(node, 1), RECORD_BYTES, count, bound);
  const isKey = below < count && isSameRecord(recordAt(node, below + 1), bound);
  return below + <u32>isKey;
}

/** Inserts a record below a node; false when it is there already. A split is left in `splitOff`. */
function insertBelow(tree: usize, node: usize, record: usize, isLast: bool): bool {
  if (isLeaf(node)) {
    const count = entriesOf(node);
    const index = countBelow(recordAt(node, 0), RECORD_BYTES, count, record);
    if (index < count && isSameRecord(recordAt(node, index), record)) return false;
    makeRoom(tree, node, index, isLast);
    memory.copy(recordAt(gapNode, gapIndex), record, RECORD_BYTES);
    return true;
  }
  const index = childFor(node, record);
  const child = childAt(node, index);
  if (!insertBelow(tree, child, record, isLast && index + 1 == entriesOf(node))) return false;
  const right = splitOff;
  if (right == 0) {
    addTo(sumAt(node, index), record + RECORD_ID);
    const link = linkAt(node, index);
    store<u32>(link, load<u32>(link, LINK_COUNT) + 1, LINK_COUNT);
    return true;
  }
  writeChild(node, index, child);
  makeRoom(tree, node, index + 1, isLast);
  fillGap(right);
  return true;
}

/** Puts a new root above the old one and what was split off it. */
function growRoot(tree: usize, left: usize, right: usize): void {
  const root = takeNode(tree, load<u32>(left, TREE_NODE_LEVEL) + 1);
  openGap(root, 0);
  fillGap(left);
  openGap(root, 1);
  fillGap(right);
  store<u32>(tree, <u32>root, TREE_ROOT);
}

/** Whether there are spare nodes for any one insertion: one a level, and a new root. */
// @ts-ignore: decorator
@inline
function hasSpares(tree: usize): bool {
  const root = <usize>load<u32>(tree, TREE_ROOT);
  return load<u32>(tree, TREE_SPARES) >= (root == 0 ? 1 : load<u32>(root, TREE_NODE_LEVEL) + 2);
}

/**
 * Inserts records until all `count` are in or the spare nodes run out; gives how many it has dealt with, those that
 * were there already among them.
 */
export function treeInsert(tree: usize, records: usize, count: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    if (!hasSpares(tree)) return i;
    if (load<u32>(tree, TREE_ROOT) == 0) store<u32>(tree, <u32>takeNode(tree, 0), TREE_ROOT);
    const root = <usize>load<u32>(tree, TREE_ROOT);
    if (!insertBelow(tree, root, records + <usize>i * RECORD_BYTES, true)) continue;
    store<u32>(tree, load<u32>(tree, TREE_SIZE) + 1, TREE_SIZE);
    if (splitOff != 0) growRoot(tree, root, splitOff);
  }
  return count;
}

/** Moves all entries of the child at `index + 1` into the one at `index`, if they fit well. */
function tryMerge(tree: usize, node: usize, index: u32): bool {
  const left = childAt(node, index);
  const right = childAt(node, index + 1);
  const leftCount = entriesOf(left);
  const rightCount = entriesOf(right);
  if (leftCount + rightCount > (entriesMax(left) * 3) / 4) return false;
  copyEntries(right, 0, left, leftCount, rightCount);
  // The first key of a node means nothing; among others it must be the key that led to the node.
  if (!isLeaf(left)) memory.copy(recordAt(left, leftCount), recordAt(node, index + 1), RECORD_BYTES);
  setEntries(left, leftCount + rightCount);
  giveNode(tree, right);
  removeEntry(node, index + 1);
  writeChild(node, index, left);
  return true;
}

/** Joins a child that has become small with a neighbour, or drops it when it is empty. */
function tidyChild(tree: usize, node: usize, index: u32): void {
  const child = childAt(node, index);
  const entries = entriesOf(child);
  if (entries == 0) {
    giveNode(tree, child);
    removeEntry(node, index);
    return;
  }
  if (entries >= entriesMax(child) / 4) return;
  if (index + 1 < entriesOf(node) && tryMerge(tree, node, index)) return;
  if (index > 0) tryMerge(tree, node, index - 1);
}

function deleteBelow(tree: usize, node: usize, record: usize): bool {
  if (isLeaf(node)) {
    const count = entriesOf(node);
    const index = countBelow(recordAt(node, 0), RECORD_BYTES, count, record);
    if (index == count || !isSameRecord(recordAt(node, index), record)) return false;
    removeEntry(node, index);
    return true;
  }
  const index = childFor(node, record);
  if (!deleteBelow(tree, childAt(node, index), record)) return false;
  subtractFrom(sumAt(node, index), record + RECORD_ID);
  const link = linkAt(node, index);
  store<u32>(link, load<u32>(link, LINK_COUNT) - 1, LINK_COUNT);
  tidyChild(tree, node, index);
  return true;
}

/** Deletes a record; false when it is not there. */
export function treeDelete(tree: usize, record: usize): bool {
  let root = <usize>load<u32>(tree, TREE_ROOT);
  if (root == 0 || !deleteBelow(tree, root, record)) return false;
  store<u32>(tree, load<u32>(tree, TREE_SIZE) - 1, TREE_SIZE);
  while (root != 0 && !isLeaf(root) && entriesOf(root) <= 1) {
    const child: usize = entriesOf(root) == 0 ? 0 : childAt(root, 0);
    giveNode(tree, root);
    root = child;
    store<u32>(tree, <u32>root, TREE_ROOT);
  }
  return true;
}

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
