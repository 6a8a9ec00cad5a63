import { type Random, randomInteger, seededRandom } from '../../src/lib/random.js';

/**
 * A generator of its own for one part of the world, so that a change in one part does not shift what all the others
 * draw.
 */
export function fork(random: Random): Random {
  return seededRandom(randomInteger(random, 2 ** 32));
}

export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** A whole number in [low, high]. */
export function between(random: Random, low: number, high: number): number {
  return low + randomInteger(random, high - low + 1);
}

/** One of the entries; the list is not empty. */
export function pick<T>(random: Random, entries: readonly T[]): T {
  return entries[randomInteger(random, entries.length)] as T;
}

/** A new list in random order. */
export function shuffled<T>(random: Random, entries: readonly T[]): T[] {
  const list = [...entries];
  for (let i = list.length - 1; i > 0; i--) {
    const j = randomInteger(random, i + 1);
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
  return list;
}

/** At most `count` different entries. */
export function sample<T>(random: Random, entries: readonly T[], count: number): T[] {
  return shuffled(random, entries).slice(0, count);
}

/** `characters` random hex digits. */
export function randomHex(random: Random, characters: number): string {
  let text = '';
  while (text.length < characters)
    text += randomInteger(random, 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return text.slice(0, characters);
}
