import { fingerprintBytes, type RecordReader } from '../kernels/kernels.js';
import { NegentropyError } from './errors.js';
import { compareItems, type IdList, sameFingerprint } from './id-list.js';
import type { AskedRange, OpenRange, Range } from './open-range.js';
import { classicPieces, expectedDifferences, type Peer } from './plan.js';
import {
  type Bound,
  compareBounds,
  highestBound,
  indexOfBound,
  infinity,
  lowestBound,
} from './wire/bound.js';
import { FingerprintBatch } from './wire/fingerprints.js';
import type { MessageRange } from './wire/reader.js';

/** What an answer leaves open and what it tells about the sets. */
export type AnswerOutcome = {
  /** What has to be asked about again, in ascending order. */
  readonly open: OpenRange[];
  /** Whether anything at all was answered. */
  readonly progress: boolean;
  /** Whether something asked was put off: the peer's frame was full. */
  readonly deferred: boolean;
  /** Whether the peer passed over a range of which we had listed that we hold nothing: it does not answer lists. */
  readonly listsIgnored: boolean;
  /** How the peer cuts, as far as the answer shows it. */
  readonly peer: Peer | undefined;
  /** Our items, and the differences, in ranges of which nothing was known before. */
  readonly sampledItems: number;
  readonly sampledDifferences: number;
};

/** What one range of the answer covers of one asked range. */
type Part = Range & {
  readonly asked: AskedRange;
  /** Whether the asked range ends with this part. */
  readonly last: boolean;
};

/** What the answer says of one asked range. */
type Told = {
  /** Fingerprints of pieces of it, and those of the pieces that turn out to differ. */
  pieces: number;
  differing: OpenRange[];
  /** Differences found by lists. */
  found: number;
  putOff: boolean;
};

/** What stays open: surely, or when the peer's fingerprint of it turns out to differ from ours. */
type Remaining = {
  readonly range: OpenRange;
  readonly told: Told;
  /** Where that fingerprint stands in the answer. */
  readonly theirsAt: number | undefined;
};

/**
 * Walks an answer and the ranges that were asked, both in ascending order, side by side. What the peer lists is
 * settled, what it skips agrees. A fingerprint of a piece of an asked range that differs from ours leaves that piece
 * open. A fingerprint of a whole asked range, or of more, says nothing new: peers put off in this way what did not
 * fit into their frame, so it stays open as it was. Such a fingerprint is not believed even when it equals ours,
 * for widely used servers leave the very range that did not fit out of it.
 *
 * Our own fingerprints are worked out all at once at the end.
 */
export class AnswerWalk {
  readonly #storage: RecordReader;
  readonly #message: Uint8Array;
  readonly #asked: readonly AskedRange[];
  readonly #have: IdList;
  readonly #need: IdList;
  readonly #remaining: Remaining[] = [];
  readonly #fingerprints = new FingerprintBatch();
  readonly #toldOfPieces: { asked: AskedRange; told: Told }[] = [];
  #progress = false;
  #deferred = false;
  #listsIgnored = false;
  #peer: Peer | undefined;
  #sampledItems = 0;
  #sampledDifferences = 0;
  /** How far the answer was read, and the index of that place where it lies inside an asked range. */
  #position: Bound = lowestBound;
  #positionIndex = 0;
  /** Items of the last piece: the next one has about as many. */
  #pieceItems = 0;
  /** The first asked range that reaches above the position, and what became of it so far. */
  #next = 0;
  #told = newTold();

  /** `message` is the whole answer, in which the fingerprints stand. */
  constructor(
    storage: RecordReader,
    message: Uint8Array,
    asked: readonly AskedRange[],
    [have, need]: readonly [IdList, IdList],
  ) {
    this.#storage = storage;
    this.#message = message;
    this.#asked = asked;
    this.#have = have;
    this.#need = need;
  }

  /** Takes the next range of the answer. Throws `unasked_range` when it tells of what was not asked. */
  take(range: MessageRange): void {
    if (range.mode === 'skip') this.#passAgreed(range.upper);
    const parts = this.#parts(range.upper);
    if (range.mode === 'skip') this.#agree(parts);
    else if (range.mode === 'ids') this.#compareList(parts, range.upper, range.ids);
    else this.#compareFingerprint(parts, range.upper, range.at);
    this.#position = range.upper;
    for (const part of parts) {
      if (part.last) this.#leave(part.asked);
    }
  }

  /** Ends the walk: what the answer did not reach was skipped or, where it was not read to its end, is put off. */
  finish(isCut: boolean): AnswerOutcome {
    const last = this.#asked.at(-1);
    if (isCut) this.#putOffRest();
    else if (last !== undefined) this.take({ mode: 'skip', upper: last.upper });
    const open = this.#compareAll();
    return {
      open,
      progress: this.#progress,
      deferred: this.#deferred,
      listsIgnored: this.#listsIgnored,
      peer: this.#peer,
      sampledItems: this.#sampledItems,
      sampledDifferences: this.#sampledDifferences,
    };
  }

  /** What lies between the position and `upper` of the asked ranges, in order. */
  #parts(upper: Bound): Part[] {
    const parts: Part[] = [];
    if (compareBounds(this.#position, upper) >= 0) return parts;
    for (let asked = this.#asked[this.#next]; asked !== undefined; asked = this.#asked[this.#next]) {
      if (compareBounds(asked.lower, upper) >= 0) break;
      const inside = compareBounds(asked.lower, this.#position) < 0;
      const last = compareBounds(asked.upper, upper) <= 0;
      const begin = inside ? this.#positionIndex : asked.begin;
      const end = last
        ? asked.end
        : indexOfBound(this.#storage, upper, Math.min(begin + this.#pieceItems, asked.end));
      parts.push({
        asked,
        lower: inside ? this.#position : asked.lower,
        upper: last ? asked.upper : upper,
        begin,
        end,
        last,
      });
      this.#positionIndex = end;
      if (!last) break;
      this.#next += 1;
    }
    return parts;
  }

  /** Passes whole ranges that agree: most of a usual answer, so without any fuss. */
  #passAgreed(upper: Bound): void {
    for (let asked = this.#asked[this.#next]; asked !== undefined; asked = this.#asked[this.#next]) {
      const whole = compareBounds(asked.upper, upper) <= 0 && compareBounds(this.#position, asked.lower) <= 0;
      if (!whole || asked.group.asked !== 'fingerprint') return;
      this.#progress = true;
      if (asked.group.differences === undefined) this.#sampledItems += asked.end - asked.begin;
      this.#position = asked.upper;
      this.#next += 1;
    }
  }

  #agree(parts: readonly Part[]): void {
    for (const part of parts) {
      if (part.asked.group.asked === 'fingerprint') {
        this.#progress = true;
      } else {
        this.#listsIgnored = true;
        this.#reopen(part);
      }
    }
  }

  #compareList(parts: readonly Part[], upper: Bound, ids: Uint8Array): void {
    const first = parts[0];
    const last = parts.at(-1);
    if (first === undefined || last === undefined) {
      if (ids.length > 0) throw unasked();
      return;
    }
    let reached = this.#position;
    for (const part of parts) {
      if (compareBounds(part.lower, reached) !== 0) throw unasked();
      reached = part.upper;
    }
    if (compareBounds(reached, upper) !== 0) throw unasked();
    const before = this.#have.count + this.#need.count;
    compareItems(this.#storage, first.begin, last.end, ids, this.#have, this.#need);
    this.#told.found += this.#have.count + this.#need.count - before;
    this.#progress = true;
  }

  #compareFingerprint(parts: readonly Part[], upper: Bound, theirsAt: number): void {
    const [part] = parts;
    if (part === undefined) {
      if (upper.timestamp !== infinity) throw unasked();
      return;
    }
    const { asked, lower, begin, end } = part;
    const isPiece =
      compareBounds(this.#position, lower) === 0 &&
      compareBounds(part.upper, upper) === 0 &&
      (compareBounds(asked.lower, lower) < 0 || compareBounds(upper, asked.upper) < 0);
    if (!isPiece) {
      for (const whole of parts) this.#reopen(whole);
      this.#deferred = true;
      return;
    }
    this.#progress = true;
    this.#told.pieces += 1;
    this.#pieceItems = end - begin;
    this.#fingerprints.add(begin, end);
    const range = { lower, upper: part.upper, begin, end, differences: undefined };
    this.#remaining.push({ range, told: this.#told, theirsAt });
  }

  #putOffRest(): void {
    for (const part of this.#parts(highestBound)) {
      this.#reopen(part);
      this.#leave(part.asked);
    }
    this.#deferred = true;
  }

  #reopen({ lower, upper, begin, end, asked }: Part): void {
    const range = { lower, upper, begin, end, differences: asked.group.differences };
    this.#remaining.push({ range, told: this.#told, theirsAt: undefined });
    this.#told.putOff = true;
  }

  /** Ends what is told about one asked range. */
  #leave(asked: AskedRange): void {
    const told = this.#told;
    if (told.pieces > 0) this.#toldOfPieces.push({ asked, told });
    else if (!told.putOff) this.#sample(asked, told.found);
    if (told.pieces === 0 && !told.putOff && told.found === 0) return;
    this.#told = newTold();
  }

  /** What remains open, in order, once all fingerprints are compared. */
  #compareAll(): OpenRange[] {
    const ours = this.#fingerprints.of(this.#storage);
    const open: OpenRange[] = [];
    let compared = 0;
    for (const { range, told, theirsAt } of this.#remaining) {
      if (theirsAt !== undefined) {
        const isSame = sameFingerprint(this.#message, theirsAt, ours, compared);
        compared += fingerprintBytes;
        if (isSame) continue;
        told.differing.push(range);
      }
      open.push(range);
    }
    for (const { asked, told } of this.#toldOfPieces) this.#estimate(asked, told);
    return open;
  }

  /** Draws from the pieces of one asked range how many differences are in it. */
  #estimate(asked: AskedRange, { pieces, differing, found, putOff }: Told): void {
    const each = expectedDifferences(pieces, differing.length);
    for (const piece of differing) piece.differences = each;
    if (putOff) return;
    this.#sample(asked, found + differing.length * each);
    if (pieces !== classicPieces) this.#peer = 'server';
    else this.#peer ??= 'classic';
  }

  #sample({ group, begin, end }: AskedRange, differences: number): void {
    if (group.differences !== undefined) return;
    this.#sampledItems += end - begin;
    this.#sampledDifferences += differences;
  }
}

function newTold(): Told {
  return { pieces: 0, differing: [], found: 0, putOff: false };
}

function unasked(): NegentropyError {
  return new NegentropyError('unasked_range', 'the peer tells of a range that was not asked about');
}
