import { type Deferred, deferred } from '../abort.js';
import { GraspError } from '../errors.js';
import { Fifo } from './fifo.js';

/** The marks between which a queue is filled and drained, in bytes, and the most items that it holds. */
export type QueueLimits = {
  readonly bytesHigh: number;
  readonly bytesLow: number;
  readonly itemsMax: number;
};

/** Thrown to those who wait for room in a queue that was closed. */
export class QueueClosedError extends GraspError {
  constructor() {
    super('queue_closed', 'the queue was closed');
  }
}

/** What waits in a queue, in the order in which it goes. */
export type Line<T> = Pick<Fifo<T>, 'length' | 'push' | 'shift' | 'clear'>;

/**
 * A queue that counts bytes, first in first out where no other order is given. Above the high mark `full` is true until it
 * drained to the low mark; `waitForCapacity()` waits for that. Pushing never drops anything: the producer is the one that has to wait.
 */
export class BoundedQueue<T> {
  readonly #limits: QueueLimits;
  readonly #sizeOf: (item: T) => number;
  readonly #items: Line<T>;
  #bytes = 0;
  #full = false;
  #closed = false;
  #room: Deferred<void> | undefined;

  constructor(limits: QueueLimits, sizeOf: (item: T) => number, items: Line<T> = new Fifo<T>()) {
    this.#items = items;
    this.#limits = limits;
    this.#sizeOf = sizeOf;
  }

  get length(): number {
    return this.#items.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the producer must wait. */
  get full(): boolean {
    return this.#full;
  }

  push(item: T): void {
    if (this.#closed) throw new QueueClosedError();
    this.#items.push(item);
    this.#bytes += this.#sizeOf(item);
    if (this.#bytes >= this.#limits.bytesHigh || this.length >= this.#limits.itemsMax) this.#full = true;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items.shift() as T;
    this.#bytes -= this.#sizeOf(item);
    if (this.#full && this.#bytes <= this.#limits.bytesLow && this.length * 2 <= this.#limits.itemsMax) {
      this.#full = false;
      this.#room?.resolve();
      this.#room = undefined;
    }
    return item;
  }

  /** Resolves when the queue is not full; rejects with `QueueClosedError` when it is closed. */
  async waitForCapacity(): Promise<void> {
    if (this.#closed) throw new QueueClosedError();
    if (!this.#full) return;
    this.#room ??= deferred<void>();
    await this.#room.promise;
  }

  /** Takes no more, gives back what was left, and ends all waits. */
  close(): T[] {
    this.#closed = true;
    this.#bytes = 0;
    this.#room?.reject(new QueueClosedError());
    return this.#items.clear();
  }
}
