import { setMaxListeners } from 'node:events';
import { limits } from '../../config/limits.js';
import { onAbort } from '../../lib/abort.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import { BatchTurnOverError, BatchUnwantedError, PeerOverloadedError } from '../errors.js';
import type { HostBudget } from '../hosts/host-budget.js';
import type { Transfers } from '../hosts/transfers.js';
import type { SyncLogger } from '../report/logger.js';
import type { RunLogs } from '../report/run-log.js';
import type { SyncSettings } from '../settings.js';
import type { CatchupBatch, NextCatchup } from '../topics/catchup-batch.js';
import type { Topic } from '../topics/layers.js';
import { batchesOf } from '../topics/subscription.js';
import { type BatchParts, BatchRun } from './batch-run.js';
import { nextPace } from './pace.js';

/** What the turns of all relays share. */
type TurnContext = {
  readonly clock: Clock;
  readonly settings: SyncSettings;
  readonly transfers: Transfers;
  readonly logger: SyncLogger;
};

/** Times that a batch is tried before it is left for another connection, or the next day. */
const batchFailuresMax = 3;

/** The turns of batches on one connection: forms them, runs them, and keeps account of what became of each. */
export class BatchTurns {
  readonly #context: TurnContext;
  readonly #relay: string;
  readonly #host: HostBudget;
  readonly #parts: BatchParts;
  readonly #logs: RunLogs;
  /** The batches that have their turn, or wait for it, with what ends it. */
  readonly #turns = new Map<CatchupBatch, AbortController>();

  constructor(options: {
    readonly context: TurnContext;
    readonly relay: string;
    readonly host: HostBudget;
    readonly parts: BatchParts;
    readonly logs: RunLogs;
  }) {
    this.#context = options.context;
    this.#relay = options.relay;
    this.#host = options.host;
    this.#parts = options.parts;
    this.#logs = options.logs;
  }

  /** Begins the next batch, as large as the limits of the remote allow, or goes on with it. */
  take(next: NextCatchup): CatchupBatch {
    const { memory, peer } = this.#parts;
    if (next.type === 'interrupted') {
      memory.topics.catchup.resumed(next.batch);
      return next.batch;
    }
    const { settings, clock } = this.#context;
    const [topics = []] = batchesOf([...first(next.topics, settings.tagsPerFilterMax)], {
      tagsPerFilter: settings.tagsPerFilterMax,
      filtersPerSubscription: 1,
      // Half of a message: the other half carries the first fingerprints.
      messageBytes: peer.limits.messageBytes / 2,
    });
    const lookbackSeconds = Math.ceil(settings.reconnectLookbackMs / 1000);
    return memory.topics.catchup.began(next, topics, { now: unixSeconds(clock), lookbackSeconds });
  }

  /**
   * Runs a batch in its turn among those of all relays. Resolves when it is done, or put back for later because the
   * remote showed strain or others have to have their turn; rejects when the connection cannot go on.
   */
  async run(batch: CatchupBatch, signal: AbortSignal): Promise<void> {
    const { memory } = this.#parts;
    const { clock, transfers } = this.#context;
    const run = new BatchRun(this.#parts, batch, this.#logs.of(batch.trigger));
    const turn = new AbortController();
    setMaxListeners(0, turn.signal);
    using _ = onAbort(signal, (reason) => turn.abort(reason));
    this.#turns.set(batch, turn);
    let startedAt = clock.monotonic();
    let overloaded = false;
    try {
      const transfer = {
        host: this.#host,
        progress: () => this.#parts.peer.progress,
        endTurn: () => turn.abort(new BatchTurnOverError(this.#relay)),
      };
      await transfers.use(transfer, turn.signal, async () => {
        startedAt = clock.monotonic();
        await this.#runWithin(run, turn);
      });
      this.#finish(batch);
    } catch (error) {
      overloaded = this.#putBack(batch, error);
    } finally {
      this.#turns.delete(batch);
    }
    const msPerRequest = (clock.monotonic() - startedAt) / Math.max(1, run.requests);
    memory.pace = nextPace(memory.pace, { overloaded, msPerRequest });
  }

  /** A batch that takes too long makes room for other relays, and goes on later. */
  async #runWithin(run: BatchRun, turn: AbortController): Promise<void> {
    const cancel = this.#context.clock.after(limits.catchupBatchMsMax, () =>
      turn.abort(new BatchTurnOverError(this.#relay)),
    );
    try {
      await run.run(turn.signal);
    } finally {
      cancel();
    }
  }

  /** Ends batches of which nothing is wanted any more. */
  cancel(batches: readonly CatchupBatch[]): void {
    for (const batch of batches) this.#turns.get(batch)?.abort(new BatchUnwantedError(this.#relay));
  }

  #finish(batch: CatchupBatch): void {
    const { memory, scope, onEverythingUnfit } = this.#parts;
    memory.topics.catchup.done(batch);
    if (batch.layer === 'everything' && !scope.prove()) onEverythingUnfit(limits.everythingRetryMs);
  }

  /** Keeps a batch that is not done for later. Returns whether the remote showed strain. */
  #putBack(batch: CatchupBatch, error: unknown): boolean {
    const { topics } = this.#parts.memory;
    const overloaded = error instanceof PeerOverloadedError;
    if (overloaded) batch.failures += 1;
    if (batch.failures < batchFailuresMax) topics.catchup.interrupted(batch);
    else if (topics.catchup.gaveUp(batch)) this.#logs.of(batch.trigger).gaveUp();
    if (!overloaded) {
      if (error instanceof BatchTurnOverError || error instanceof BatchUnwantedError) return false;
      throw error;
    }
    const details = { relay: this.#relay, reason: error.message, failures: batch.failures };
    this.#context.logger.debug(details, 'catch-up is held up');
    return true;
  }
}

function* first(items: Iterable<Topic>, count: number): Iterable<Topic> {
  let left = count;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}
