import type { RecordReader } from '../kernels/kernels.js';
import { AnswerWriter } from './answer-writer.js';
import { classicPieces, DifferenceDensity, type Peer } from './plan.js';
import { readQuestions } from './questions.js';
import { MessageReader, protocolVersion } from './wire/reader.js';
import { checkedFrameLimit } from './wire/writer.js';

/**
 * The server's role of negentropy V1. Every message is answered from itself alone; between the messages of a session
 * only an estimate of the density of differences and of the client's habit is kept, which makes the answers apt. The work and the answer are
 * bounded by the message's size, the number of its ranges and the frame limit.
 */
export class NegentropyServer {
  readonly #storage: RecordReader;
  readonly #bytesMax: number;
  readonly #density = new DifferenceDensity();
  /** Read off the first message, which a classic client splits by 16 like everything. */
  #peer: Peer | undefined;

  /** `frameBytesMax` is the longest answer in bytes, 0 for none; throws `frame_limit_too_small` below 4096. */
  constructor(storage: RecordReader, frameBytesMax: number) {
    this.#storage = storage;
    this.#bytesMax = checkedFrameLimit(frameBytesMax);
  }

  /**
   * The answer to a client's message; to another protocol version, the byte of ours.
   * Throws `NegentropyError` when the message is malformed.
   */
  respond(message: Uint8Array): Uint8Array {
    const reader = new MessageReader(message);
    if (reader.version !== protocolVersion) return Uint8Array.of(protocolVersion);
    this.#density.age();
    const { questions, ranges, unread } = readQuestions(this.#storage, reader, this.#density);
    this.#peer ??= ranges === classicPieces ? 'classic' : 'client';
    return new AnswerWriter(this.#storage, this.#bytesMax, this.#peer).answer(questions, unread);
  }
}
