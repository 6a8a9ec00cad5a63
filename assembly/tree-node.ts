/*
 * The nodes of a live set: a B+ tree of records that keeps the count and the sum of every subtree. Nodes come from a
 * list of spare ones; the caller keeps enough of them (`treeAdopt`).
 */
import {
  INNER_ENTRIES_MAX,
  INNER_LINKS,
  INNER_SUMS,
  LEAF_ENTRIES_MAX,
  LEAF_RECORDS,
  LINK_BYTES,
  RECORD_BYTES,
  SUM_BYTES,
  TREE_FREE,
  TREE_NODE_BYTES,
  TREE_NODE_ENTRIES,
  TREE_NODE_LEVEL,
  TREE_ROOT,
  TREE_SIZE,
  TREE_SPARES,
} from './layout';
import { countBelow, isSameRecord } from './search';

// @ts-ignore: decorator
@inline
export function isLeaf(node: usize): bool {
  return load<u32>(node, TREE_NODE_LEVEL) == 0;
}

// @ts-ignore: decorator
@inline
export function entriesOf(node: usize): u32 {
  return load<u32>(node, TREE_NODE_ENTRIES);
}

// @ts-ignore: decorator
@inline
export function setEntries(node: usize, count: u32): void {
  store<u32>(node, count, TREE_NODE_ENTRIES);
}

// @ts-ignore: decorator
@inline
export function entriesMax(node: usize): u32 {
  return isLeaf(node) ? LEAF_ENTRIES_MAX : INNER_ENTRIES_MAX;
}

/** The record at an index of a leaf; the key at an index of an inner node stands at the same place. */
// @ts-ignore: decorator
@inline
export function recordAt(node: usize, index: u32): usize {
  return node + LEAF_RECORDS + <usize>index * RECORD_BYTES;
}

// @ts-ignore: decorator
@inline
export function sumAt(node: usize, index: u32): usize {
  return node + INNER_SUMS + <usize>index * SUM_BYTES;
}

// @ts-ignore: decorator
@inline
export function linkAt(node: usize, index: u32): usize {
  return node + INNER_LINKS + <usize>index * LINK_BYTES;
}

// @ts-ignore: decorator
@inline
export function childAt(node: usize, index: u32): usize {
  return <usize>load<u32>(linkAt(node, index));
}

export function takeNode(tree: usize, level: u32): usize {
  const node = <usize>load<u32>(tree, TREE_FREE);
  store<u32>(tree, load<u32>(node), TREE_FREE);
  store<u32>(tree, load<u32>(tree, TREE_SPARES) - 1, TREE_SPARES);
  setEntries(node, 0);
  store<u32>(node, level, TREE_NODE_LEVEL);
  return node;
}

export function giveNode(tree: usize, node: usize): void {
  store<u32>(node, load<u32>(tree, TREE_FREE));
  store<u32>(tree, <u32>node, TREE_FREE);
  store<u32>(tree, load<u32>(tree, TREE_SPARES) + 1, TREE_SPARES);
}

/** The child of an inner node in which a record, or the first that is not below a bound, has its place. */
export function childFor(node: usize, bound: usize): u32 {
  const count = entriesOf(node) - 1;
  const below = countBelow(recordAt(node, 1), RECORD_BYTES, count, bound);
  const isKey = below < count && isSameRecord(recordAt(node, below + 1), bound);
  return below + <u32>isKey;
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
