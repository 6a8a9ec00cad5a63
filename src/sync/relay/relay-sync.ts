import { errorMessage } from '../../lib/errors.js';
import type { FailureClass } from '../../network/failure-class.js';
import { TransportError } from '../dial/transport.js';
import type { HostBudget } from '../hosts/host-budget.js';
import { type Dialled, dialPeer } from '../peer/dial-peer.js';
import { RemoteEventSubmitter } from '../peer/remote-event-submitter.js';
import type { Topic } from '../topics/layers.js';
import { RelayScope, type ScopeChanges } from '../topics/scope.js';
import {
  backOff,
  beginUpdate,
  type ConnectionState,
  connect,
  connected,
  disconnect,
  endUpdate,
  giveUp,
} from './connection.js';
import type { HealthEvent, RelayHealth } from './health.js';
import { watchStability } from './health.js';
import { RelayMemory } from './relay-memory.js';
import { type RelaySyncStatus, relaySyncStatus } from './relay-sync-status.js';
import { Session } from './session.js';
import type { SyncContext } from './sync-context.js';

/** One relay, for as long as it is tracked: keeps its connection, its health and its memory. */
export class RelaySync {
  readonly relay: string;
  readonly #context: SyncContext;
  readonly #isTrusted: boolean;
  readonly #memory: RelayMemory;
  readonly #scope: RelayScope;
  readonly #submitter: RemoteEventSubmitter;
  /** What this relay shares with the others of its host. */
  readonly #host: HostBudget;
  #health: RelayHealth;
  #state: ConnectionState;
  #session: Session | undefined;
  #dialled: Dialled | undefined;
  /** Whether it was dialled at least once. */
  #isMet = false;
  /** Why admission takes no more. */
  #failure: { readonly error: unknown } | undefined;

  constructor(context: SyncContext, relay: string, isTrusted: boolean) {
    this.relay = relay;
    this.#context = context;
    this.#isTrusted = isTrusted;
    this.#host = context.hosts.take(relay, isTrusted);
    const { held } = context;
    this.#memory = new RelayMemory({
      unserved: (forget) => held.ofUnserved(relay, isTrusted, forget),
      topics: (giveWay) => held.ofTopics(relay, isTrusted, giveWay),
      onCrowded: () => this.#leaveOutRoots(),
    });
    this.#health = context.health.start(relay, context.clock.monotonic(), context.random);
    this.#state = { type: 'backoff', until: this.#health.nextRetryAt };
    this.#scope = new RelayScope({ ...context, relay });
    this.#submitter = new RemoteEventSubmitter({
      ...context,
      relay,
      onFailure: (error) => this.#fail(error),
      onFailedEvents: (ids) => this.#leaveAlone(ids),
      // Checking signatures is what costs most; who forges them without end is not to keep others waiting for it.
      onForged: () => this.#dialled?.peer.violation(),
    });
    context.metrics.relays.track(relay, isTrusted);
    this.#showHealth();
  }

  get isConnected(): boolean {
    return this.#session !== undefined;
  }

  /** Whether it was connected to, and is not dead since. */
  get isEstablished(): boolean {
    return this.#health.lastSuccessAt !== undefined && !this.isDead;
  }

  get isDead(): boolean {
    return this.#health.status.type === 'dead';
  }

  get queuedBytes(): number {
    return this.#dialled?.peer.queuedBytes ?? 0;
  }

  status(): RelaySyncStatus {
    return relaySyncStatus(this.#context, {
      relay: this.relay,
      connection: this.#state,
      health: this.#health,
      memory: this.#memory,
      session: this.#session,
    });
  }

  /** Connects, and connects again, until `signal` ends it. Rejects when admission can take no more. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, metrics, hosts, dials } = this.#context;
    this.#prepare();
    try {
      while (!signal.aborted) {
        await clock.sleep(Math.max(0, this.#health.nextRetryAt - clock.monotonic()), signal);
        await dials.use(this.#host, this.#health, signal, async () => await this.#dial(signal));
        if (this.#dialled !== undefined) await this.#serve(this.#dialled, signal);
      }
    } finally {
      hosts.giveBack(this.relay, this.#isTrusted);
      metrics.relays.forget(this.relay);
      this.#memory[Symbol.dispose]();
    }
  }

  /** Takes topics that may be wanted of this relay only now, or no longer. */
  update(topics: readonly Topic[]): void {
    // Of a relay of which nothing is known, all that is wanted is asked for when it is connected.
    if (this.isConnected || !this.#memory.topics.isEmpty) this.#ask(this.#scope.follow(topics));
    this.#prepare();
  }

  /** Everything is caught up again, at once or when the relay is connected. */
  startDay(): void {
    this.#memory.startDay();
    this.#memory.topics.dayBegins(this.#scope.topics());
    this.#memory.countTopics();
    this.#session?.wakeUp();
  }

  /** Downloads ids; returns those that this relay did not serve, all of them when it is not connected. */
  async fetch(ids: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#session?.fetch(ids, signal)) ?? ids;
  }

  /**
   * Before this relay is dialled: our side is made ready if the operator gave the relay, which is then most likely one
   * for git collaboration. Later on it says itself what it is.
   */
  #prepare(): void {
    const { known, settings } = this.#context;
    if (!this.#isTrusted || this.#isMet || settings.negentropyDisabled) return;
    if (this.#scope.mayBeEverything) known.prepare();
  }

  async #dial(signal: AbortSignal): Promise<void> {
    const { clock, metrics, logger, settings } = this.#context;
    const target = { url: this.relay, trusted: this.#isTrusted };
    this.#isMet = true;
    this.#state = connect(this.#state, clock.monotonic());
    const held = this.#context.held.ofConnection(this.relay, this.#isTrusted);
    try {
      this.#dialled = await dialPeer({ ...this.#context, submitter: this.#submitter, held }, target, signal);
    } catch (error) {
      held[Symbol.dispose]();
      // Also when we gave up, so that names which come and go do not make us dial the host without a rest.
      this.#host.failed(clock.monotonic(), settings.backoffBaseMs);
      signal.throwIfAborted();
      this.#onConnectFailed(error instanceof TransportError ? error.failure : 'timeout');
      return;
    }
    this.#state = connected(this.#state, clock.monotonic());
    this.#host.connected();
    metrics.relays.attempted(this.relay, 'success');
    metrics.relays.setConnected(this.relay, true);
    logger.info({ relay: this.relay }, 'connected');
    this.#apply({ type: 'connected' });
  }

  #onConnectFailed(failure: FailureClass): void {
    const { clock, metrics, logger } = this.#context;
    metrics.relays.attempted(this.relay, 'failure');
    this.#lose({ type: 'connect-failed', failure });
    // That a relay is dead was said.
    if (this.isDead) return;
    const { nextRetryAt, consecutiveFailures } = this.#health;
    const backoffMs = Math.round(nextRetryAt - clock.monotonic());
    logger.warn({ relay: this.relay, attempt: consecutiveFailures, backoffMs, failure }, 'connect failed');
  }

  async #serve({ peer, information }: Dialled, signal: AbortSignal): Promise<void> {
    const { metrics, logger, settings } = this.#context;
    const isOffered = information?.supportsGrasp && !settings.negentropyDisabled;
    if (this.#scope.connected(isOffered)) this.#memory.forgetTopics();
    if (this.#scope.isEverything) this.#context.known.prepare();
    const session = new Session({
      context: this.#context,
      relay: this.relay,
      peer,
      submitter: this.#submitter,
      host: this.#host,
      memory: this.#memory,
      scope: this.#scope,
      onEverythingUnfit: (forMs) => this.#narrow(forMs),
      onUpdating: (isUpdating) => this.#onUpdating(isUpdating),
    });
    this.#session = session;
    const stopWatching = watchStability(this.#context.clock, peer, () => this.#apply({ type: 'stable' }));
    try {
      await session.run(signal);
    } catch (error) {
      // A fault of ours, set off by what this relay sent, is not to end the others.
      if (signal.aborted || this.#failure !== undefined) throw error;
      logger.error({ relay: this.relay, error: errorMessage(error) }, 'sync with relay broke off');
      peer.close(new TransportError('protocol', errorMessage(error), error));
    } finally {
      stopWatching();
      peer.close();
      peer.held[Symbol.dispose]();
      this.#session = undefined;
      this.#dialled = undefined;
      if (this.#memory.isCrowded) this.#memory.forgetTopics();
      metrics.relays.setConnected(this.relay, false);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    signal.throwIfAborted();
    const failure = peer.error?.failure;
    logger.info({ relay: this.relay, failure }, 'disconnected');
    this.#lose(peer.denial === undefined ? { type: 'disconnected', failure } : { type: 'denied' });
    if (peer.denial !== undefined) {
      logger.warn(
        { relay: this.relay, ...peer.denial.details },
        'relay does not let us in; tried again in a day',
      );
    }
  }

  /**
   * What the relay sends makes us fail, time and again: it is left alone for longer and longer, and those events until
   * another day, so that the next catch-up gets past them.
   */
  #leaveAlone(failed: readonly string[]): void {
    for (const id of failed) this.#memory.unserved.add(id);
    this.#context.logger.error({ relay: this.relay }, 'relay is let go, for we fail at what it sends');
    this.#dialled?.peer.close(new TransportError('protocol', 'it sends events that we fail at'));
  }

  /** There is no room for all its topics: it is asked about repositories alone for a while, on another connection. */
  #leaveOutRoots(): void {
    this.#context.logger.warn({ relay: this.relay }, 'relay is not asked about roots: too many topics');
    this.#scope.leaveOutRoots(this.#context.settings.dailyIntervalMs);
    if (this.#dialled === undefined) this.#memory.forgetTopics();
    else this.#dialled.peer.close(new TransportError('policy', 'too many topics'));
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#dialled?.peer.close();
  }

  /** Changes what the relay is asked about. */
  #ask({ added, removed }: ScopeChanges): void {
    const ended = this.#memory.topics.unwant(removed);
    this.#memory.topics.want(added);
    this.#memory.countTopics();
    this.#session?.wakeUp(ended);
  }

  /** Everything is asked for no longer, but the layers are. */
  #narrow(forMs: number): void {
    if (!this.#scope.isEverything) return;
    this.#context.logger.info({ relay: this.relay }, 'relay is not to be asked for everything');
    this.#session?.wakeUp(this.#memory.topics.unwant(this.#scope.narrow(forMs).removed));
    this.#session?.askAnew();
  }

  /** → Disconnected → Backoff | Dead, as health has it. */
  #lose(event: HealthEvent): void {
    const { clock } = this.#context;
    this.#state = disconnect(this.#state, clock.monotonic());
    this.#apply(event);
    const { nextRetryAt } = this.#health;
    this.#state = this.isDead ? giveUp(this.#state, nextRetryAt) : backOff(this.#state, nextRetryAt);
  }

  #apply(event: HealthEvent): void {
    const { health, clock, random, logger } = this.#context;
    const now = clock.monotonic();
    this.#health = health.next(this.#health, event, now, random);
    this.#showHealth();
    if (this.isDead && event.type !== 'connected') {
      const failingMs = Math.round(now - (this.#health.failingSince ?? now));
      logger.error({ relay: this.relay, failingMs }, 'relay dead');
    }
  }

  #showHealth(): void {
    this.#context.metrics.relays.setHealth(
      this.relay,
      this.#health.status.type,
      this.#health.consecutiveFailures,
    );
  }

  #onUpdating(isUpdating: boolean): void {
    if (isUpdating && this.#state.type === 'connected') this.#state = beginUpdate(this.#state);
    else if (!isUpdating && this.#state.type === 'updating') this.#state = endUpdate(this.#state);
  }
}
