/*
 * Changes of a live set: inserting and deleting walk from the root to a leaf, and keep all counts and sums on the
 * way right.
 */
import {
  LEAF_ENTRIES_MAX,
  LINK_BYTES,
  LINK_COUNT,
  RECORD_BYTES,
  RECORD_ID,
  SUM_BYTES,
  TREE_NODE_LEVEL,
  TREE_ROOT,
  TREE_SIZE,
  TREE_SPARES,
} from './layout';
import { countBelow, isSameRecord } from './search';
import { addAll, addTo, clear, settle, subtractFrom } from './sum';
import {
  childAt,
  childFor,
  entriesMax,
  entriesOf,
  giveNode,
  isLeaf,
  linkAt,
  recordAt,
  setEntries,
  sumAt,
  takeNode,
} from './tree-node';

/** The right half of the node that was split last, or 0. */
let splitOff: usize = 0;
/** Where room was made last: a node and an index. */
let gapNode: usize = 0;
let gapIndex: u32 = 0;

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

/** The sum of the records that were appended last. */
const runSum: usize = memory.data(32, 16);

/** Adds ascending records that follow all others to the last leaf, as many as it holds; gives how many. */
function appendRun(tree: usize, records: usize, count: u32): u32 {
  const root = <usize>load<u32>(tree, TREE_ROOT);
  if (root == 0) return 0;
  let leaf = root;
  while (!isLeaf(leaf)) leaf = childAt(leaf, entriesOf(leaf) - 1);
  const entries = entriesOf(leaf);
  const run = min(LEAF_ENTRIES_MAX - entries, count);
  if (run == 0 || countBelow(recordAt(leaf, entries - 1), RECORD_BYTES, 1, records) == 0) return 0;
  const end = records + <usize>run * RECORD_BYTES;
  memory.copy(recordAt(leaf, entries), records, end - records);
  setEntries(leaf, entries + run);
  clear();
  addAll(records + RECORD_ID, end, RECORD_BYTES);
  settle(runSum);
  for (let node = root; node != leaf; ) {
    const last = entriesOf(node) - 1;
    const link = linkAt(node, last);
    addTo(sumAt(node, last), runSum);
    store<u32>(link, load<u32>(link, LINK_COUNT) + run, LINK_COUNT);
    node = <usize>load<u32>(link);
  }
  store<u32>(tree, load<u32>(tree, TREE_SIZE) + run, TREE_SIZE);
  return run;
}

/**
 * Inserts ascending records until all `count` are in or the spare nodes run out; gives how many it has dealt with,
 * those that were there already among them.
 */
export function treeInsert(tree: usize, records: usize, count: u32): u32 {
  let done: u32 = 0;
  while (done < count) {
    const record = records + <usize>done * RECORD_BYTES;
    const run = count - done > 1 ? appendRun(tree, record, count - done) : 0;
    done += run;
    if (run > 0) continue;
    if (!hasSpares(tree)) return done;
    if (load<u32>(tree, TREE_ROOT) == 0) store<u32>(tree, <u32>takeNode(tree, 0), TREE_ROOT);
    const root = <usize>load<u32>(tree, TREE_ROOT);
    done++;
    if (!insertBelow(tree, root, record, true)) continue;
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
