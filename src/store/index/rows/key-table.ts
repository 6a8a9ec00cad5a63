import { keyWords } from './key-words.js';
import type { TermHasher } from './term-hash.js';

/** Where the keys stand that a `KeyTable` finds: entry numbers to words. */
export type KeyColumn = {
  keyPage(entry: number): Uint32Array;
  keyOffset(entry: number): number;
};

const shardBits = 6;
const shardShift = 32 - shardBits;
const inShard = 2 ** shardShift;
const capacityMin = 8;
const loadMax = 0.75;
/** The bits of a slot that hold the entry number + 1; those above hold bits of the hash. */
const entryBits = 26;
const entryMask = 2 ** entryBits - 1;
const tagMask = 2 ** (32 - entryBits) - 1;

/**
 * Finds an entry by its key, of 32 bytes where nothing else is said: open addressing with linear probing over entry numbers; the keys stay in their
 * column. A slot has six bits of the hash beside the number, so that a key in the column, which is rarely in the
 * cache of the processor, is read for hardly more than the entry that is looked for. In 64 shards that grow on their
 * own, so that no insertion pays for moving everything.
 */
export class KeyTable {
  readonly #column: KeyColumn;
  readonly #hasher: Pick<TermHasher, 'hashKey'>;
  readonly #words: number;
  /** 0 is empty. */
  readonly #shards: Uint32Array[] = [];
  readonly #counts = new Uint32Array(1 << shardBits);

  /** `words`: how long a key is. */
  constructor(column: KeyColumn, hasher: Pick<TermHasher, 'hashKey'>, words = keyWords) {
    this.#column = column;
    this.#hasher = hasher;
    this.#words = words;
    for (let shard = 0; shard < 1 << shardBits; shard += 1) this.#shards.push(new Uint32Array(capacityMin));
  }

  get bytes(): number {
    return this.#shards.reduce((sum, slots) => sum + slots.byteLength, 0);
  }

  /** The entry with that key, or -1. */
  find(key: Uint32Array): number {
    const hash = this.#hasher.hashKey(key, 0);
    const slots = this.#shards[hash >>> shardShift]!;
    for (let slot = homeOf(hash, slots.length); ; slot = slot + 1 === slots.length ? 0 : slot + 1) {
      const stored = slots[slot]!;
      if (stored === 0) return -1;
      const entry = (stored & entryMask) - 1;
      if (stored >>> entryBits === (hash & tagMask) && this.#equals(entry, key)) return entry;
    }
  }

  /** Adds an entry whose key is in the column, and in no other entry. */
  insert(entry: number): void {
    if (entry >= entryMask) throw new RangeError('the index has no room for more entries');
    const hash = this.#hashOf(entry);
    const shard = hash >>> shardShift;
    const count = this.#counts[shard]! + 1;
    this.#counts[shard] = count;
    if (count > this.#shards[shard]!.length * loadMax) this.#grow(shard);
    place(this.#shards[shard]!, hash, entry);
  }

  /** Takes an entry out while its key is still in the column. */
  remove(entry: number): void {
    const hash = this.#hashOf(entry);
    const shard = hash >>> shardShift;
    const slots = this.#shards[shard]!;
    const next = (slot: number) => (slot + 1 === slots.length ? 0 : slot + 1);
    const distance = (from: number, to: number) => (to >= from ? to - from : to - from + slots.length);
    let hole = homeOf(hash, slots.length);
    while ((slots[hole]! & entryMask) !== entry + 1) {
      if (slots[hole] === 0) return;
      hole = next(hole);
    }
    // Whatever was pushed past the hole moves back into it, so that no tombstones are needed.
    for (let slot = next(hole); slots[slot] !== 0; slot = next(slot)) {
      const home = homeOf(this.#hashOf((slots[slot]! & entryMask) - 1), slots.length);
      if (distance(home, slot) >= distance(hole, slot)) {
        slots[hole] = slots[slot]!;
        hole = slot;
      }
    }
    slots[hole] = 0;
    this.#counts[shard]! -= 1;
  }

  dump(): { counts: Uint32Array; shards: Uint32Array[] } {
    return { counts: this.#counts, shards: this.#shards };
  }

  restore(counts: Uint32Array, shards: readonly Uint32Array[]): void {
    this.#counts.set(counts);
    for (const [shard, slots] of shards.entries()) this.#shards[shard] = slots;
  }

  #grow(shard: number): void {
    const old = this.#shards[shard]!;
    const slots = new Uint32Array(old.length * 2);
    for (const stored of old) {
      const entry = (stored & entryMask) - 1;
      if (entry >= 0) place(slots, this.#hashOf(entry), entry);
    }
    this.#shards[shard] = slots;
  }

  #hashOf(entry: number): number {
    return this.#hasher.hashKey(this.#column.keyPage(entry), this.#column.keyOffset(entry));
  }

  #equals(entry: number, key: Uint32Array): boolean {
    const page = this.#column.keyPage(entry);
    const offset = this.#column.keyOffset(entry);
    for (let word = 0; word < this.#words; word += 1) if (page[offset + word] !== key[word]) return false;
    return true;
  }
}

function homeOf(hash: number, capacity: number): number {
  return Math.floor(((hash & (inShard - 1)) / inShard) * capacity);
}

function place(slots: Uint32Array, hash: number, entry: number): void {
  let slot = homeOf(hash, slots.length);
  while (slots[slot] !== 0) slot = slot + 1 === slots.length ? 0 : slot + 1;
  slots[slot] = ((hash & tagMask) << entryBits) | (entry + 1);
}
