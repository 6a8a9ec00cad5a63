import type { Writable } from 'node:stream';

/** Bytes of small frames that are put together for one write. */
const joinedBytesMax = 65_536;

/**
 * The frames that one client is sent in a turn: they leave at its end, in few writes. Each write is a call of the
 * system, and each chunk of a write costs as much as copying some kilobytes.
 */
export class SendBuffer {
  readonly #stream: Writable;
  readonly #onSent: () => void;
  #frames: Buffer[] = [];
  #bytes = 0;

  /** `onSent` is told whenever a write has left for the system. */
  constructor(stream: Writable, onSent: () => void) {
    this.#stream = stream;
    this.#onSent = onSent;
  }

  /** Bytes that have not been written to the stream yet. */
  get bytes(): number {
    return this.#bytes;
  }

  push(frame: Buffer): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#frames.length === 1) process.nextTick(this.flush);
    if (this.#bytes >= joinedBytesMax) this.flush();
  }

  readonly flush = (): void => {
    const frames = this.#frames;
    const [first] = frames;
    if (first === undefined) return;
    const bytes = this.#bytes;
    this.#frames = [];
    this.#bytes = 0;
    if (!this.#stream.writable) return;
    this.#stream.write(frames.length === 1 ? first : Buffer.concat(frames, bytes), this.#onSent);
  };
}
