import { exceeds, noteUse } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import type { RecordReader } from '../kernels/kernels.js';
import { AnswerWalk } from './answer.js';
import { NegentropyError } from './errors.js';
import { IdList } from './id-list.js';
import type { AskedRange, OpenRange, Range } from './open-range.js';
import { bestCut, DifferenceDensity, firstPieces, type Peer } from './plan.js';
import { QuestionWriter } from './question-writer.js';
import { highestBound, indexOfBound, lowestBound } from './wire/bound.js';
import { MessageReader, protocolVersion } from './wire/reader.js';
import { checkedFrameLimit } from './wire/writer.js';

export type NegentropyClientOptions = {
  /** Longest message that we send, in bytes; 0 for no limit. */
  readonly frameBytesMax: number;
  /** Most ids that the peer may make us need in all. */
  readonly needIdsMax: number;
};

/** What one answer brought. Ids stand one after another, 32 bytes each. */
export type NegentropyStep = {
  /** The next message; undefined when the exchange is complete. */
  readonly next: Uint8Array | undefined;
  /** Ids that we hold and the peer lacks. */
  readonly have: Uint8Array;
  /** Ids that the peer holds and we lack. An honest peer names each once. */
  readonly need: Uint8Array;
};

/** Where an exchange is. */
export type NegentropyClientState =
  | { readonly status: 'new' }
  | { readonly status: 'asked'; readonly asked: readonly AskedRange[] }
  | { readonly status: 'complete' }
  | { readonly status: 'failed'; readonly error: unknown };

/**
 * The client's role of negentropy V1. It remembers what is not settled and asks for as much of it as the frames
 * hold, lowest range first; a server needs no memory. One instance is one exchange.
 */
export class NegentropyClient {
  readonly #storage: RecordReader;
  readonly #bytesMax: number;
  readonly #needIdsMax: number;
  /** The version of the storage in which what was asked about was looked up. */
  #version: number;
  /** Whether that may be another one than that in which what is open was looked up. */
  #hasChanged = false;
  #state: NegentropyClientState = { status: 'new' };
  /** What is to be asked, highest range first, so that the next one is at the end. */
  readonly #open: OpenRange[];
  /** The bytes that the peer's answers seem to have at most. */
  #answerBytesMax: number;
  #peerAnswersLists = true;
  #peer: Peer = 'classic';
  readonly #density = new DifferenceDensity();
  #rounds = 0;
  #stalledRounds = 0;
  #found = 0;
  #needed = 0;

  /** Throws `frame_limit_too_small` for a frame limit below 4096 that is not 0. */
  constructor(storage: RecordReader, options: NegentropyClientOptions) {
    this.#storage = storage;
    this.#bytesMax = checkedFrameLimit(options.frameBytesMax);
    this.#answerBytesMax = this.#bytesMax;
    this.#needIdsMax = options.needIdsMax;
    this.#version = storage.version;
    const all = { lower: lowestBound, upper: highestBound, begin: 0, end: storage.size };
    this.#open = [{ ...all, differences: undefined }];
  }

  get state(): NegentropyClientState {
    return this.#state;
  }

  /** Ranges that are still to be asked about. */
  get openRanges(): number {
    return this.#open.length;
  }

  /** Answers taken so far. */
  get rounds(): number {
    return this.#rounds;
  }

  /** new → asked. The first message. */
  initiate(): Uint8Array {
    if (this.#state.status !== 'new') throw wrongState(this.#state);
    this.#follow();
    return this.#ask();
  }

  /**
   * asked → asked, complete or failed. Takes the peer's answer. Throws `NegentropyError` when it is malformed, speaks
   * of what was not asked, needs too many ids, or when the peer does not get on; the exchange is over then.
   */
  receive(message: Uint8Array): NegentropyStep {
    if (this.#state.status !== 'asked') throw wrongState(this.#state);
    try {
      const { asked } = this.#state;
      return this.#receive(message, this.#follow() ? asked.map((range) => this.#located(range)) : asked);
    } catch (error) {
      this.#state = { status: 'failed', error };
      throw error;
    }
  }

  #receive(message: Uint8Array, asked: readonly AskedRange[]): NegentropyStep {
    const reader = new MessageReader(message);
    if (reader.version !== protocolVersion) {
      throw new NegentropyError(
        'unsupported_version',
        `the peer speaks version ${reader.version - 0x60} only`,
      );
    }
    const have = new IdList();
    const need = new IdList();
    const walk = new AnswerWalk(this.#storage, message, asked, [have, need]);
    for (let range = reader.next(); range !== undefined; range = reader.next()) walk.take(range);
    const outcome = walk.finish(reader.isCut);

    if (outcome.listsIgnored) this.#peerAnswersLists = false;
    this.#peer = outcome.peer ?? this.#peer;
    this.#learnAnswerSize(message.length, outcome.deferred);
    this.#density.age();
    this.#density.add(outcome.sampledItems, outcome.sampledDifferences);
    for (let at = outcome.open.length - 1; at >= 0; at -= 1) this.#open.push(outcome.open[at] as OpenRange);

    this.#found += have.count + need.count;
    this.#needed += need.count;
    this.#checkConduct(outcome.progress || outcome.listsIgnored);
    const next = this.#open.length > 0 ? this.#ask() : undefined;
    if (next === undefined) this.#state = { status: 'complete' };
    return { next, have: have.bytes(), need: need.bytes() };
  }

  /** A peer may put off what its frame would have held for reasons of its own: so no more than half at once. */
  #learnAnswerSize(answerBytes: number, deferred: boolean): void {
    const bytesMax = Math.min(this.#answerBytesMax, limits.negentropyMessageBytesMax);
    const supposed = deferred ? Math.max(bytesMax / 2, limits.negentropyFrameBytesMin) : this.#answerBytesMax;
    this.#answerBytesMax = Math.max(answerBytes, supposed);
  }

  /** Ends an exchange that costs more than an honest one can. */
  #checkConduct(progress: boolean): void {
    this.#rounds += 1;
    this.#stalledRounds = progress ? 0 : this.#stalledRounds + 1;
    if (exceeds('negentropyStalledRoundsMax', this.#stalledRounds)) {
      throw new NegentropyError('no_progress', 'the peer answers nothing of what it is asked');
    }
    if (exceeds('negentropyRoundsBase', this.#rounds - this.#found)) {
      throw new NegentropyError('too_many_rounds', `${this.#rounds} rounds for ${this.#found} ids`);
    }
    noteUse('negentropyNeedIdsMax', this.#needed);
    if (this.#needed > this.#needIdsMax) {
      throw new NegentropyError('too_many_needed', `the peer names more than ${this.#needIdsMax} ids`);
    }
    if (exceeds('negentropyOpenRangesMax', this.#open.length)) {
      throw new NegentropyError('too_many_ranges', `${this.#open.length} ranges are open`);
    }
  }

  /** → asked. Asks about the lowest open ranges, as many as the message and the answer will hold. */
  #ask(): Uint8Array {
    const question = new QuestionWriter(this.#storage, this.#bytesMax, this.#answerBytesMax, this.#peer);
    const waiting = this.#density.expectedIn(this.#storage.size);
    for (let open = this.#open.pop(); open !== undefined; open = this.#open.pop()) {
      // Only what is asked about now: a hostile peer can have very much open.
      const range = this.#hasChanged ? this.#located(open) : open;
      const items = range.end - range.begin;
      const expected = range.differences ?? this.#density.expectedIn(items);
      const rest =
        items === 0 && this.#peerAnswersLists
          ? question.askNothing(range)
          : question.askPieces(range, this.#piecesFor(range, expected, waiting), expected);
      if (rest === undefined) continue;
      this.#open.push(rest);
      break;
    }
    this.#state = { status: 'asked', asked: question.asked };
    return question.finish();
  }

  /**
   * Whether the storage has changed since the last message: then ranges have to be looked up anew. What is found in a set
   * that changes is right as of each message.
   */
  #follow(): boolean {
    const { version } = this.#storage;
    if (version === this.#version) return false;
    this.#version = version;
    this.#hasChanged = true;
    return true;
  }

  /** A range where it lies now. */
  #located<T extends Range>(range: T): T {
    const begin = indexOfBound(this.#storage, range.lower);
    return { ...range, begin, end: indexOfBound(this.#storage, range.upper, begin) };
  }

  /** Into how many pieces an open range is best cut when `expected` differences are in it. */
  #piecesFor({ begin, end, differences }: OpenRange, expected: number, waiting: number): number {
    const items = end - begin;
    if (differences === undefined && !this.#density.known) return firstPieces(items);
    if (expected < 0.5) return 1;
    const { size } = bestCut(items / expected, waiting, this.#peer);
    return Math.max(1, Math.min(items, Math.ceil(items / size)));
  }
}

function wrongState(state: NegentropyClientState): NegentropyError {
  return new NegentropyError('wrong_state', `the exchange is ${state.status}`);
}
