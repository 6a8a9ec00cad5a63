import { fingerprintBytes, type RecordReader } from '../kernels/kernels.js';
import { sameFingerprint } from './id-list.js';
import type { Range } from './open-range.js';
import { type DifferenceDensity, expectedDifferences } from './plan.js';
import { highestBound, indexOfBound, lowestBound } from './wire/bound.js';
import { FingerprintBatch } from './wire/fingerprints.js';
import type { MessageRange, MessageReader } from './wire/reader.js';

/** A range of a client's message that calls for an answer: its fingerprint differs from ours, or it lists its ids. */
export type Question =
  | (Range & { readonly asks: 'pieces'; differences: number })
  | (Range & { readonly asks: 'ids'; readonly theirs: Uint8Array });

/** What a message asks, how many ranges were read of it that are no skips, and what was not read. */
export type Questions = {
  readonly questions: readonly Question[];
  readonly ranges: number;
  readonly unread: Range | undefined;
};

/** Reads the questions of a message, in order. Neighbouring fingerprints tell how dense the differences are. */
export function readQuestions(
  storage: RecordReader,
  reader: MessageReader,
  density: DifferenceDensity,
): Questions {
  const { said, unread } = readRanges(storage, reader);
  const ours = fingerprintsOf(storage, said);
  const questions: Question[] = [];
  const family = new Family(density);
  let reached = lowestBound;
  let compared = 0;
  for (const { lower, upper, begin, end, range } of said) {
    // Ranges that follow each other without a skip share the very bound.
    if (lower !== reached) family.end();
    reached = upper;
    if (range.mode === 'ids') {
      questions.push({ lower, upper, begin, end, asks: 'ids', theirs: range.ids });
      family.end();
      continue;
    }
    if (sameFingerprint(reader.message, range.at, ours, compared)) {
      family.add(end - begin, undefined);
    } else {
      const question = { lower, upper, begin, end, asks: 'pieces' as const, differences: 1 };
      questions.push(question);
      family.add(end - begin, question);
    }
    compared += fingerprintBytes;
  }
  family.end();
  return { questions, ranges: said.length, unread };
}

/** A range of a message that is no skip, and where it lies. */
type Said = Range & { readonly range: Exclude<MessageRange, { mode: 'skip' }> };

function readRanges(
  storage: RecordReader,
  reader: MessageReader,
): { readonly said: readonly Said[]; readonly unread: Range | undefined } {
  const said: Said[] = [];
  let lower = lowestBound;
  let index = 0;
  let isSkipped = false;
  // Pieces of one range have about the same size.
  let items = 0;
  for (let range = reader.next(); range !== undefined; range = reader.next()) {
    const { upper } = range;
    if (range.mode === 'skip') {
      isSkipped = true;
    } else {
      const begin = isSkipped ? indexOfBound(storage, lower, index) : index;
      index = indexOfBound(storage, upper, Math.min(begin + items, storage.size));
      items = index - begin;
      said.push({ lower, upper, begin, end: index, range });
      isSkipped = false;
    }
    lower = upper;
  }
  if (!reader.isCut) return { said, unread: undefined };
  const begin = isSkipped ? indexOfBound(storage, lower, index) : index;
  return { said, unread: { lower, upper: highestBound, begin, end: storage.size } };
}

function fingerprintsOf(storage: RecordReader, said: readonly Said[]): Uint8Array {
  const batch = new FingerprintBatch();
  for (const { range, begin, end } of said) if (range.mode === 'fingerprint') batch.add(begin, end);
  return batch.of(storage);
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
