/*
 * What spreading a list into a call does where the list is short. Each value of such a list becomes an argument on the
 * stack, so that a long list ends in a RangeError; these take lists of any length.
 */

/** Adds all of `items` at the end of `list`. */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}

/** What there is, in its order, in lists of so many. */
export function* pieces<T>(items: Iterable<T>, itemsMax: number): IterableIterator<readonly T[]> {
  let piece: T[] = [];
  for (const item of items) {
    piece.push(item);
    if (piece.length < itemsMax) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}

/** The first of some items. */
export function* firstOf<T>(items: Iterable<T>, count: number): IterableIterator<T> {
  let left = count;
  for (const item of items) {
    if (left <= 0) return;
    yield item;
    left -= 1;
  }
}

/** The smallest of some numbers; `Infinity` when there is none. */
export function smallest(numbers: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const number of numbers) if (number < least) least = number;
  return least;
}

/** The largest of some numbers; `-Infinity` when there is none. */
export function largest(numbers: Iterable<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const number of numbers) if (number > most) most = number;
  return most;
}
