import { limits } from '../../config/limits.js';
import { onAbort } from '../../lib/abort.js';
import type { MemoryHolder } from '../../lib/budgets/memory-budget.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { Filter } from '../../nostr/filter.js';
import type { Identity } from '../../nostr/keys.js';
import { type RelaySocket, type SocketHandlers, TransportError } from '../dial/transport.js';
import { AccessDeniedError } from '../errors.js';
import type { Progress } from '../hosts/transfers.js';
import type { SyncLogger } from '../report/logger.js';
import type { SyncMetrics } from '../report/metrics.js';
import { Authentication } from './authentication.js';
import { Channels } from './channels.js';
import { FrameQueue } from './frame-queue.js';
import { MessageReader } from './message-reader.js';
import { PeerBehaviour } from './peer-behaviour.js';
import {
  type Negotiator,
  openSubscription,
  type PeerOutcome,
  type QuestionParts,
  type RequestListener,
  type RequestOutcome,
  runNegotiation,
  runRequest,
  type Subscription,
  type SubscriptionListener,
} from './questions.js';
import type { Rejection } from './rejection.js';
import { PeerCapacity, type RelayLimits } from './relay-limits.js';
import type { RemoteEventSubmitter } from './remote-event-submitter.js';

export type PeerParts = {
  readonly relay: string;
  readonly clock: Clock;
  readonly logger: SyncLogger;
  readonly metrics: SyncMetrics;
  readonly submitter: RemoteEventSubmitter;
  readonly identity: Identity | undefined;
  readonly limits: RelayLimits;
  /** What the remote makes us hold. */
  readonly held: MemoryHolder;
  /** Those in which the messages of all remotes are read. */
  readonly reading: Pick<WorkTurns, 'isOver' | 'next'>;
  /** Whether the NIP-11 document says that nothing goes without NIP-42. */
  readonly authRequired: boolean;
};

/** How often it is looked whether what was sent has left. */
const sendPollMs = 100;
/** Times that one question is asked again after "slow down", or "too many subscriptions". */
const pausesMax = 5;
/** What a remote that has too many subscriptions is given to notice that some were closed. */
const tooManyPauseMs = 1_000;

/**
 * One open connection to a remote. Whatever it is asked goes through `request`, `subscribe` or `negotiate`, which wait
 * while it wants us to be quiet, and tell how it ended. What it sends is read in order, at the pace at which admission
 * takes events.
 */
export class Peer {
  readonly relay: string;
  readonly handlers: SocketHandlers;
  readonly capacity: PeerCapacity;
  readonly #parts: PeerParts;
  readonly #frames: FrameQueue;
  readonly #authentication: Authentication;
  readonly #behaviour: PeerBehaviour;
  readonly #channels: Channels;
  readonly #reader: MessageReader;
  readonly #questions: QuestionParts;
  #socket: RelaySocket | undefined;
  #ended: { readonly error: TransportError | undefined } | undefined;
  #denial: AccessDeniedError | undefined;
  /** Where the remote is known to want it: resolves when we have authenticated, or tried to. */
  #entry: Promise<void> | undefined;

  constructor(parts: PeerParts) {
    this.relay = parts.relay;
    this.#parts = parts;
    this.#frames = new FrameQueue(parts.held.open());
    this.capacity = new PeerCapacity(parts);
    this.#behaviour = new PeerBehaviour({ ...parts, close: (error) => this.close(error) });
    this.#channels = new Channels({
      clock: parts.clock,
      isBehind: () => this.#frames.isBehind,
      send: (message) => this.#send(message),
    });
    this.#authentication = new Authentication({ ...parts, send: (message) => this.#send(message) });
    this.#reader = new MessageReader({
      ...parts,
      authentication: this.#authentication,
      behaviour: this.#behaviour,
      channels: this.#channels,
      adaptTo: (rejection) => this.#adaptTo(rejection),
    });
    this.#questions = {
      clock: parts.clock,
      channels: this.#channels,
      behaviour: this.#behaviour,
      onViolation: () => this.violation(),
    };
    this.handlers = {
      incoming: parts.held.open(),
      onMessage: (frame) => {
        if (this.isEnded) return;
        this.#behaviour.hear();
        parts.metrics.received(frame.length);
        this.#frames.push(frame);
      },
      onHeartbeat: () => {
        if (!this.isEnded) this.#behaviour.heartbeat();
      },
      onClosed: (error) => this.#end(error),
    };
  }

  /** What the remote makes us hold. */
  get held(): MemoryHolder {
    return this.#parts.held;
  }

  get limits(): RelayLimits {
    return this.capacity.limits;
  }

  /** Whether the remote answered anything that it was asked. */
  get hasAnswered(): boolean {
    return this.#behaviour.hasAnswered;
  }

  /** Whether the connection is over. */
  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Why the connection ended, if it did not end well. */
  get error(): TransportError | undefined {
    return this.#ended?.error;
  }

  /** Why the remote does not let us in, if it does not. */
  get denial(): AccessDeniedError | undefined {
    return this.#denial;
  }

  /** Bytes of messages that wait to be looked at. */
  get queuedBytes(): number {
    return this.#frames.bytes;
  }

  /** What has come of what catch-up asked for. */
  get progress(): Progress {
    return { ...this.#reader.caughtUp, isBehind: this.#frames.isBehind };
  }

  attach(socket: RelaySocket): void {
    this.#socket = socket;
    this.#frames.attach(socket);
  }

  /** Reads until the connection ends, or `signal` ends it; then all who asked something have been told. */
  async run(signal: AbortSignal): Promise<void> {
    using _ = onAbort(signal, () => {
      this.close();
      this.#reader.stop();
    });
    const ping = () => this.#socket?.ping();
    this.#behaviour.keepAlive(ping, () => this.#frames.isBehind);
    if (this.#parts.authRequired && this.#parts.identity !== undefined) {
      // Should it fail, the remote will say `auth-required:`, and it is dealt with there.
      this.#entry = this.#authentication.ensure().catch(() => {});
    }
    try {
      for (let frame = await this.#frames.next(); frame !== undefined; frame = await this.#frames.next()) {
        const { reading } = this.#parts;
        if (reading.isOver) await reading.next();
        // What came before the remote closed is looked at, and not what came before we did.
        if (signal.aborted || this.#socket === undefined) break;
        await this.#reader.take(frame);
      }
    } finally {
      this.close();
      this.#behaviour.stop();
      this.#authentication.end();
      this.#channels.end();
    }
  }

  /** Ends the connection. With an error, that is why. Only the first call does anything. */
  close(error?: TransportError): void {
    this.#end(error);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** Asks for stored events until EOSE, in its turn among the requests. Rejects with the signal's reason. */
  async request(
    filters: readonly Filter[],
    listener: RequestListener,
    signal: AbortSignal,
  ): Promise<RequestOutcome> {
    const ask = () => runRequest(this.#questions, filters, listener, signal);
    return await this.capacity.requests.use(signal, async () => await this.#retrying(signal, ask));
  }

  /**
   * Asks for what is new and matches; what is stored is not asked for. `undefined` when the connection ended. Rejects
   * with the signal's reason.
   */
  async subscribe(
    filters: readonly Filter[],
    listener: SubscriptionListener,
    signal: AbortSignal,
  ): Promise<Subscription | undefined> {
    if (!(await this.#ready(signal))) return undefined;
    return openSubscription(this.#questions, filters, listener, (rejection) => this.#adaptTo(rejection));
  }

  /** Reconciles (NIP-77), message by message, until nothing is left to ask. Rejects with the signal's reason. */
  async negotiate(negotiator: Negotiator, signal: AbortSignal): Promise<PeerOutcome> {
    const ready = async () => await this.#ready(signal);
    const ask = () => runNegotiation(this.#questions, negotiator, ready, signal);
    return await this.#retrying(signal, ask);
  }

  /** Tells the remote who we are (NIP-42). One that does not take it does not let us in: the connection ends. */
  async authenticate(): Promise<void> {
    await this.#authentication.ensure().catch((error) => this.#deny(error));
  }

  /** The message that is being looked at answers nothing, or is not what was asked for. Too much of that ends the connection. */
  violation(): void {
    this.#reader.violation();
  }

  /** Asks again after "slow down", when there were too many subscriptions, and once after authentication. */
  async #retrying<Outcome extends RequestOutcome>(
    signal: AbortSignal,
    ask: () => Promise<Outcome>,
  ): Promise<Outcome | PeerOutcome> {
    let pauses = 0;
    let isAuthenticated = false;
    for (;;) {
      if (!(await this.#ready(signal))) return { type: 'gone' };
      const outcome = await ask();
      if (outcome.type !== 'rejected') return outcome;
      const { rejection, reason } = outcome;
      if (rejection.type === 'auth') {
        if (isAuthenticated) this.#deny(new AccessDeniedError(this.relay, reason));
        else await this.authenticate();
        isAuthenticated = true;
      } else if (rejection.type === 'slow-down' || rejection.type === 'too-many-subscriptions') {
        pauses += 1;
        if (pauses > pausesMax) return { type: 'overloaded' };
        this.#adaptTo(rejection);
        if (rejection.type !== 'slow-down') await this.#parts.clock.sleep(tooManyPauseMs, signal);
      } else {
        return outcome;
      }
    }
  }

  /** Whether there was something to do about it, so that the same may be asked again at once. */
  #adaptTo({ type }: Rejection): boolean {
    if (type === 'too-many-subscriptions') return this.capacity.tighten('subscriptions', this.#channels.size);
    if (type === 'too-many-filters') return this.capacity.tighten('filters', this.#channels.size);
    if (type === 'slow-down') this.#behaviour.slowDown();
    return type === 'slow-down';
  }

  /** Waits until the remote may be asked something; false when the connection ended. */
  async #ready(signal: AbortSignal): Promise<boolean> {
    await this.#entry;
    for (;;) {
      signal.throwIfAborted();
      if (this.isEnded) return false;
      const { pauseMs } = this.#behaviour;
      const isBusy = (this.#socket?.bufferedBytes ?? 0) > limits.remoteSendBytesHigh;
      if (pauseMs <= 0 && !isBusy) return true;
      await this.#parts.clock.sleep(pauseMs > 0 ? pauseMs : sendPollMs, signal);
    }
  }

  #send(message: readonly unknown[]): void {
    if (this.isEnded) return;
    const frame = JSON.stringify(message);
    this.#parts.metrics.sent(frame.length);
    this.#socket?.send(frame);
  }

  /** The remote does not let us in: the connection ends, and the relay is left alone for a day. */
  #deny(error: unknown): void {
    if (error instanceof AccessDeniedError) this.#denial ??= error;
    this.close(new TransportError('policy', errorMessage(error), error));
  }

  #end(error: TransportError | undefined): void {
    this.#ended ??= { error };
    this.#frames.end();
  }
}
