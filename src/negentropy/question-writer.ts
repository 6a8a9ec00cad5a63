import type { RecordReader } from '../kernels/kernels.js';
import type { AskedGroup, AskedRange, OpenRange } from './open-range.js';
import { expectedAnswerBytes, type Peer } from './plan.js';
import { type Bound, boundBefore, compareBounds, lowestBound } from './wire/bound.js';
import { fingerprintRangeBytesMax, MessageWriter } from './wire/writer.js';

/** One message of the client in the making. */
export class QuestionWriter {
  readonly asked: AskedRange[] = [];
  readonly #storage: RecordReader;
  readonly #writer: MessageWriter;
  readonly #bytesMax: number;
  readonly #answerBytesMax: number;
  readonly #peer: Peer;
  #answerBytes = 0;
  #reached: Bound = lowestBound;

  constructor(storage: RecordReader, bytesMax: number, answerBytesMax: number, peer: Peer) {
    this.#storage = storage;
    this.#writer = new MessageWriter(storage);
    this.#bytesMax = bytesMax - fingerprintRangeBytesMax;
    this.#answerBytesMax = answerBytesMax;
    this.#peer = peer;
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }

  /** Says that we hold nothing in `range`, for which the peer lists what it holds. Returns what did not fit. */
  askNothing(range: OpenRange): OpenRange | undefined {
    if (this.#isFull()) return range;
    this.#skipTo(range.lower);
    this.#writer.ids(range.upper, range.begin, range.begin);
    const { lower, upper, begin, end, differences } = range;
    this.asked.push({ lower, upper, begin, end, group: { asked: 'nothing', differences } });
    this.#reached = range.upper;
    return undefined;
  }

  /** Sends the fingerprints of `range` cut into `pieces`. Returns what did not fit. */
  askPieces(range: OpenRange, pieces: number, expected: number): OpenRange | undefined {
    const items = range.end - range.begin;
    const differences = range.differences === undefined ? undefined : range.differences / pieces;
    const group: AskedGroup = { asked: 'fingerprint', differences };
    const answerBytes = expectedAnswerBytes(items / pieces, expected / pieces, this.#peer);
    let { lower, begin } = range;
    for (let piece = 1; piece <= pieces; piece += 1) {
      if (this.#isFull()) {
        const left = differences === undefined ? undefined : differences * (pieces - piece + 1);
        return { lower, upper: range.upper, begin, end: range.end, differences: left };
      }
      const end = range.begin + Math.floor((items * piece) / pieces);
      const upper = piece === pieces ? range.upper : boundBefore(this.#storage, end);
      this.#skipTo(lower);
      this.#writer.fingerprint(upper, begin, end);
      this.asked.push({ lower, upper, begin, end, group });
      this.#reached = upper;
      this.#answerBytes += answerBytes;
      lower = upper;
      begin = end;
    }
    return undefined;
  }

  #isFull(): boolean {
    return this.#writer.length > this.#bytesMax || this.#answerBytes > this.#answerBytesMax;
  }

  #skipTo(lower: Bound): void {
    if (compareBounds(this.#reached, lower) < 0) this.#writer.skip(lower);
  }
}
