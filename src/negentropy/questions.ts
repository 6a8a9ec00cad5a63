import { indexOfBound, lowestBound } from './bound.js';
import { sameBytes } from './id-list.js';
import type { Range } from './open-range.js';
import { type DifferenceDensity, expectedDifferences } from './plan.js';
import type { MessageReader } from './reader.js';
import type { NegentropyStorage } from './storage.js';

/** A range of a client's message that calls for an answer: its fingerprint differs from ours, or it lists its ids. */
export type Question =
  | (Range & { readonly asks: 'pieces'; differences: number })
  | (Range & { readonly asks: 'ids'; readonly theirs: Uint8Array });

/** What a message asks, and how many ranges it has that are no skips. */
export type Questions = { readonly questions: readonly Question[]; readonly ranges: number };

/** Reads the questions of a message, in order. Neighbouring fingerprints tell how dense the differences are. */
export function readQuestions(
  storage: NegentropyStorage,
  reader: MessageReader,
  density: DifferenceDensity,
): Questions {
  const questions: Question[] = [];
  const family = new Family(density);
  let ranges = 0;
  let lower = lowestBound;
  let lowerIndex: number | undefined = 0;
  for (let range = reader.next(); range !== undefined; range = reader.next()) {
    const { upper } = range;
    if (range.mode === 'skip') {
      lowerIndex = undefined;
      family.end();
    } else {
      const begin: number = lowerIndex ?? indexOfBound(storage, lower);
      const end = indexOfBound(storage, upper);
      lowerIndex = end;
      ranges += 1;
      if (range.mode === 'ids') {
        questions.push({ lower, upper, begin, end, asks: 'ids', theirs: range.ids });
        family.end();
      } else if (sameBytes(range.fingerprint, storage.fingerprint(begin, end))) {
        family.add(end - begin, undefined);
      } else {
        const question = { lower, upper, begin, end, asks: 'pieces' as const, differences: 1 };
        questions.push(question);
        family.add(end - begin, question);
      }
    }
    lower = upper;
  }
  family.end();
  return { questions, ranges };
}

/** Fingerprints side by side, of pieces of one range most likely. */
class Family {
  readonly #density: DifferenceDensity;
  #pieces = 0;
  #items = 0;
  #differing: (Range & { differences: number })[] = [];

  constructor(density: DifferenceDensity) {
    this.#density = density;
  }

  add(items: number, differing: (Range & { differences: number }) | undefined): void {
    this.#pieces += 1;
    this.#items += items;
    if (differing !== undefined) this.#differing.push(differing);
  }

  end(): void {
    const differing = this.#differing.length;
    const each = expectedDifferences(this.#pieces, differing);
    // Where all pieces differ they hold at least so many differences: no sample.
    if (differing < this.#pieces) this.#density.add(this.#items, each * differing);
    for (const range of this.#differing) {
      range.differences = Math.max(each, this.#density.expectedIn(range.end - range.begin));
    }
    this.#pieces = 0;
    this.#items = 0;
    if (differing > 0) this.#differing = [];
  }
}
