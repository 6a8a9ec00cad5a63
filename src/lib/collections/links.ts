import { NumberColumn } from './number-column.js';

/**
 * Which small numbers are linked with which: many to many, looked up from either side, and all of it in typed arrays:
 * 20 bytes a link and 4 bytes a number of either side, nothing of which the garbage collector has to look at.
 *
 * A link is the member of two lists, that of its left number (for few: it is walked) and that of its right number
 * (for many: doubly linked, the last before the first). A list may be changed while it is read: what is added may or
 * may not be seen, and the link that was read last may go.
 */
export class Links {
  readonly #left = new NumberColumn();
  readonly #right = new NumberColumn();
  readonly #nextOfLeft = new NumberColumn();
  readonly #nextOfRight = new NumberColumn();
  readonly #previousOfRight = new NumberColumn();
  readonly #firstOfLeft = new NumberColumn();
  readonly #firstOfRight = new NumberColumn();
  /** Links by number, from 1 on: 0 is none. Those that are free hang together as a list of a left number does. */
  #end = 1;
  #firstFree = 0;

  /** Links two numbers that are not linked yet. */
  add(left: number, right: number): void {
    const link = this.#take();
    this.#left.set(link, left);
    this.#right.set(link, right);
    this.#nextOfLeft.set(link, this.#firstOfLeft.at(left));
    this.#firstOfLeft.set(left, link);
    this.#nextOfRight.set(link, 0);
    const first = this.#firstOfRight.at(right);
    if (first === 0) {
      this.#firstOfRight.set(right, link);
      this.#previousOfRight.set(link, link);
      return;
    }
    const last = this.#previousOfRight.at(first);
    this.#nextOfRight.set(last, link);
    this.#previousOfRight.set(link, last);
    this.#previousOfRight.set(first, link);
  }

  has(left: number, right: number): boolean {
    return this.#find(left, right) > 0;
  }

  /** How many numbers are linked with a left one. */
  countOfLeft(left: number): number {
    let count = 0;
    for (let link = this.#firstOfLeft.at(left); link > 0; link = this.#nextOfLeft.at(link)) count += 1;
    return count;
  }

  /** What is linked with a left number, in no order. */
  *ofLeft(left: number): IterableIterator<number> {
    for (let link = this.#firstOfLeft.at(left); link > 0; ) {
      const next = this.#nextOfLeft.at(link);
      yield this.#right.at(link);
      link = next;
    }
  }

  /** What is linked with a right number, in the order in which it was. */
  *ofRight(right: number): IterableIterator<number> {
    for (let link = this.#firstOfRight.at(right); link > 0; ) {
      const next = this.#nextOfRight.at(link);
      yield this.#left.at(link);
      link = next;
    }
  }

  /** Ends the link of two numbers, if there is one. */
  delete(left: number, right: number): void {
    const link = this.#find(left, right);
    if (link === 0) return;
    this.#leaveLeft(link, left);
    this.#leaveRight(link, right);
    this.#nextOfLeft.set(link, this.#firstFree);
    this.#firstFree = link;
  }

  #take(): number {
    const free = this.#firstFree;
    if (free === 0) return this.#end++;
    this.#firstFree = this.#nextOfLeft.at(free);
    return free;
  }

  #find(left: number, right: number): number {
    let link = this.#firstOfLeft.at(left);
    while (link > 0 && this.#right.at(link) !== right) link = this.#nextOfLeft.at(link);
    return link;
  }

  #leaveLeft(link: number, left: number): void {
    const next = this.#nextOfLeft.at(link);
    let before = this.#firstOfLeft.at(left);
    if (before === link) {
      this.#firstOfLeft.set(left, next);
      return;
    }
    while (this.#nextOfLeft.at(before) !== link) before = this.#nextOfLeft.at(before);
    this.#nextOfLeft.set(before, next);
  }

  #leaveRight(link: number, right: number): void {
    const first = this.#firstOfRight.at(right);
    const next = this.#nextOfRight.at(link);
    const previous = this.#previousOfRight.at(link);
    if (link === first) this.#firstOfRight.set(right, next);
    else this.#nextOfRight.set(previous, next);
    // The last link is found as the one before the first.
    const follower = next > 0 ? next : this.#firstOfRight.at(right);
    if (follower > 0) this.#previousOfRight.set(follower, previous);
  }
}
