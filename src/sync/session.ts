import { BatchTurns } from './batch-turn.js';
import { CatchupLoop } from './catchup-loop.js';
import { Downloader } from './download.js';
import type { OrderListener } from './download-order.js';
import type { HostBudget } from './host-budget.js';
import type { Inlet } from './inlet.js';
import { everythingTopic, type Topic } from './layers.js';
import { LiveSync } from './live.js';
import { NegentropyProbe } from './negentropy-probe.js';
import type { Peer } from './peer.js';
import { PeerMissing } from './peer-missing.js';
import type { RelayMemory } from './relay-memory.js';
import { RunLogs } from './run-logs.js';
import type { RelayScope } from './scope.js';
import type { SyncContext } from './sync-context.js';
import { TaskGroup } from './tasks.js';

export type SessionParts = {
  readonly context: SyncContext;
  readonly relay: string;
  readonly peer: Peer;
  readonly inlet: Inlet;
  readonly host: HostBudget;
  readonly memory: RelayMemory;
  readonly scope: RelayScope;
  /** What became of an id that everything brought (scope.ts). */
  readonly onEverythingOutcome: (id: string, isWanted: boolean) => void;
  /** The relay does not take the question for everything. */
  readonly onEverythingRefused: () => void;
  readonly onUpdating: (isUpdating: boolean) => void;
};

/** What happens on one connection: live subscriptions first, then, for all that they cover, catch-up, batch by batch. */
export class Session {
  readonly #scope: RelayScope;
  readonly #peer: Peer;
  readonly #live: LiveSync;
  readonly #downloader: Downloader;
  readonly #catchup: CatchupLoop;
  readonly #peerMissing: PeerMissing;
  readonly #logs: RunLogs;

  constructor(sessionParts: SessionParts) {
    const { context, relay, peer, inlet, host, memory, scope, onUpdating } = sessionParts;
    const { onEverythingOutcome, onEverythingRefused } = sessionParts;
    this.#scope = scope;
    this.#peer = peer;
    const heard = { onEverythingOutcome, onEverythingRefused };
    const parts = { ...context, relay, peer, inlet, memory, scope, ...heard };
    this.#peerMissing = new PeerMissing(relay, context.store, context.filters);
    this.#logs = new RunLogs(parts);
    this.#downloader = new Downloader(parts);
    const probe = new NegentropyProbe({ ...context, memory });
    const batchParts = { ...parts, probe, downloader: this.#downloader, peerMissing: this.#peerMissing };
    this.#catchup = new CatchupLoop({
      context,
      memory,
      scope,
      turns: new BatchTurns({ context, relay, host, parts: batchParts, logs: this.#logs }),
      logs: this.#logs,
      peerMissing: this.#peerMissing,
    });
    this.#live = new LiveSync({
      ...parts,
      ledger: memory.ledger,
      kinds: memory.liveKinds,
      onRefused: (topics) => {
        if (topics.includes(everythingTopic)) onEverythingRefused();
      },
      onSettled: (topics) => this.#catchup.settle(topics),
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
    return this.#live.uncovered;
  }

  get queuedDownloads(): number {
    return this.#downloader.queued;
  }

  /** Works until the connection or `signal` ends. Rejects only when we ourselves failed. */
  async run(signal: AbortSignal): Promise<void> {
    const tasks = new TaskGroup(signal);
    this.#live.add(this.#scope.topics());
    tasks.spawn(async (inner) => {
      await this.#peer.run(inner);
      tasks.cancel();
    });
    for (const part of [this.#live, this.#downloader, this.#catchup]) {
      tasks.spawn(async (inner) => await this.#runPart(part, inner));
    }
    try {
      await tasks.join();
    } finally {
      await this.#peerMissing.settled();
      this.#logs.interrupt();
    }
  }

  /** Takes changes of what the relay is to be asked about. */
  update(added: readonly Topic[], removed: readonly Topic[]): void {
    this.#catchup.forget(removed);
    this.#live.remove(removed);
    this.#live.add(added);
  }

  /** Something was put into the queue of catch-up. */
  wakeUp(): void {
    this.#catchup.wakeUp();
  }

  /** Downloads ids outside of any catch-up; returns those that the relay does not serve. */
  async fetch(ids: readonly string[], signal: AbortSignal): Promise<string[]> {
    const unserved: string[] = [];
    const listener: OrderListener = {
      source: 'catchup',
      onEvent: () => {},
      onUnserved: (id) => unserved.push(id),
    };
    await this.#downloader.withOrder(listener, signal, async (order) => {
      await order.add(ids);
      await order.finish(signal);
    });
    return unserved;
  }

  /** The connection's end, and the remote's refusal to let us in, end a part; they are no fault of ours. */
  async #runPart(part: { run(signal: AbortSignal): Promise<void> }, signal: AbortSignal): Promise<void> {
    try {
      await part.run(signal);
    } catch (error) {
      this.#peer.refuse(error);
      if (!this.#peer.isEnded) throw error;
    }
  }
}
