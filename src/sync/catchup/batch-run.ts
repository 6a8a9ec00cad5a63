import type { AdmissionOutcome } from '../../admission/admission.js';
import { exceeds, reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import { allEnded, TaskGroup } from '../../lib/task-group.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import type { EventStore } from '../../store/event-store.js';
import { BatchUnwantedError, PeerGoneError, PeerOverloadedError } from '../errors.js';
import type { FetchJob, FetchListener, IdFetcher } from '../fetch/fetch-job.js';
import type { Peer } from '../peer/peer.js';
import type { RemoteEventSubmitter } from '../peer/remote-event-submitter.js';
import type { SyncMetrics } from '../report/metrics.js';
import type { RunLog } from '../report/run-log.js';
import type { SyncSettings } from '../settings.js';
import { announcementKinds, announcementsTopic, filtersOf } from '../topics/layers.js';
import type { RelayScope } from '../topics/scope.js';
import type { CatchupBatch } from '../topics/topic-state.js';
import type { CatchupMemory } from './catchup-memory.js';
import {
  type CatchupTask,
  divide,
  type FilterCatchup,
  hasSessions,
  type NegentropyResult,
  startCatchup,
  takeResult,
  takeTask,
  withoutNegentropy,
} from './filter-catchup.js';
import { isGap } from './gaps.js';
import { evenCuts, LocalSide, type LocalSideParts } from './local-side.js';
import { type NegentropySink, reconcile } from './negentropy.js';
import { learn, type NegentropyProbe, type Opening } from './negentropy-probe.js';
import { mergeHabits, PageReader, untilFor } from './page-reader.js';
import {
  learnHabits,
  nextPage,
  type Paging,
  type PagingLimits,
  shrinkPages,
  startPaging,
  takePage,
} from './paging.js';
import type { PeerMissing } from './peer-missing.js';

export type BatchParts = LocalSideParts & {
  readonly peer: Peer;
  readonly store: EventStore;
  readonly metrics: SyncMetrics;
  readonly clock: Clock;
  readonly memory: CatchupMemory;
  readonly topics: Parameters<typeof isGap>[2];
  readonly submitter: RemoteEventSubmitter;
  readonly fetcher: IdFetcher;
  readonly probe: NegentropyProbe;
  readonly settings: SyncSettings;
  readonly peerMissing: PeerMissing;
  readonly scope: RelayScope;
  /** See `SessionParts`. */
  readonly onEverythingUnfit: (forMs: number) => void;
};

/** What all pieces of a filter work with. */
type FilterWork = { readonly job: FetchJob; readonly local: LocalSide };

/** Local records above which a filter is divided between the sessions that a remote allows. */
const divideRecordsMin = 4_096;

/**
 * Catches up with one batch of topics on one remote: each of its filters by negentropy, or in pages. When `run`
 * resolves, everything that the remote served of it has its outcome; when it rejects, the batch is not done.
 */
export class BatchRun {
  readonly #parts: BatchParts;
  readonly #batch: CatchupBatch;
  readonly #log: RunLog;
  /** Requests that were made, for the pace. */
  requests = 0;
  /** How often a stretch of everything was too much at once. */
  #divisions = 0;

  constructor(parts: BatchParts, batch: CatchupBatch, log: RunLog) {
    this.#parts = parts;
    this.#batch = batch;
    this.#log = log;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { layer, topics } = this.#batch;
    // What all else hangs on comes first: what the layers had asked for already, and the announcements.
    if (layer === 'everything') {
      await this.#parts.fetcher.asked();
      for (const filter of filtersOf('announcements', [announcementsTopic]))
        await this.#catchUp(filter, signal);
    }
    await allEnded(filtersOf(layer, topics).map((filter) => this.#catchUp(filter, signal)));
  }

  async #catchUp(filter: Filter, signal: AbortSignal): Promise<void> {
    using job = this.#parts.fetcher.begin(this.#listener(), signal);
    using local = new LocalSide(this.#parts);
    const begun = await this.#begin(filter, local, signal);
    await this.#runTasks(begun, { job, local }, signal);
    await job.finish();
  }

  async #begin(filter: Filter, local: LocalSide, signal: AbortSignal): Promise<FilterCatchup> {
    const { since } = this.#batch;
    if (!this.#parts.probe.canTry) return startCatchup(filter, since, 'paging');
    return await this.#divided(startCatchup(filter, since, 'negentropy'), local, signal);
  }

  /** Runs what is pending, as many sessions at once as the remote takes, until nothing is. */
  async #runTasks(begun: FilterCatchup, work: FilterWork, signal: AbortSignal): Promise<void> {
    let catchup = begun;
    const change = (by: (catchup: FilterCatchup) => FilterCatchup) => {
      catchup = by(catchup);
      // Pages take long, and memory is short.
      if (!hasSessions(catchup)) work.local[Symbol.dispose]();
    };
    let running = 0;
    const tasks = new TaskGroup(signal);
    const begin = () => {
      while (running < this.#parts.peer.limits.negentropySessions) {
        const next = takeTask(catchup);
        if (next === undefined) return;
        catchup = next.rest;
        running += 1;
        tasks.spawn(async (inner) => {
          await this.#runTask(next.task, work, inner, change);
          running -= 1;
          begin();
        });
      }
    };
    begin();
    await tasks.join();
  }

  async #runTask(
    task: CatchupTask,
    work: FilterWork,
    signal: AbortSignal,
    change: (by: (catchup: FilterCatchup) => FilterCatchup) => void,
  ): Promise<void> {
    if (task.method === 'paging') {
      if (this.#batch.layer !== 'everything') return await this.#page(task, signal);
      // All that a relay holds is worth a reconciliation, not its whole download.
      this.#parts.onEverythingUnfit(this.#parts.settings.dailyIntervalMs);
      throw new BatchUnwantedError(this.#parts.peer.relay);
    }
    const { probe, clock } = this.#parts;
    const result = await probe.negotiate(this.#batch.layer !== 'everything', signal, (opening) =>
      this.#reconcile(task, work, opening, signal),
    );
    if (result === undefined)
      return change((catchup) => withoutNegentropy({ ...catchup, pending: [task, ...catchup.pending] }));
    const rules = { cutsMax: limits.catchupCutsMax, now: unixSeconds(clock) };
    change((catchup) => takeResult(catchup, task, result, rules));
  }

  async #reconcile(
    task: CatchupTask,
    { job, local }: FilterWork,
    opening: Opening,
    signal: AbortSignal,
  ): Promise<NegentropyResult> {
    const { peer, metrics, memory, clock, settings } = this.#parts;
    const sink: NegentropySink = {
      onNeed: async (ids) => await job.add(ids),
      onHave: (ids) => this.#parts.peerMissing.add(ids, this.#batch, this.#log),
    };
    const result = await peer.capacity.sessions.use(signal, async () => {
      this.requests += 1;
      return await reconcile({ peer, metrics, local }, this.#reaching(task), sink, signal, opening);
    });
    // A relay may refuse to reconcile all that it holds, and yet reconcile what is asked of it by layers.
    const isEverything = this.#batch.layer === 'everything' && Object.keys(task.filter).length === 0;
    if (!isEverything || result.type === 'reconciled')
      memory.negentropy = learn(memory.negentropy, result.type, clock.monotonic(), settings.dailyIntervalMs);
    if (this.#batch.layer !== 'everything' || result.type !== 'too-many') return result;
    // Some call everything too broad however short the time is: it is not divided again and again.
    this.#divisions += 1;
    return exceeds('everythingDivisionsMax', this.#divisions) ? { type: 'rejected' } : result;
  }

  /** The same task, so that a relay whose `until` is exclusive leaves no second out between two ranges. */
  #reaching(task: CatchupTask): CatchupTask {
    const { since, until } = task.range;
    if (until === undefined) return task;
    return { ...task, range: { since, until: untilFor(this.#parts.memory.paging, until) } };
  }

  /** Over disjoint time ranges several sessions run at once, where the remote takes them: a long way is hidden. */
  async #divided(catchup: FilterCatchup, local: LocalSide, signal: AbortSignal): Promise<FilterCatchup> {
    const sessions = this.#parts.peer.limits.negentropySessions;
    const whole = catchup.pending[0];
    // Everything is a set that a remote keeps at hand, as we do; pieces of it are not.
    if (sessions < 2 || whole === undefined || this.#batch.layer === 'everything') return catchup;
    using set = await local.open(whole, signal);
    const isLarge = set !== undefined && set.size >= divideRecordsMin;
    return isLarge ? divide(catchup, evenCuts(set, sessions)) : catchup;
  }

  async #page(task: CatchupTask, signal: AbortSignal): Promise<void> {
    const { peer, metrics, memory } = this.#parts;
    const rules: PagingLimits = {
      eventsPerFilter: peer.limits.eventsPerFilter,
      pageEventsDefault: limits.pageEventsDefault,
      pageEventsMax: limits.pageEventsMax,
    };
    const key = JSON.stringify([task.filter, task.range]);
    const pagings = memory.pagings.get(this.#batch) ?? new Map<string, Paging>();
    memory.pagings.set(this.#batch, pagings);
    let paging = pagings.get(key) ?? startPaging(task.filter, task.range.since, task.range.until, rules);
    for (;;) {
      paging = learnHabits(paging, memory.paging);
      const question = nextPage(paging);
      if (question === undefined) break;
      if (reaches('pagesMax', paging.pages) || reaches('pagesInVainMax', paging.pagesInVain))
        throw new PeerOverloadedError(peer.relay, 'answers with pages without end');
      // Kept for the next connection, should this one break.
      pagings.set(key, shrinkPages(paging));
      paging = takePage(paging, await this.#readPage(question, signal), rules);
      memory.paging = mergeHabits(memory.paging, paging.habits);
      pagings.set(key, paging);
    }
    if (paging.deepSeconds === 0) return;
    metrics.relays.deepSeconds(peer.relay, paging.deepSeconds);
    this.#log.deepSeconds(paging.deepSeconds);
  }

  /** Asks for one page; resolves when each of its events has its outcome. */
  async #readPage(question: Filter, signal: AbortSignal): Promise<ReturnType<PageReader['page']>> {
    const { peer, submitter, store } = this.#parts;
    const reader = new PageReader(question);
    const deliveries: Promise<void>[] = [];
    const listener = this.#listener();
    this.requests += 1;
    const onEvent = (event: NostrEvent) => {
      if (reader.take(event)) {
        const delivery = submitter.deliver(event, listener.source).then((outcome) => {
          if (store.has(event.id)) reader.keep();
          if (outcome !== undefined) listener.onEvent(event, outcome);
        });
        deliveries.push(delivery);
      }
      return !reader.isOverflowing;
    };
    const end = await peer.request([question], { source: listener.source, onEvent }, signal);
    await Promise.all(deliveries);
    if (end.type === 'gone') throw new PeerGoneError(peer.relay);
    if (end.type !== 'ended' && end.type !== 'cut') {
      throw new PeerOverloadedError(peer.relay, `did not answer a page (${end.type})`);
    }
    return reader.page(end.type === 'cut');
  }

  #listener(): FetchListener {
    const source = this.#batch.trigger === 'daily' ? 'daily_catchup' : 'catchup';
    return {
      source,
      onEvent: (event, outcome) => this.#onOutcome(event, outcome),
      onUnserved: (id) => {
        this.#log.unserved();
        this.#judge(id, false);
      },
    };
  }

  #onOutcome(event: NostrEvent, outcome: AdmissionOutcome): void {
    if (outcome.type === 'refused') this.#log.refused();
    // Announcements and states are asked for either way.
    if (!announcementKinds.includes(event.kind)) this.#judge(event.id, outcome.type !== 'refused');
    if (outcome.type !== 'stored') return;
    const { topics, clock } = this.#parts;
    this.#log.stored();
    if (isGap(event, this.#batch.layer, topics, unixSeconds(clock))) this.#log.gap(event);
  }

  /** Whether it was worth asking for everything is told by what that brings, not by what the layers had asked for. */
  #judge(id: string, isWanted: boolean): void {
    const { scope } = this.#parts;
    if (this.#batch.layer !== 'everything' || !scope.count(id, isWanted)) return;
    // Not under the hands of those who are counting.
    queueMicrotask(() => this.#proveEverything());
  }

  #proveEverything(): void {
    const { scope, onEverythingUnfit } = this.#parts;
    if (!scope.prove()) onEverythingUnfit(limits.everythingRetryMs);
  }
}
