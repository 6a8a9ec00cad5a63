import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Admission } from '../admission/admission.js';
import type { Verifier } from '../admission/verification/verifier.js';
import { limits } from '../config/limits.js';
import type { Kernels } from '../kernels/kernels.js';
import { withTimeLimit } from '../lib/abort.js';
import type { AddressAccounts } from '../lib/budgets/address-accounts.js';
import { MemoryBudget } from '../lib/budgets/memory-budget.js';
import type { CancelTimer, Clock } from '../lib/clock.js';
import type { Faults } from '../lib/faults.js';
import { turnOrder } from '../lib/turns/turn-order.js';
import { fixedSlice, TurnScheduler } from '../lib/turns/turn-scheduler.js';
import type { UpgradeRefusal } from '../lib/upgrade-refusal.js';
import type { EventStore } from '../store/event-store.js';
import type { LocalSets } from '../store/sets/local-sets.js';
import { ClientConnection, type ConnectionServices } from './client/client-connection.js';
import { NegentropySlots } from './client/negentropy-slots.js';
import { SubscriptionHub } from './delivery/subscription-hub.js';
import { BlockPool } from './frames/block-pool.js';
import { NextTickQueue } from './frames/next-tick-queue.js';
import type { RelayMetrics } from './relay-metrics.js';
import { memorySharesOf, type RelaySettings, setMemorySharesOf } from './settings.js';

/** What the relay stands on. */
export type RelayParts = {
  readonly admission: Pick<Admission, 'submit' | 'waitForCapacity' | 'hasCapacity' | 'feed'>;
  readonly store: Pick<EventStore, 'query' | 'countInTurns'>;
  readonly localSets: Pick<LocalSets, 'open' | 'isStanding' | 'makingBytes'>;
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayMetrics;
  readonly faults: Faults;
  /** What the clients of each address take. */
  readonly accounts: AddressAccounts;
  readonly verifier: Pick<Verifier, 'verify'>;
  /** Whether a relay URL is one of ours. */
  readonly isOwnUrl: (url: string) => boolean;
  readonly settings: RelaySettings;
};

const closingReason = 'error: the relay is shutting down';

/** The relay towards its clients. It listens nowhere itself: the HTTP service hands it the upgrade requests. */
export class RelayServer implements AsyncDisposable {
  readonly #parts: RelayParts;
  readonly #services: ConnectionServices;
  readonly #memory: MemoryBudget;
  readonly #hub: SubscriptionHub;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Set<ClientConnection>();
  #cancelCheck: CancelTimer;
  #closing: Promise<void> | undefined;

  constructor(parts: RelayParts) {
    const { admission, clock, settings } = parts;
    this.#parts = parts;
    this.#memory = new MemoryBudget(memorySharesOf(settings));
    parts.metrics.watchMemory(() => this.#memory.bytes);
    const slices = () =>
      new TurnScheduler(clock, fixedSlice(limits.requestSliceMs), turnOrder.of('clients'), (error) =>
        parts.faults.note('client', error),
      );
    const scheduler = slices();
    this.#hub = new SubscriptionHub({ ...parts, scheduler, feed: admission.feed });
    this.#services = {
      ...parts,
      hub: this.#hub,
      sending: { nextTick: new NextTickQueue(), blocks: new BlockPool() },
      memory: this.#memory,
      scheduler,
      reading: slices(),
      negentropySlots: new NegentropySlots(clock, settings.negentropySlots),
      negentropyMemory: new MemoryBudget(setMemorySharesOf(parts.kernels.memory())),
    };
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      autoPong: false,
      maxPayload: settings.messageBytesMax,
      maxFragments: limits.messageFragmentsMax,
      perMessageDeflate: settings.compression && { threshold: limits.compressionThresholdBytes },
    });
    this.#cancelCheck = this.#checkLater();
  }

  /** Bytes of memory that clients make the relay hold. */
  get memoryBytes(): number {
    return this.#memory.bytes;
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Takes an upgrade request to a WebSocket, or says why not; then the socket is left to the caller. */
  readonly handleUpgrade = (
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
    addressGroup: string,
  ): UpgradeRefusal | undefined => {
    const { metrics, settings } = this.#parts;
    if (this.#closing !== undefined) return { status: 503, reason: 'the relay is shutting down' };
    if (this.#connections.size >= (settings.connectionsMax ?? Number.POSITIVE_INFINITY)) {
      metrics.dropped.inc({ reason: 'full' });
      return { status: 503, reason: 'the relay has no room for more connections' };
    }
    let refusal: UpgradeRefusal | undefined;
    // Told within the call below, or not at all; without a listener ws would answer by itself, and without CORS.
    const onBadHandshake = (error: Error): void => {
      refusal = { status: 400, reason: error.message, headers: { 'Sec-WebSocket-Version': '13' } };
    };
    this.#sockets.once('wsClientError', onBadHandshake);
    try {
      this.#sockets.handleUpgrade(request, stream, head, (socket) =>
        this.#welcome(socket, stream, addressGroup),
      );
    } finally {
      this.#sockets.off('wsClientError', onBadHandshake);
    }
    return refusal;
  };

  #welcome(socket: WebSocket, stream: Duplex, addressGroup: string): void {
    const { metrics } = this.#parts;
    const connection = new ClientConnection(socket, stream, addressGroup, this.#services);
    this.#connections.add(connection);
    metrics.connections.inc();
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      metrics.connections.dec();
    });
  }

  /**
   * Takes no more connections, tells clients that their subscriptions end, answers the events in hand, and closes
   * every connection; what takes longer than the limit is cut. Never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const { clock, settings } = this.#parts;
    this.#cancelCheck();
    const ends = Promise.allSettled(Array.from(this.#connections, (client) => client.end(closingReason)));
    try {
      await withTimeLimit(clock, 'closing the connections', settings.closeMsMax, ends);
    } catch {
      const left = [...this.#connections];
      for (const connection of left) connection.terminate();
      await Promise.all(left.map((connection) => connection.closed));
    }
    this.#hub[Symbol.dispose]();
  }

  #checkLater(): CancelTimer {
    const { clock, settings } = this.#parts;
    return clock.after(Math.min(settings.pingIntervalMs, settings.sendStalledMsMax) / 6, () => {
      this.#cancelCheck = this.#checkLater();
      for (const connection of this.#connections) connection.check();
    });
  }
}
