import { idBytes, type RecordReader } from '../kernels/kernels.js';
import { type Alignment, alignLists, rangeOfGap } from './list-gaps.js';
import { firstPiece, type Range } from './open-range.js';
import { bestCut, expectedAnswerBytes, listingIsCheaper, type Peer } from './plan.js';
import type { Question } from './questions.js';
import { type Bound, boundBefore, compareBounds, lowestBound } from './wire/bound.js';
import { boundBytesMax, countBytesMax, fingerprintRangeBytesMax, MessageWriter } from './wire/writer.js';

type PiecesQuestion = Extract<Question, { asks: 'pieces' }>;
type IdsQuestion = Extract<Question, { asks: 'ids' }>;

/** What did not fit of an answer. */
type Rest = { readonly lower: Bound; readonly begin: number };

/**
 * Common ids in the lists of one message that must stand in our order before theirs is trusted: so many neighbours
 * are in order by chance once in 2^16 messages, and what is lost then is one id that the client is not told to have.
 */
const orderedNeighboursMin = 16;

/** One answer of the server in the making. */
export class AnswerWriter {
  readonly #storage: RecordReader;
  readonly #writer: MessageWriter;
  readonly #bytesMax: number;
  readonly #peer: Peer;
  readonly #peerBytesMax: number;
  /** The bytes that the client's next message will take for what was written. */
  #peerBytes = 0;
  #reached: Bound = lowestBound;

  constructor(storage: RecordReader, bytesMax: number, peer: Peer) {
    this.#storage = storage;
    this.#writer = new MessageWriter(storage);
    // Room is kept for the range that puts off the rest.
    this.#bytesMax = bytesMax - fingerprintRangeBytesMax;
    this.#peer = peer;
    this.#peerBytesMax = peer === 'classic' ? bytesMax : Number.POSITIVE_INFINITY;
  }

  /** Answers the questions, in order. What the frame does not hold, and what was not read, is put off by one fingerprint of it all. */
  answer(questions: readonly Question[], unread: Range | undefined): Uint8Array {
    const waiting = questions.reduce(
      (sum, question) => sum + (question.asks === 'pieces' ? question.differences : 0),
      0,
    );
    const alignments = alignOrdered(this.#storage, questions);
    const last = unread ?? questions.at(-1);
    for (const question of questions) {
      const rest =
        question.asks === 'pieces'
          ? this.#answerPieces(question, waiting)
          : this.#answerIds(question, alignments.get(question));
      if (rest === undefined || last === undefined) continue;
      this.#putOff(rest, last);
      return this.#writer.finish();
    }
    if (unread !== undefined) this.#putOff(unread, unread);
    return this.#writer.finish();
  }

  #putOff(rest: Rest, last: Range): void {
    this.#skipTo(rest.lower);
    this.#writer.fingerprint(last.upper, rest.begin, last.end);
  }

  #answerPieces(question: PiecesQuestion, waiting: number): Rest | undefined {
    const items = question.end - question.begin;
    const gap = items / question.differences;
    const cut = bestCut(gap, waiting, this.#peer);
    if (items < 2 || listingIsCheaper(gap, cut, waiting)) return this.#list(question);
    const pieces = Math.max(2, Math.ceil(items / cut.size));
    const size = Math.ceil(items / pieces);
    const peerBytes = expectedAnswerBytes(size, question.differences / pieces, 'classic');
    let rest: Range = question;
    while (rest.begin < rest.end) {
      if (this.#isFull()) return rest;
      const piece = firstPiece(this.#storage, rest, size);
      this.#skipTo(piece.lower);
      this.#writer.fingerprint(piece.upper, piece.begin, piece.end);
      this.#reached = piece.upper;
      this.#peerBytes += peerBytes;
      rest = { lower: piece.upper, upper: question.upper, begin: piece.end, end: question.end };
    }
    return undefined;
  }

  #answerIds(question: IdsQuestion, alignment: Alignment | undefined): Rest | undefined {
    if (alignment === undefined) return this.#list(question);
    const ranges: Range[] = [];
    for (const gap of alignment.gaps) {
      const range = rangeOfGap(this.#storage, question, question.theirs, gap);
      if (range === undefined) return this.#list(question);
      ranges.push(range);
    }
    for (const range of ranges) {
      const rest = this.#list(range);
      if (rest !== undefined) return rest;
    }
    return undefined;
  }

  /** Lists what we hold in `range`, or as much of it as fits. */
  #list({ lower, upper, begin, end }: Range): Rest | undefined {
    const bytesFree = this.#bytesMax - this.#writer.length - 2 * boundBytesMax - countBytesMax;
    const count = Math.min(end - begin, Math.floor(bytesFree / idBytes));
    if (count < 0 || (count === 0 && begin < end)) return { lower, begin };
    const cut = begin + count;
    const cutBound = cut === end ? upper : boundBefore(this.#storage, cut);
    this.#skipTo(lower);
    this.#writer.ids(cutBound, begin, cut);
    this.#reached = cutBound;
    return cut === end ? undefined : { lower: cutBound, begin: cut };
  }

  #isFull(): boolean {
    return (
      this.#writer.length + fingerprintRangeBytesMax > this.#bytesMax || this.#peerBytes > this.#peerBytesMax
    );
  }

  #skipTo(lower: Bound): void {
    if (compareBounds(this.#reached, lower) < 0) this.#writer.skip(lower);
  }
}

/**
 * Where the lists of a message differ from ours, for those lists that share much with ours; none at all unless the
 * lists of the message show that the client lists its ids in order.
 */
function alignOrdered(
  storage: RecordReader,
  questions: readonly Question[],
): ReadonlyMap<Question, Alignment> {
  const alignments = new Map<Question, Alignment>();
  let orderedNeighbours = 0;
  for (const question of questions) {
    if (question.asks === 'pieces' || question.theirs.length === 0) continue;
    const { begin, end, theirs } = question;
    // A list that lacks most of ours is answered as well by all of ours, and the work stays within the message's size.
    if ((end - begin) * idBytes > 2 * theirs.length) continue;
    const ours = new Uint8Array((end - begin) * idBytes);
    if (ours.length > 0) storage.copyIds(begin, end, ours, 0);
    const alignment = alignLists(ours, theirs);
    if (alignment === undefined) return new Map();
    orderedNeighbours += Math.max(0, alignment.common - 1);
    alignments.set(question, alignment);
  }
  return orderedNeighbours >= orderedNeighboursMin ? alignments : new Map();
}
