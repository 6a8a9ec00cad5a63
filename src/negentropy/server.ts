import { idBytes } from '../kernels/kernels.js';
import { type Bound, boundBefore, compareBounds, indexOfBound, lowestBound } from './bound.js';
import { sameBytes } from './id-list.js';
import { MessageReader, protocolVersion } from './reader.js';
import type { NegentropyStorage } from './storage.js';
import { boundBytesMax, checkedFrameLimit, countBytesMax, MessageWriter } from './writer.js';

/** A range in which the client's set differs from ours, or may. */
type Question = {
  readonly lower: Bound;
  readonly upper: Bound;
  readonly begin: number;
  readonly end: number;
  readonly listed: boolean;
};

/** Kept free in every message for the range that puts off the rest: a skip before it and its fingerprint. */
const deferBytes = 2 * boundBytesMax + 16;
const buckets = 16;

/**
 * The server's role of negentropy V1: answers one message at a time and remembers nothing between them. The work
 * and the answer are bounded by the message's size and the frame limit.
 */
export class NegentropyServer {
  readonly #storage: NegentropyStorage;
  readonly #bytesMax: number;

  /** `frameBytesMax` is the longest answer in bytes, 0 for none; throws `frame_limit_too_small` below 4096. */
  constructor(storage: NegentropyStorage, frameBytesMax: number) {
    this.#storage = storage;
    this.#bytesMax = checkedFrameLimit(frameBytesMax) - deferBytes;
  }

  /** The answer to a client's message. Throws `NegentropyError` when the message is malformed. */
  respond(message: Uint8Array): Uint8Array {
    const reader = new MessageReader(message);
    if (reader.version !== protocolVersion) return Uint8Array.of(protocolVersion);
    return this.#answer(this.#questions(reader));
  }

  /** The ranges of a message that call for an answer, in order. */
  #questions(reader: MessageReader): Question[] {
    const storage = this.#storage;
    const questions: Question[] = [];
    let lower = lowestBound;
    let lowerIndex: number | undefined = 0;
    for (let range = reader.next(); range !== undefined; range = reader.next()) {
      const { upper } = range;
      if (range.mode === 'skip') {
        lowerIndex = undefined;
      } else {
        const begin: number = lowerIndex ?? indexOfBound(storage, lower);
        const end = indexOfBound(storage, upper);
        const agreed =
          range.mode === 'fingerprint' && sameBytes(range.fingerprint, storage.fingerprint(begin, end));
        if (!agreed) questions.push({ lower, upper, begin, end, listed: range.mode === 'ids' });
        lowerIndex = end;
      }
      lower = upper;
    }
    return questions;
  }

  #answer(questions: readonly Question[]): Uint8Array {
    const writer = new MessageWriter();
    const last = questions.at(-1);
    let answered = lowestBound;
    for (const question of questions) {
      if (compareBounds(answered, question.lower) < 0) writer.skip(question.lower);
      const rest = this.#answerQuestion(writer, question);
      if (rest !== undefined && last !== undefined) {
        // The frame is full. A fingerprint of all that is left makes the client ask for it again.
        writer.fingerprint(last.upper, this.#storage.fingerprint(rest, last.end));
        break;
      }
      answered = question.upper;
    }
    return writer.finish();
  }

  /** Writes the answer; returns the index from which it did not fit, or undefined. */
  #answerQuestion(writer: MessageWriter, question: Question): number | undefined {
    const { begin, end, listed } = question;
    if (listed || end - begin < 2 * buckets) return this.#list(writer, question);
    const mark = writer.mark();
    this.#split(writer, question);
    if (writer.length <= this.#bytesMax) return undefined;
    writer.rewind(mark);
    return begin;
  }

  #list(writer: MessageWriter, { begin, end, upper }: Question): number | undefined {
    const bytesFree = this.#bytesMax - writer.length - 2 * boundBytesMax - countBytesMax;
    const count = Math.min(end - begin, Math.floor(bytesFree / idBytes));
    if (count === end - begin) {
      writer.ids(upper, this.#storage, begin, end);
      return undefined;
    }
    if (count <= 0) return begin;
    const cut = begin + count;
    writer.ids(boundBefore(this.#storage, cut), this.#storage, begin, cut);
    return cut;
  }

  #split(writer: MessageWriter, { begin, end, upper }: Question): void {
    const storage = this.#storage;
    for (let bucket = 0, from = begin; bucket < buckets; bucket += 1) {
      const to = begin + Math.floor(((end - begin) * (bucket + 1)) / buckets);
      const bound = to === end ? upper : boundBefore(storage, to);
      writer.fingerprint(bound, storage.fingerprint(from, to));
      from = to;
    }
  }
}
