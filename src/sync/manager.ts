import type { AcceptedEvent } from '../admission/admission.js';
import { backgroundTurns } from '../config/background-turns.js';
import { onAbort } from '../lib/abort.js';
import { TaskGroup } from '../lib/task-group.js';
import type { TurnScheduler } from '../lib/turns/turn-scheduler.js';
import { normaliseRelayUrl, type OwnService } from '../nostr/relay-url.js';
import { KnownSet } from '../store/sets/known-set.js';
import { InFlightIds } from './fetch/in-flight.js';
import { WantedIds } from './fetch/wanted-ids.js';
import { HeldMemory } from './held-memory.js';
import { DialGates } from './hosts/dial-gates.js';
import { HostBudgets } from './hosts/host-budget.js';
import { Transfers } from './hosts/transfers.js';
import { DailySchedule } from './relay/daily-schedule.js';
import { RelayHealthTracker } from './relay/health.js';
import { RelaySync } from './relay/relay-sync.js';
import type { RelaySyncStatus } from './relay/relay-sync-status.js';
import type { SyncContext, SyncPorts } from './relay/sync-context.js';
import { deliverChanges, type TopicReader } from './relay/topic-delivery.js';
import { type CatchupProgress, type CatchupState, FirstCatchup } from './report/first-catchup.js';
import { StrangersLogger } from './report/logger.js';
import { StoredLater } from './report/run-log.js';
import { Discovery } from './topics/discovery.js';
import { FilterService } from './topics/filter-service.js';
import { StoredTopics } from './topics/stored-topics.js';

export type SyncOptions = SyncPorts & {
  readonly ownService: OwnService;
};

/** For readiness and diagnostics. */
export type SyncStatus = {
  /** The stored announcements and roots were read: the list of relays is known. */
  readonly isLoaded: boolean;
  readonly repositories: number;
  readonly roots: number;
  readonly relays: readonly RelaySyncStatus[];
};

type Running = TopicReader & { readonly sync: RelaySync; readonly stop: AbortController };

/**
 * Proactive sync (GRASP-02, docs/sync.md): follows the stored announcements, keeps one connection to each relay that
 * they name, and brings what those relays hold about the repositories that we serve.
 */
export class SyncManager {
  readonly #context: SyncContext;
  /** The same for relays that events name. */
  readonly #strangersContext: SyncContext;
  readonly #discovery: Discovery;
  readonly #topics: StoredTopics;
  readonly #wanted: WantedIds;
  readonly #daily: DailySchedule;
  readonly #relays = new Map<string, Running>();
  readonly #turns: TurnScheduler;
  readonly #firstCatchup: FirstCatchup;
  #isHeld = false;
  /** Makes the relays follow, while it runs. */
  #followAgain: () => void = () => {};

  /** Throws `InvalidRelayUrlError` when a bootstrap URL is none. */
  constructor(options: SyncOptions) {
    const bootstrapRelays = options.settings.bootstrapRelays.map(normaliseRelayUrl);
    this.#discovery = new Discovery({
      ownService: options.ownService,
      bootstrapRelays,
      relaysMax: options.settings.relaysMax,
    });
    this.#turns = backgroundTurns(options.clock, 'care');
    const filters = new FilterService({
      discovery: this.#discovery,
      directory: options.directory,
      turns: this.#turns,
    });
    this.#topics = new StoredTopics({ ...options, filters, windowMs: options.settings.batchWindowMs });
    this.#context = {
      ...options,
      filters,
      turns: this.#turns,
      health: new RelayHealthTracker(options.settings),
      inFlight: new InFlightIds(),
      known: new KnownSet(options.store, options.refused, options.kernels),
      hosts: new HostBudgets(),
      held: new HeldMemory(),
      reading: backgroundTurns(options.clock, 'catch-up'),
      dials: new DialGates(options.clock),
      transfers: new Transfers(options.clock),
      later: new StoredLater(options),
    };
    const logger = new StrangersLogger(options.logger, options.clock);
    this.#strangersContext = { ...this.#context, logger };
    this.#wanted = new WantedIds({ ...this.#context, connected: () => this.#connected() });
    this.#firstCatchup = new FirstCatchup(options, () => this.#catchupState());
    this.#daily = new DailySchedule(options.clock, options.settings);
    options.metrics.watch({
      tracked: () => this.#relays.size,
      connected: () => this.#sum((sync) => Number(sync.isConnected)),
      dead: () => this.#sum((sync) => Number(sync.isDead)),
      queuedBytes: () => this.#sum((sync) => sync.queuedBytes),
      heldBytes: () => this.#context.held.bytes,
      queuedTopics: () => this.#sum((sync) => sync.status().queuedTopics),
      queuedDownloads: () => this.#sum((sync) => sync.status().queuedDownloads),
      liveFilters: () => this.#sum((sync) => sync.status().liveFilters),
    });
  }

  status(): SyncStatus {
    const { filters } = this.#context;
    return {
      isLoaded: this.#topics.isLoaded,
      repositories: filters.repositories,
      roots: filters.roots.size,
      relays: [...this.#relays.values()].map(({ sync }) => sync.status()),
    };
  }

  /**
   * Syncs until `signal` ends it; when this resolves, every connection, timer and listener is released. Rejects when
   * the store or admission failed.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { admission, metrics, later } = this.#context;
    const tasks = new TaskGroup(signal);
    const stopCounting = admission.feed.onAccepted(({ stored, source }: AcceptedEvent) => {
      if (!stored) return;
      metrics.stored(source);
      later.stored(source.type);
      this.#firstCatchup.stored(source.type);
    });
    const stopWanting = admission.onWanted((ids, cause) => this.#wanted.add(ids, cause));
    try {
      this.#followAgain = () => this.#topics.isLoaded && this.#follow(tasks);
      tasks.spawn(async (inner) => {
        await this.#topics.run(inner, async () => {
          this.#follow(tasks);
          await deliverChanges(this.#context.filters.takeChanges(), this.#relays, this.#turns, inner);
        });
      });
      tasks.spawn(async (inner) => await this.#topics.readOn(inner));
      tasks.spawn(async (inner) => await this.#wanted.run(inner));
      tasks.spawn(async (inner) => await later.run(inner));
      tasks.spawn(async (inner) => await this.#firstCatchup.run(inner));
      await tasks.join();
    } finally {
      this.#followAgain = () => {};
      stopWanting();
      stopCounting();
    }
  }

  /**
   * Held, it has no connection, for nothing that came could be stored; it goes on knowing what is to be asked for. Let
   * go, it connects and catches up.
   */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#followAgain();
  }

  /** Asks about repositories as we stand to them now, after the rules of serving changed. */
  async follow(addresses: Iterable<string>): Promise<void> {
    await this.#topics.follow(addresses, this.#turns);
  }

  /** The operator names other relays to begin with: they are followed, and asked about everything; others no longer for that. */
  async beginWith(relays: readonly string[]): Promise<void> {
    const before = this.#discovery.bootstrap;
    this.#discovery.beginWith(relays.map(normaliseRelayUrl));
    const { bootstrap } = this.#discovery;
    // One that events name as well begins anew, trusted or no longer.
    for (const [relay, { stop }] of this.#relays)
      if (before.has(relay) !== bootstrap.has(relay)) stop.abort();
    await this.#topics.askAnew(this.#turns);
    this.#followAgain();
  }

  /** Catches up with all relays from the beginning. */
  catchUpWithAll(): void {
    for (const { sync } of this.#relays.values()) sync.startDay();
  }

  /** Catches up with a relay from the beginning, as once a day; answers whether it is followed. */
  catchUp(relay: string): boolean {
    const running = this.#relays.get(relay);
    running?.sync.startDay();
    return running !== undefined;
  }

  /** How far the first catch-up since the start is. */
  firstCatchup(): CatchupProgress {
    return this.#firstCatchup.progress();
  }

  /** Since when everything of a relay is here, in wall-clock seconds; `undefined` where that cannot be said. */
  completeSince(relay: string): number | undefined {
    return this.#relays.get(relay)?.sync.status().lastCompleteAt;
  }

  /** Whether the last dial of a relay at that host failed, so that whatever else is there has no hurry. */
  isFailing(host: string): boolean {
    return this.#context.hosts.hasFailed(host);
  }

  /** Makes the relays those that are named by what is stored: new ones begin, unnamed ones end. */
  #follow(tasks: TaskGroup): void {
    const tracked = this.#tracked();
    for (const [relay, running] of this.#relays) if (!tracked.has(relay)) running.stop.abort();
    for (const relay of tracked) if (!this.#relays.has(relay)) this.#begin(relay, tasks);
  }

  #tracked(): Set<string> {
    if (this.#isHeld) return new Set();
    return this.#discovery.tracked((relay) => this.#relays.get(relay)?.sync.isEstablished === true);
  }

  /** Looks at all relays only where this one is named. */
  #isTracked(relay: string): boolean {
    const isNamed = this.#discovery.bootstrap.has(relay) || this.#discovery.isNamed(relay);
    return isNamed && this.#tracked().has(relay);
  }

  #begin(relay: string, tasks: TaskGroup): void {
    const isTrusted = this.#discovery.bootstrap.has(relay);
    const context = isTrusted ? this.#context : this.#strangersContext;
    const sync = new RelaySync(context, relay, isTrusted);
    const stop = new AbortController();
    this.#relays.set(relay, { sync, stop, update: (topics) => sync.update(topics) });
    tasks.spawn(async (signal) => {
      using _ = onAbort(signal, (reason) => stop.abort(reason));
      const cancelDaily = this.#daily.add(relay, () => sync.startDay());
      try {
        await sync.run(stop.signal);
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      } finally {
        cancelDaily();
        this.#relays.delete(relay);
      }
      // It may have been named again while it was ending.
      if (!signal.aborted && this.#isTracked(relay)) this.#begin(relay, tasks);
    });
  }

  /** The connected relays, those of the operator first. */
  #connected(): RelaySync[] {
    const connected = [...this.#relays.values()].map(({ sync }) => sync).filter((sync) => sync.isConnected);
    const { bootstrap } = this.#discovery;
    return connected.sort((a, b) => Number(bootstrap.has(b.relay)) - Number(bootstrap.has(a.relay)));
  }

  #catchupState(): CatchupState {
    const relays = this.status().relays;
    const isComplete = ({ lastCompleteAt }: RelaySyncStatus) => lastCompleteAt !== undefined;
    const isUnreachable = ({ connection }: RelaySyncStatus) => ['backoff', 'dead'].includes(connection);
    return {
      tracked: relays.length,
      connected: this.#sum((sync) => Number(sync.isConnected)),
      complete: relays.filter(isComplete).length,
      isOver: relays.length > 0 && relays.every((relay) => isComplete(relay) || isUnreachable(relay)),
      waiting: this.#sum((sync) => sync.status().queuedDownloads),
    };
  }

  #sum(of: (sync: RelaySync) => number): number {
    let sum = 0;
    for (const { sync } of this.#relays.values()) sum += of(sync);
    return sum;
  }
}
