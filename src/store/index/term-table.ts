import type { ListRef, PostingLists } from './posting-lists.js';

const shardBits = 8;
const shardShift = 32 - shardBits;
/** Shards of the table, each swept in one step. */
export const termShards = 1 << shardBits;
const capacityMin = 4;
const loadMax = 0.8;
/** lower half of the hash, upper half, list. */
const slotWords = 3;

/**
 * Finds a posting list by the 64-bit hash of its term: open addressing with linear probing, 12 bytes a slot, in
 * shards that grow on their own, so that no insertion pays for moving everything.
 */
export class TermTable {
  readonly #shards: Uint32Array[] = [];
  readonly #counts = new Uint32Array(termShards);

  constructor() {
    for (let shard = 0; shard < termShards; shard += 1) {
      this.#shards.push(new Uint32Array(capacityMin * slotWords));
    }
  }

  get bytes(): number {
    return this.#shards.reduce((sum, slots) => sum + slots.byteLength, 0);
  }

  /** The list of a term, 0 if there is none. */
  get(lo: number, hi: number): ListRef {
    const slots = this.#shards[hi >>> shardShift]!;
    return slots[find(slots, lo, hi) + 2]!;
  }

  /** Inserts a row into the list of a term. */
  insert(lo: number, hi: number, lists: PostingLists, row: number): void {
    const shard = hi >>> shardShift;
    const slots = this.#shards[shard]!;
    const slot = find(slots, lo, hi);
    const ref = slots[slot + 2]!;
    const changed = lists.insert(ref, row);
    if (ref !== 0) {
      if (changed !== ref) slots[slot + 2] = changed;
      return;
    }
    slots[slot] = lo;
    slots[slot + 1] = hi;
    slots[slot + 2] = changed;
    const count = this.#counts[shard]! + 1;
    this.#counts[shard] = count;
    if (count > (slots.length / slotWords) * loadMax) {
      this.#rebuild(shard, Math.ceil((slots.length / slotWords) * 1.5));
    }
  }

  /** Takes the dead rows out of all lists of one shard. */
  sweep(shard: number, lists: PostingLists): void {
    const slots = this.#shards[shard]!;
    let removed = 0;
    for (let slot = 0; slot < slots.length; slot += slotWords) {
      const ref = slots[slot + 2]!;
      if (ref === 0) continue;
      const swept = lists.sweep(ref);
      if (swept === ref) continue;
      slots[slot + 2] = swept;
      if (swept === 0) removed += 1;
    }
    if (removed === 0) return;
    const count = this.#counts[shard]! - removed;
    this.#counts[shard] = count;
    const fitting = Math.max(capacityMin, Math.ceil((count / loadMax) * 1.25));
    this.#rebuild(shard, Math.min(fitting, slots.length / slotWords));
  }

  dump(): { counts: Uint32Array; shards: Uint32Array[] } {
    return { counts: this.#counts, shards: this.#shards };
  }

  restore(counts: Uint32Array, shards: readonly Uint32Array[]): void {
    this.#counts.set(counts);
    for (const [shard, slots] of shards.entries()) this.#shards[shard] = slots;
  }

  #rebuild(shard: number, capacity: number): void {
    const old = this.#shards[shard]!;
    const slots = new Uint32Array(capacity * slotWords);
    for (let from = 0; from < old.length; from += slotWords) {
      if (old[from + 2] === 0) continue;
      const slot = find(slots, old[from]!, old[from + 1]!);
      slots[slot] = old[from]!;
      slots[slot + 1] = old[from + 1]!;
      slots[slot + 2] = old[from + 2]!;
    }
    this.#shards[shard] = slots;
  }
}

/** Where the slot of a term begins, or the empty slot where it would go. */
function find(slots: Uint32Array, lo: number, hi: number): number {
  const capacity = slots.length / slotWords;
  let slot = Math.floor((lo / 2 ** 32) * capacity) * slotWords;
  while (slots[slot + 2] !== 0 && (slots[slot] !== lo || slots[slot + 1] !== hi)) {
    slot += slotWords;
    if (slot === slots.length) slot = 0;
  }
  return slot;
}
