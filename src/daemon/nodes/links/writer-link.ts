import { type RawData, WebSocket } from 'ws';
import type { Admission, AdmissionOutcome, EventSource } from '../../../admission/admission.js';
import { reaches } from '../../../config/limit-use.js';
import { limits } from '../../../config/limits.js';
import { type Deferred, deferred } from '../../../lib/abort.js';
import { backoffMs } from '../../../lib/backoff.js';
import { localAddressGroup } from '../../../lib/budgets/address-group.js';
import type { CancelTimer, Clock } from '../../../lib/clock.js';
import type { Faults } from '../../../lib/faults.js';
import type { NostrEvent } from '../../../nostr/event.js';
import { isEphemeralKind } from '../../../nostr/kinds.js';
import { nodeUrlHeader } from '../node-url.js';
import { readWriterMessage, servedFrame, submissionFrame, type WriterMessage } from './node-messages.js';
import { nodeSecretHeader } from './node-secret.js';
import type { NodeSocket } from './node-socket.js';

/** Where the one that writes is reached, and what is shown to it. */
export type WriterAddress = { readonly url: string; readonly secret: string };

export type WriterLinkParts = {
  /** Where this one is reached, as it tells the other (`shownNodeUrl`). */
  readonly url: string;
  readonly clock: Clock;
  readonly faults: Faults;
  /** All messages but outcomes. */
  readonly onMessage: (message: Exclude<WriterMessage, { type: 'outcome' }>) => void;
  /** Begins a connection, and says where this one is reached; by default a WebSocket. */
  readonly dial?: (writer: WriterAddress, url: string) => NodeSocket;
};

type Pending = {
  readonly frame: string;
  /** Whether it comes to subscribers as often as it is taken, for it is not stored. */
  readonly isEphemeral: boolean;
  isSent: boolean;
  readonly outcome: Deferred<AdmissionOutcome>;
  readonly cancelTimer: CancelTimer;
};

const away: AdmissionOutcome = {
  type: 'failed',
  reason: 'error: the part of this relay that takes events is away; try again in a minute',
};

/**
 * The one connection of a graspd that follows to the one that writes. What clients publish goes there, and is sent again
 * when the connection was lost meanwhile, or another one writes by then: storing an event twice is as storing it once. What is
 * passed on and not stored is sent once only, and may be lost.
 */
export class WriterLink implements Pick<Admission, 'submit' | 'waitForCapacity' | 'hasCapacity'>, Disposable {
  readonly #parts: WriterLinkParts;
  /** In the order in which they came. */
  readonly #pending = new Map<number, Pending>();
  #waiting: Deferred<void> | undefined;
  #numbers = 0;
  #writer: WriterAddress;
  #socket: NodeSocket | undefined;
  #openedAtMs = 0;
  #failures = 0;
  #cancelRetry: CancelTimer = () => {};
  #cancelPatience: CancelTimer = () => {};
  #isOver = false;

  constructor(writer: WriterAddress, parts: WriterLinkParts) {
    this.#parts = parts;
    this.#writer = writer;
    this.#connect();
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Since when there is a connection, in milliseconds since 1970; `undefined` where there is none. */
  get sinceMs(): number | undefined {
    return this.isOpen ? this.#openedAtMs : undefined;
  }

  /** How many events have no answer. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** Another one writes from now on. */
  moveTo(writer: WriterAddress): void {
    if (this.#isOver) return;
    this.#writer = writer;
    this.#failures = 0;
    this.#cancelRetry();
    // Its end has the next one made.
    if (this.#socket === undefined) this.#connect();
    else this.#socket.terminate();
  }

  async submit(event: NostrEvent, source: EventSource): Promise<AdmissionOutcome> {
    if (this.#isOver) return away;
    const number = this.#numbers++;
    const share = source.type === 'direct' ? source.address : undefined;
    const frame = submissionFrame({ number, addressGroup: share?.group ?? localAddressGroup, event });
    const outcome = deferred<AdmissionOutcome>();
    const cancelTimer = this.#parts.clock.after(limits.nodeAnswerMsMax, () => this.#settle(number, away));
    const isEphemeral = isEphemeralKind(event.kind);
    this.#pending.set(number, { frame, isEphemeral, isSent: this.isOpen, outcome, cancelTimer });
    if (this.isOpen) this.#socket?.send(frame);
    return await outcome.promise;
  }

  /** Tells the other that all up to this sequence is served here. */
  tellServed(sequence: number): void {
    if (this.isOpen) this.#socket?.send(servedFrame(sequence));
  }

  async waitForCapacity(): Promise<void> {
    if (!this.#isFull) return;
    this.#waiting ??= deferred();
    await this.#waiting.promise;
  }

  hasCapacity(): boolean {
    return !this.#isFull;
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#cancelRetry();
    this.#cancelPatience();
    for (const number of [...this.#pending.keys()]) this.#settle(number, away);
    this.#socket?.terminate();
  }

  get #isFull(): boolean {
    return reaches('nodeEventsInFlightMax', this.#pending.size);
  }

  #settle(number: number, outcome: AdmissionOutcome): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    this.#pending.delete(number);
    pending.cancelTimer();
    pending.outcome.resolve(outcome);
    if (this.#isFull) return;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #connect(): void {
    const { clock, faults, url, dial = dialWriter } = this.#parts;
    const socket = dial(this.#writer, url);
    this.#socket = socket;
    const end = () => socket.terminate();
    const guarded = <Arguments extends unknown[]>(callback: (...values: Arguments) => void) =>
      faults.guard('remote', end, callback);
    socket.on('error', end);
    socket.on(
      'open',
      guarded(() => {
        this.#failures = 0;
        this.#openedAtMs = clock.now();
        this.#hear();
        for (const [number, pending] of [...this.#pending]) {
          if (pending.isSent && pending.isEphemeral) {
            this.#settle(number, away);
            continue;
          }
          pending.isSent = true;
          socket.send(pending.frame);
        }
      }),
    );
    socket.on(
      'message',
      guarded((data: RawData) => {
        this.#hear();
        const message = readWriterMessage(data.toString());
        if (message.type === 'outcome') this.#settle(message.number, message.outcome);
        else this.#parts.onMessage(message);
      }),
    );
    socket.on(
      'close',
      guarded(() => this.#reconnect()),
    );
  }

  /** It says something every few seconds; when it does not, it is gone. */
  #hear(): void {
    this.#cancelPatience();
    this.#cancelPatience = this.#parts.clock.after(limits.nodePatienceMs, () => this.#socket?.terminate());
  }

  #reconnect(): void {
    this.#cancelPatience();
    this.#socket = undefined;
    if (this.#isOver) return;
    const delayMs = backoffMs(this.#failures, limits.nodeRetryMsMin, limits.nodeRetryMsMax);
    this.#failures += 1;
    this.#cancelRetry = this.#parts.clock.after(delayMs, () => this.#connect());
  }
}

function dialWriter({ url, secret }: WriterAddress, ownUrl: string): WebSocket {
  return new WebSocket(url.replace(/^http/, 'ws'), {
    headers: { [nodeSecretHeader]: secret, [nodeUrlHeader]: ownUrl },
    handshakeTimeout: limits.nodePatienceMs,
    perMessageDeflate: false,
    maxPayload: limits.nodeMessageBytesMax,
    followRedirects: false,
  });
}
