import { limits } from '../../config/limits.js';
import type { MemoryHolder, Reservation } from '../../lib/budgets/memory-budget.js';
import type { Clock } from '../../lib/clock.js';
import { type ClientMessage, parseClientMessage, readClientMessage } from '../../nostr/message.js';
import { ClientGoneError } from '../frames/outbox.js';
import { messageBytes } from '../held-bytes.js';
import { readingUnits } from '../work-budget.js';
import type { RequestQueue } from './request-queue.js';

/** A frame that waits to be read; without `memory` there was none, and no more is read of the client until then. */
type Waiting = { readonly frame: string; readonly memory: Reservation | undefined };

/** Where messages go. */
export type MessageTarget = {
  /** Takes a message; `chars` is the length of its frame, which took that long to read. */
  onMessage(message: ClientMessage, chars: number, ms: number): void;
  /** A frame of that length could not be read, or not be handled, in which it took that long. */
  onFailure(error: unknown, chars: number, ms: number): void;
};

/**
 * Reads the frames of one client, in their order. Short ones are read at once. Long ones are read in pieces, in turns of
 * the client, and so is everything of a client that has used up its budget while others have work to be done; what
 * comes behind them waits.
 */
export class MessageIntake implements Disposable {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #turns: RequestQueue;
  readonly #memory: MemoryHolder;
  readonly #target: MessageTarget;
  readonly #onFlowChanged: () => void;
  #waiting: Waiting[] = [];
  #chars = 0;
  /** Frames that wait without memory. */
  #uncounted = 0;
  #isReading = false;
  /** Time that was spent on the frame in hand. */
  #readingMs = 0;

  /** `onFlowChanged` is told whenever `blocked` may have changed. */
  constructor(
    clock: Pick<Clock, 'monotonic'>,
    turns: RequestQueue,
    memory: MemoryHolder,
    target: MessageTarget,
    onFlowChanged: () => void,
  ) {
    this.#clock = clock;
    this.#turns = turns;
    this.#memory = memory;
    this.#target = target;
    this.#onFlowChanged = onFlowChanged;
  }

  /** Whether so much waits that the client should not be read. */
  get blocked(): boolean {
    return this.#chars >= limits.clientLongMessageChars || this.#uncounted > 0;
  }

  /** Takes a frame. Never throws, whatever it contains. */
  take(frame: string): void {
    const waits = this.#isReading || frame.length >= limits.clientLongMessageChars || this.#turns.shouldWait;
    if (!waits) {
      this.#readAtOnce(frame);
      return;
    }
    const memory = this.#memory.reserve(messageBytes(frame.length));
    if (memory === undefined) this.#uncounted += 1;
    this.#waiting.push({ frame, memory });
    this.#chars += frame.length;
    this.#onFlowChanged();
    if (!this.#isReading) void this.#readInTurns().catch((error) => this.#target.onFailure(error, 0, 0));
  }

  /** Drops what waits. */
  [Symbol.dispose](): void {
    for (const { memory } of this.#waiting) memory?.[Symbol.dispose]();
    this.#waiting = [];
  }

  #timed<T>(read: () => T): T {
    const beganMs = this.#clock.monotonic();
    try {
      return read();
    } finally {
      this.#readingMs += this.#clock.monotonic() - beganMs;
    }
  }

  #readAtOnce(frame: string): void {
    this.#turns.spend(readingUnits(frame.length));
    this.#readingMs = 0;
    try {
      const message = this.#timed(() => parseClientMessage(frame));
      this.#target.onMessage(message, frame.length, this.#readingMs);
    } catch (error) {
      this.#target.onFailure(error, frame.length, this.#readingMs);
    }
  }

  async #readInTurns(): Promise<void> {
    this.#isReading = true;
    try {
      await this.#turns.next();
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        await this.#read(next);
        if (this.#turns.isOver && this.#waiting.length > 0) await this.#turns.next();
      }
    } catch (error) {
      // Whoever ends the client's turns drops what waits, too.
      if (!(error instanceof ClientGoneError)) throw error;
    } finally {
      this.#isReading = false;
    }
  }

  async #read({ frame, memory }: Waiting): Promise<void> {
    try {
      if (frame.length < limits.clientLongMessageChars) this.#readAtOnce(frame);
      else this.#target.onMessage(await this.#readLong(frame), frame.length, this.#readingMs);
    } catch (error) {
      if (error instanceof ClientGoneError) throw error;
      this.#target.onFailure(error, frame.length, this.#readingMs);
    } finally {
      memory?.[Symbol.dispose]();
      if (memory === undefined) this.#uncounted -= 1;
      this.#chars -= frame.length;
      this.#onFlowChanged();
    }
  }

  async #readLong(frame: string): Promise<ClientMessage> {
    const reading = readClientMessage(frame);
    this.#readingMs = 0;
    this.#turns.spend(readingUnits(frame.length));
    for (;;) {
      const piece = this.#timed(() => reading.next());
      if (piece.done) return piece.value;
      const { chars, values, isEvent } = piece.value;
      if (isEvent && values >= limits.clientCostlyEventValues) await this.#turns.whenWithinBudget();
      else if (this.#turns.isOver) await this.#turns.next();
      this.#turns.spend(readingUnits(chars, values));
    }
  }
}
