import { limits } from '../../config/limits.js';
import { pieces } from '../../lib/collections/lists.js';
import { TaskGroup } from '../../lib/task-group.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { CatchupLoop } from '../catchup/catchup-loop.js';
import { NegentropyProbe } from '../catchup/negentropy-probe.js';
import { PeerMissing } from '../catchup/peer-missing.js';
import type { FetchListener } from '../fetch/fetch-job.js';
import { Fetcher } from '../fetch/fetcher.js';
import type { HostBudget } from '../hosts/host-budget.js';
import { LiveSync } from '../live/live.js';
import type { Peer } from '../peer/peer.js';
import type { RemoteEventSubmitter } from '../peer/remote-event-submitter.js';
import { RunLogs } from '../report/run-log.js';
import { everythingTopic, type Topic } from '../topics/layers.js';
import type { RelayScope } from '../topics/scope.js';
import type { CatchupBatch } from '../topics/topic-state.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { RelayMemory } from './relay-memory.js';
import type { SyncContext } from './sync-context.js';

export type SessionParts = {
  readonly context: SyncContext;
  readonly relay: string;
  readonly peer: Peer;
  readonly submitter: RemoteEventSubmitter;
  readonly host: HostBudget;
  readonly memory: RelayMemory;
  readonly scope: RelayScope;
  /** Everything cannot be asked of the relay, or is not worth it, for so long. */
  readonly onEverythingUnfit: (forMs: number) => void;
  readonly onUpdating: (isUpdating: boolean) => void;
};

/** What happens on one connection: live subscriptions first, then, for all that they cover, catch-up, batch by batch. */
export class Session {
  readonly #scope: RelayScope;
  readonly #topics: TopicTable;
  readonly #peer: Peer;
  readonly #live: LiveSync;
  readonly #fetcher: Fetcher;
  readonly #catchup: CatchupLoop;
  readonly #peerMissing: PeerMissing;
  readonly #logs: RunLogs;
  readonly #turns: WorkTurns;
  readonly #memory: RelayMemory;
  #tasks: TaskGroup | undefined;

  constructor(sessionParts: SessionParts) {
    const { context, relay, peer, submitter, host, memory, scope, onUpdating, onEverythingUnfit } =
      sessionParts;
    this.#scope = scope;
    this.#peer = peer;
    this.#turns = context.turns;
    this.#memory = memory;
    const parts = { ...context, relay, peer, submitter, memory, scope, onEverythingUnfit };
    this.#peerMissing = new PeerMissing(relay, context.store, context.directory);
    this.#logs = new RunLogs(parts);
    this.#fetcher = new Fetcher(parts);
    const probe = new NegentropyProbe({ ...context, memory });
    this.#catchup = new CatchupLoop({
      ...parts,
      host,
      topics: memory.topics,
      probe,
      fetcher: this.#fetcher,
      logs: this.#logs,
      peerMissing: this.#peerMissing,
    });
    this.#topics = memory.topics;
    this.#live = new LiveSync({
      ...parts,
      topics: memory.topics,
      kinds: memory.liveKinds,
      onRejected: ({ topics }) => {
        if (topics.includes(everythingTopic)) onEverythingUnfit(context.settings.dailyIntervalMs);
      },
      onDue: () => this.#catchup.wakeUp(),
      onUpdating,
    });
  }

  get liveFilters(): number {
    return this.#live.filters;
  }

  get liveSubscriptions(): number {
    return this.#live.subscriptions;
  }

  get uncoveredTopics(): number {
    return this.#topics.live.uncovered.size;
  }

  get queuedDownloads(): number {
    return this.#fetcher.queued;
  }

  /** Works until the connection or `signal` ends. Rejects only when we ourselves failed. */
  async run(signal: AbortSignal): Promise<void> {
    const tasks = new TaskGroup(signal);
    this.#tasks = tasks;
    tasks.spawn(async (inner) => {
      await this.#peer.run(inner);
      tasks.cancel();
    });
    tasks.spawn(async (inner) => {
      for (let isTold = false; !isTold; )
        isTold = await this.#tell((piece) => this.#topics.connected(piece), inner);
      for (const part of [this.#live, this.#fetcher, this.#catchup])
        tasks.spawn(async () => await this.#runPart(part, inner));
    });
    try {
      await tasks.join();
    } finally {
      await this.#peerMissing.settled();
      if (!signal.aborted) await this.#end();
      this.#logs.interrupt();
    }
  }

  /** Other topics are asked about from now on. */
  askAnew(): void {
    const take = (piece: readonly Topic[]) => {
      this.#topics.want(piece);
      this.wakeUp();
    };
    this.#tasks?.spawn(async (signal) => void (await this.#tell(take, signal)));
  }

  /** Tells of all that is wanted, in as many turns as that takes; false where something else is asked for by then. */
  async #tell(take: (piece: readonly Topic[]) => void, signal: AbortSignal): Promise<boolean> {
    const { isEverything } = this.#scope;
    for (const piece of pieces(this.#scope.topics(), limits.syncTopicsPerPieceMax)) {
      signal.throwIfAborted();
      take(piece);
      this.#memory.countTopics();
      if (this.#turns.isOver) await this.#turns.next(signal);
      if (this.#scope.isEverything !== isEverything) return false;
    }
    return true;
  }

  /** Tells the table of the end of the connection, likewise. */
  async #end(): Promise<void> {
    for (const piece of pieces(this.#topics.known, limits.syncTopicsPerPieceMax)) {
      this.#topics.disconnected(piece);
      if (this.#turns.isOver) await this.#turns.next();
    }
  }

  /** What is wanted has changed, or something became due; nothing is wanted any more of these batches. */
  wakeUp(ended: readonly CatchupBatch[] = []): void {
    this.#catchup.wakeUp(ended);
    this.#live.wakeUp();
  }

  /** Fetches ids outside of any catch-up; returns those that the relay does not serve. */
  async fetch(ids: readonly string[], signal: AbortSignal): Promise<string[]> {
    const unserved: string[] = [];
    const listener: FetchListener = {
      source: 'catchup',
      onEvent: () => {},
      onUnserved: (id) => unserved.push(id),
    };
    using job = this.#fetcher.begin(listener, signal);
    await job.add(ids);
    await job.finish();
    return unserved;
  }

  /** The end of the connection ends a part; that is no fault of ours. */
  async #runPart(part: { run(signal: AbortSignal): Promise<void> }, signal: AbortSignal): Promise<void> {
    try {
      await part.run(signal);
    } catch (error) {
      if (!this.#peer.isEnded) throw error;
    }
  }
}
