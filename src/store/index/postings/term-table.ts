import type { ListRef } from './posting-lists.js';

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

  /** How many slots one shard has. */
  slotsOf(shard: number): number {
    return this.#shards[shard]!.length / slotWords;
  }

  /** The list of a term, 0 if there is none. */
  get(lo: number, hi: number): ListRef {
    const slots = this.#shards[hi >>> shardShift]!;
    return slots[find(slots, lo, hi) + 2]!;
  }

  /** Changes the list of a term by `change`, which may make it but not end it. */
  update(lo: number, hi: number, change: (ref: ListRef) => ListRef): void {
    const shard = hi >>> shardShift;
    const slots = this.#shards[shard]!;
    const slot = find(slots, lo, hi);
    const ref = slots[slot + 2]!;
    const changed = change(ref);
    if (changed === ref) return;
    slots[slot + 2] = changed;
    if (ref !== 0) return;
    slots[slot] = lo;
    slots[slot + 1] = hi;
    const count = this.#counts[shard]! + 1;
    this.#counts[shard] = count;
    if (count > (slots.length / slotWords) * loadMax) {
      this.#rebuild(shard, Math.ceil((slots.length / slotWords) * 1.5));
    }
  }

  /** Changes all lists of one shard by `change`, which may end them. */
  updateAll(shard: number, change: (ref: ListRef) => ListRef): void {
    const slots = this.#shards[shard]!;
    let ended = 0;
    for (let slot = 0; slot < slots.length; slot += slotWords) {
      const ref = slots[slot + 2]!;
      if (ref === 0) continue;
      const changed = change(ref);
      if (changed === ref) continue;
      slots[slot + 2] = changed;
      if (changed === 0) ended += 1;
    }
    if (ended === 0) return;
    const count = this.#counts[shard]! - ended;
    this.#counts[shard] = count;
    const fitting = Math.max(capacityMin, Math.ceil((count / loadMax) * 1.25));
    this.#rebuild(shard, Math.min(fitting, slots.length / slotWords));
  }

  /** All terms with their lists, in no order. */
  *entries(): Generator<readonly [lo: number, hi: number, list: ListRef]> {
    for (const slots of this.#shards) {
      for (let slot = 0; slot < slots.length; slot += slotWords) {
        if (slots[slot + 2] !== 0) yield [slots[slot]!, slots[slot + 1]!, slots[slot + 2]!];
      }
    }
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
