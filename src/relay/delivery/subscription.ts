import type { AcceptedEvent } from '../../admission/admission.js';
import type { Reservation } from '../../lib/budgets/memory-budget.js';
import type { StoredEvent } from '../../store/event-store.js';
import { type EventFrames, eoseFrame, eventPrefix } from '../frames/frames.js';
import type { Outbox } from '../frames/outbox.js';
import { RecentIds } from './recent-ids.js';

/** Bounds of what a subscription holds back while its stored events are sent. */
export type LiveBufferLimits = { readonly liveBufferEventsMax: number; readonly liveBufferCharsMax: number };

type Replaying = {
  readonly type: 'replaying';
  /** Live events by id, in the order of their announcement. */
  readonly heldBack: Map<string, AcceptedEvent>;
  heldBackChars: number;
};

/**
 * ```
 * queued ──begin──▶ replaying ──finish──▶ live
 *    └──────────────────┴──────close───────┴────▶ closed
 * ```
 */
type State =
  | { readonly type: 'queued' }
  | Replaying
  | { readonly type: 'live' }
  | { readonly type: 'closed' };

/**
 * One REQ of one client: first the stored events, then EOSE, then the live ones, none left out and none twice.
 * It takes live events from `begin` on and holds them back until the stored ones are out. An event is known to be
 * on both ways by its id: the query drops it from those held back, or it is among those that were just sent.
 */
export class Subscription {
  readonly id: string;
  readonly #outbox: Outbox;
  readonly #limits: LiveBufferLimits;
  readonly #onFailed: (subscription: Subscription, reason: string) => void;
  readonly #prefix: Buffer;
  readonly #memory: Reservation;
  /** Of them, what the subscription holds beside live events. */
  readonly #ownBytes: number;
  /** Stored events that were sent and may still be announced. */
  readonly #sent = new RecentIds();
  #remembers = true;
  #state: State = { type: 'queued' };

  /**
   * `memory` is what was reserved for it. `onFailed` is told why the subscription cannot go on; it closes it.
   */
  constructor(
    id: string,
    memory: Reservation,
    outbox: Outbox,
    bufferLimits: LiveBufferLimits,
    onFailed: (subscription: Subscription, reason: string) => void,
  ) {
    this.id = id;
    this.#memory = memory;
    this.#ownBytes = memory.bytes;
    this.#outbox = outbox;
    this.#limits = bufferLimits;
    this.#onFailed = onFailed;
    this.#prefix = eventPrefix(id);
  }

  get isClosed(): boolean {
    return this.#state.type === 'closed';
  }

  /** Whether stored events may still be announced. */
  get remembers(): boolean {
    return this.#remembers;
  }

  /**
   * queued → replaying. To be called in the same turn as the registration for live events, before the query;
   * `remembers` is false when everything that is stored has been announced.
   */
  begin(remembers: boolean): void {
    if (this.#state.type !== 'queued') throw new TypeError(`cannot begin when ${this.#state.type}`);
    this.#remembers = remembers;
    this.#state = { type: 'replaying', heldBack: new Map(), heldBackChars: 0 };
  }

  /** Sends one event that the query found. */
  sendStored(stored: Pick<StoredEvent, 'id' | 'bytes'>): void {
    if (this.#state.type !== 'replaying') throw new TypeError(`cannot replay when ${this.#state.type}`);
    if (this.#remembers) {
      const { id } = stored;
      this.#sent.add(id);
      this.#release(this.#state, id);
    }
    this.#outbox.sendEvent(this.#prefix, stored.bytes);
  }

  /** replaying → live: EOSE, then what was held back. Rejects with `ClientGoneError`. */
  async finish(): Promise<void> {
    const state = this.#state;
    if (state.type !== 'replaying') return;
    this.#outbox.send(eoseFrame(this.id));
    // The loop also sees what is added while it waits, so that nothing overtakes what is held back.
    for (const [id, accepted] of state.heldBack) {
      if (this.#outbox.full) await this.#outbox.waitForCapacity();
      if (this.#state !== state) return;
      this.#release(state, id);
      this.#outbox.sendEvent(this.#prefix, Buffer.from(accepted.json));
    }
    this.#state = { type: 'live' };
  }

  /**
   * Forgets what was sent before the previous call: between two calls, all that was stored before the first one must
   * have been announced. Returns whether there is, or may come, more to forget.
   */
  forgetSent(): boolean {
    const pending = this.#sent.size > 0 || this.#state.type === 'replaying';
    this.#sent.age();
    return pending && this.#state.type !== 'closed';
  }

  /** Takes an event of the feed that matches; whether it was sent at once. */
  offer(accepted: AcceptedEvent, frames: EventFrames): boolean {
    const state = this.#state;
    if (state.type !== 'replaying' && state.type !== 'live') return false;
    if (this.#sent.take(accepted.event.id)) return false;
    if (state.type === 'live') {
      this.#outbox.sendFrame(frames.frameFor(this.id, this.#prefix));
      return true;
    }
    this.#holdBack(state, accepted);
    return false;
  }

  /** Ends the subscription for a fault of ours. */
  fail(): void {
    this.#onFailed(this, 'error: an event could not be sent; ask again');
  }

  /** Any state → closed. Nothing is sent for it from now on. */
  close(): void {
    this.#state = { type: 'closed' };
    this.#memory[Symbol.dispose]();
  }

  #holdBack(state: Replaying, accepted: AcceptedEvent): void {
    if (state.heldBack.has(accepted.event.id)) return;
    state.heldBack.set(accepted.event.id, accepted);
    state.heldBackChars += accepted.json.length;
    if (
      state.heldBack.size > this.#limits.liveBufferEventsMax ||
      state.heldBackChars > this.#limits.liveBufferCharsMax ||
      !this.#memory.resize(this.#ownBytes + state.heldBackChars)
    ) {
      this.#onFailed(this, 'error: more live events came than could be held back; ask again');
    }
  }

  #release(state: Replaying, id: string): void {
    const accepted = state.heldBack.get(id);
    if (accepted === undefined) return;
    state.heldBack.delete(id);
    state.heldBackChars -= accepted.json.length;
    this.#memory.resize(this.#ownBytes + state.heldBackChars);
  }
}
