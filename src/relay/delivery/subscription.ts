import type { AcceptedEvent } from '../../admission/admission.js';
import { noteUse } from '../../config/limit-use.js';
import type { Reservation } from '../../lib/budgets/memory-budget.js';
import type { StoredEvent } from '../../store/event-store.js';
import { type EventFrames, eoseFrame, eventPrefix } from '../frames/frames.js';
import type { Outbox } from '../frames/outbox.js';
import type { Subscribers } from './subscribers.js';

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
 * It takes live events from `begin` on and holds them back until the stored ones are out. What was announced by then is
 * left to the query. Only what is stored by then and announced later comes on both ways, which are few: the query drops
 * it from those held back, or its sequence is remembered until it is announced.
 */
export class Subscription {
  readonly id: string;
  /** Those that it belongs to. */
  readonly subscribers: Subscribers;
  readonly #outbox: Outbox;
  readonly #limits: LiveBufferLimits;
  readonly #onFailed: (subscription: Subscription, reason: string) => void;
  readonly #prefix: Buffer;
  readonly #memory: Reservation;
  /** Of them, what the subscription holds beside live events. */
  readonly #ownBytes: number;
  /** The sequence up to which all had been announced when it began. */
  #announced = 0;
  /** The sequences of the stored events that were sent and are still to be announced. */
  readonly #sent = new Set<number>();
  #state: State = { type: 'queued' };
  /** Whether an event was not offered that should have been. */
  #hasMissed = false;

  /**
   * `memory` is what was reserved for it. `onFailed` is told why the subscription cannot go on; it closes it.
   */
  constructor(
    id: string,
    subscribers: Subscribers,
    memory: Reservation,
    outbox: Outbox,
    bufferLimits: LiveBufferLimits,
    onFailed: (subscription: Subscription, reason: string) => void,
  ) {
    this.id = id;
    this.subscribers = subscribers;
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

  /**
   * queued → replaying. To be called in the same turn as the registration for live events, before the query;
   * all events up to the sequence `announced` have been announced.
   */
  begin(announced: number): void {
    if (this.#state.type !== 'queued') throw new TypeError(`cannot begin when ${this.#state.type}`);
    this.#announced = announced;
    this.#state = { type: 'replaying', heldBack: new Map(), heldBackChars: 0 };
  }

  /** Sends one event that the query found. Its id is asked for only where it is needed: it is made of the body then. */
  sendStored(stored: Pick<StoredEvent, 'id' | 'sequence' | 'bytes'>): void {
    if (this.#state.type !== 'replaying') throw new TypeError(`cannot replay when ${this.#state.type}`);
    if (stored.sequence > this.#announced && !this.#release(this.#state, stored.id)) {
      this.#sent.add(stored.sequence);
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

  /** Takes an event of the feed that matches; whether it was sent at once. */
  offer(accepted: AcceptedEvent, frames: EventFrames): boolean {
    const state = this.#state;
    if (state.type !== 'replaying' && state.type !== 'live') return false;
    if (this.#hasMissed || this.#isSentAsStored(accepted)) return false;
    if (state.type === 'live') {
      frames.sendTo(this.#outbox, this.id, this.#prefix);
      return true;
    }
    this.#holdBack(state, accepted);
    return false;
  }

  /** It misses an event: none is sent any more, and it has to end. Whether that is new. */
  miss(): boolean {
    if (this.isClosed || this.#hasMissed) return false;
    this.#hasMissed = true;
    return true;
  }

  /** Ends the subscription, as whose client is told why. */
  fail(reason: string): void {
    this.#onFailed(this, reason);
  }

  /** Any state → closed. Nothing is sent for it from now on, and it holds no live event; the rest counts until `release`. */
  close(): void {
    this.#state = { type: 'closed' };
    this.#memory.resize(this.#ownBytes);
  }

  /** Gives its memory back, when nothing is held for it any more. */
  release(): void {
    this.#memory[Symbol.dispose]();
  }

  #holdBack(state: Replaying, accepted: AcceptedEvent): void {
    if (state.heldBack.has(accepted.event.id)) return;
    state.heldBack.set(accepted.event.id, accepted);
    state.heldBackChars += accepted.json.length;
    noteUse('liveBufferEventsMax', state.heldBack.size);
    noteUse('liveBufferCharsMax', state.heldBackChars);
    if (
      state.heldBack.size > this.#limits.liveBufferEventsMax ||
      state.heldBackChars > this.#limits.liveBufferCharsMax ||
      !this.#memory.resize(this.#ownBytes + state.heldBackChars)
    ) {
      this.#onFailed(this, 'error: more live events came than could be held back; ask again');
    }
  }

  #isSentAsStored({ sequence }: AcceptedEvent): boolean {
    return sequence !== undefined && (sequence <= this.#announced || this.#sent.delete(sequence));
  }

  /** Whether the event was held back. */
  #release(state: Replaying, id: string): boolean {
    const accepted = state.heldBack.get(id);
    if (accepted === undefined) return false;
    state.heldBack.delete(id);
    state.heldBackChars -= accepted.json.length;
    this.#memory.resize(this.#ownBytes + state.heldBackChars);
    return true;
  }
}
