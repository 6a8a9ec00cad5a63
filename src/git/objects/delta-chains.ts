import { type Random, randomInteger, systemRandom } from '../../lib/random.js';

/**
 * How long the chains of deltas in a pack are: to have an object, git puts together all that it builds upon. Told of each delta
 * in the order of the pack, in which git writes what others build upon before these; in about eight bytes for each object.
 */
export class DeltaChains {
  /** How an id becomes a place: nobody outside knows it, and can have very many ids meet in one. */
  readonly #factors: readonly [number, number];
  readonly #shift: number;
  /** By place: a part of the id of the object that has it. */
  readonly #marks: Uint32Array;
  /** By place: how many objects that one is put together from, itself among them; 0 where there is none. */
  readonly #lengths: Uint8Array;
  #left: number;
  #longest = 1;
  #isTold = true;

  /** For packs of so many objects together. */
  constructor(objects: number, random: Random = systemRandom) {
    const factor = () => randomInteger(random, 2 ** 32) | 1;
    this.#factors = [factor(), factor()];
    const bits = Math.max(1, Math.ceil(Math.log2(objects * placesPerObject)));
    this.#shift = 32 - bits;
    this.#marks = new Uint32Array(2 ** bits);
    this.#lengths = new Uint8Array(2 ** bits);
    this.#left = objects;
  }

  /**
   * How many objects the deepest of all builds upon, one after the other, and no more than 254; `undefined` where that cannot be
   * told, as with an order that git does not pack in.
   */
  get depth(): number | undefined {
    return this.#isTold ? this.#longest - 1 : undefined;
  }

  /** Takes an object that builds upon another; ids in hex. */
  add(id: string, baseId: string): void {
    if (!this.#isTold) return;
    const base = this.#placeOf(baseId);
    // Nothing was told of it so far: it is whole, or a delta that comes later, and then that is found out.
    if (this.#isFree(base)) this.#take(base, 1);
    const length = Math.min((this.#lengths[base] ?? 0) + 1, lengthMax);
    const place = this.#placeOf(id);
    if (this.#isFree(place)) this.#take(place, length);
    else this.#isTold = false;
    this.#longest = Math.max(this.#longest, length);
  }

  /** The place that an object has, or a free one for it. */
  #placeOf(id: string): number {
    const [first, second] = this.#factors;
    const mark = wordOf(id, 0);
    const mixed = Math.imul(wordOf(id, 1), first) + Math.imul(wordOf(id, 2), second);
    let place = (mixed >>> 0) >>> this.#shift;
    while (!this.#isFree(place) && this.#marks[place] !== mark) place = (place + 1) % this.#marks.length;
    this.#marks[place] = mark;
    return place;
  }

  #isFree(place: number): boolean {
    return this.#lengths[place] === 0;
  }

  #take(place: number, length: number): void {
    this.#left -= 1;
    // Where there are more than were to be, one would look for a free place without end.
    if (this.#left < 0) this.#isTold = false;
    else this.#lengths[place] = length;
  }
}

const placesPerObject = 1.5;
const lengthMax = 255;
const wordDigits = 8;

function wordOf(id: string, at: number): number {
  return Number.parseInt(id.slice(at * wordDigits, (at + 1) * wordDigits), 16);
}
