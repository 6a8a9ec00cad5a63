import { noteUse } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import type { Reservation } from '../../lib/budgets/memory-budget.js';
import { BoundedQueue } from '../../lib/collections/bounded-queue.js';
import { Wakeup } from '../../lib/wakeup.js';
import { heldMessageBytes } from '../held-memory.js';

/** The side of a socket that can be told to wait. */
export type Readable = { pause?(): void; resume?(): void };

/**
 * The messages of a remote that wait to be processed. When they have too many bytes, or the memory budget of remotes has
 * no room for them, the socket is paused, so that the remote feels the backpressure. When the queue is empty the socket is
 * always read again.
 */
export class FrameQueue {
  readonly #frames = new BoundedQueue<string>(
    {
      bytesHigh: limits.remoteQueueBytesHigh,
      bytesLow: limits.remoteQueueBytesLow,
      itemsMax: limits.remoteQueueFramesMax,
    },
    (frame) => frame.length,
  );
  readonly #memory: Reservation;
  readonly #wakeup = new Wakeup();
  #source: Readable | undefined;
  #isPaused = false;
  #isEnded = false;

  constructor(memory: Reservation) {
    this.#memory = memory;
  }

  get bytes(): number {
    return this.#frames.bytes;
  }

  /** Whether something waits here, or may wait in the paused socket: then it is our fault that we hear nothing. */
  get isBehind(): boolean {
    return this.#frames.length > 0 || this.#isPaused;
  }

  /** The socket that is made to wait. */
  attach(source: Readable): void {
    this.#source = source;
  }

  push(frame: string): void {
    this.#frames.push(frame);
    noteUse('remoteQueueBytesHigh', this.#frames.bytes);
    noteUse('remoteQueueFramesMax', this.#frames.length);
    if (!this.#hasRoom() && !this.#isPaused) {
      this.#isPaused = true;
      this.#source?.pause?.();
    }
    this.#wakeup.notify();
  }

  /** The next message, as soon as there is one; `undefined` when the queue has ended and is empty. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const frame = this.#frames.shift();
      if (this.#hasRoom() && this.#isPaused) {
        this.#isPaused = false;
        this.#source?.resume?.();
      }
      if (frame !== undefined || this.#isEnded) return frame;
      await this.#wakeup.wait();
    }
  }

  #hasRoom(): boolean {
    const isHeld = this.#memory.resize(this.#frames.bytes + this.#frames.length * heldMessageBytes);
    return isHeld && !this.#frames.full;
  }

  /** No more messages will come. */
  end(): void {
    this.#isEnded = true;
    this.#wakeup.notify();
  }
}
