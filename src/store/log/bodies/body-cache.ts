import type { LazyBody } from './body-codec.js';

type Entry = { readonly body: LazyBody; readonly bytes: number };

/**
 * The events that were read last, by sequence, bounded in bytes: many clients ask for the same ones, and what is here
 * costs no crossing into LevelDB and is put together only once. In two generations: what is asked for again moves to
 * the younger one, and when that has half of the room the older one goes.
 */
export class BodyCache {
  readonly #bytesMax: number;
  #young = new Map<number, Entry>();
  #old = new Map<number, Entry>();
  #youngBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(sequence: number): LazyBody | undefined {
    const young = this.#young.get(sequence);
    if (young !== undefined) return young.body;
    const old = this.#old.get(sequence);
    if (old === undefined) return undefined;
    this.#old.delete(sequence);
    this.#add(sequence, old);
    return old.body;
  }

  /** `bytes`: what the event takes in memory. */
  set(sequence: number, body: LazyBody, bytes: number): void {
    this.delete(sequence);
    this.#add(sequence, { body, bytes });
  }

  delete(sequence: number): void {
    this.#old.delete(sequence);
    const young = this.#young.get(sequence);
    if (young === undefined) return;
    this.#young.delete(sequence);
    this.#youngBytes -= young.bytes;
  }

  #add(sequence: number, entry: Entry): void {
    if (entry.bytes > this.#bytesMax / 8) return;
    if (this.#youngBytes + entry.bytes > this.#bytesMax / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(sequence, entry);
    this.#youngBytes += entry.bytes;
  }
}
