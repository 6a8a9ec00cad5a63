import type { EventSource } from '../../admission/admission.js';
import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { CatchupTrigger } from '../topics/layers.js';
import type { SyncLogger } from './logger.js';
import type { SyncMetrics } from './metrics.js';

/** What one catch-up with one relay found, said as docs/sync.md §7 wants it: bounded, and without any content. */
export class RunLog {
  readonly trigger: CatchupTrigger;
  readonly #relay: string;
  readonly #logger: SyncLogger;
  readonly #metrics: SyncMetrics;
  readonly #later: Pick<StoredLater, 'counted'>;
  readonly #startedAt: number;
  readonly #isIncremental: boolean;
  #stored = 0;
  #refused = 0;
  #unserved = 0;
  #gaps = 0;
  #givenUp = 0;
  #deepSeconds = 0;
  readonly #peerMissing = new Map<string, number>();
  #peerMissingOthers = 0;

  constructor(parts: {
    readonly trigger: CatchupTrigger;
    readonly relay: string;
    readonly logger: SyncLogger;
    readonly metrics: SyncMetrics;
    readonly later: Pick<StoredLater, 'counted'>;
    /** Monotonic milliseconds. */
    readonly startedAt: number;
    /**
     * Whether it is only about what was stored a moment ago: peers need not have that yet, and there are many of them,
     * so that they are told of in the debug log.
     */
    readonly isIncremental: boolean;
  }) {
    this.trigger = parts.trigger;
    this.#relay = parts.relay;
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
    this.#later = parts.later;
    this.#startedAt = parts.startedAt;
    this.#isIncremental = parts.isIncremental;
  }

  stored(): void {
    this.#stored += 1;
    this.#later.counted();
  }

  refused(): void {
    this.#refused += 1;
  }

  unserved(): void {
    this.#unserved += 1;
  }

  /** A batch was left undone, for the relay does not answer what it asks. */
  gaveUp(): void {
    this.#givenUp += 1;
  }

  /** Seconds of which the relay may hold more than it gives out. */
  deepSeconds(count: number): void {
    this.#deepSeconds += count;
  }

  gap(event: NostrEvent): void {
    this.#gaps += 1;
    this.#metrics.relays.gap(this.#relay);
    if (this.#gaps > limits.catchupLogLinesMax) return;
    const details = { relay: this.#relay, event: event.id, kind: event.kind, created_at: event.created_at };
    this.#gapLevel(details, 'catch-up found an event that live sync should have brought');
  }

  /** The relay lacks events that we have. */
  peerMissing(repository: string | undefined, count: number): void {
    const isKnown = repository !== undefined && this.#peerMissing.has(repository);
    if (repository !== undefined && (isKnown || this.#peerMissing.size < limits.catchupLogLinesMax)) {
      this.#peerMissing.set(repository, (this.#peerMissing.get(repository) ?? 0) + count);
    } else {
      this.#peerMissingOthers += count;
    }
  }

  /** Ends the run; `completeSince` is set when everything of the relay is complete as of then. */
  end(now: number, completeSince: number | undefined): void {
    this.#sayFindings();
    const details = {
      relay: this.#relay,
      trigger: this.trigger,
      durationMs: Math.round(now - this.#startedAt),
      stored: this.#stored,
      refused: this.#refused,
      unserved: this.#unserved,
      gaps: this.#gaps,
    };
    if (this.#givenUp > 0) {
      this.#logger.info(
        { ...details, batchesLeft: this.#givenUp },
        'catch-up is incomplete; the rest is tried later',
      );
      return;
    }
    this.#metrics.caughtUp(this.#relay, this.trigger, details.durationMs / 1000, completeSince);
    if (this.#isIncremental) this.#logger.debug(details, 'caught up with relay');
    else this.#logger.info(details, 'caught up with relay');
  }

  /** Says what was found, without saying that it was all. */
  interrupt(): void {
    this.#sayFindings();
    const { trigger } = this;
    if (this.#stored > 0) {
      this.#logger.info({ relay: this.#relay, trigger, stored: this.#stored }, 'catch-up was interrupted');
    }
  }

  #sayFindings(): void {
    const relay = this.#relay;
    if (this.#deepSeconds > 0) {
      const details = { relay, seconds: this.#deepSeconds };
      this.#logger.warn(details, 'relay may hold more in some seconds than it gives out in pages');
    }
    if (this.#gaps > limits.catchupLogLinesMax) {
      this.#gapLevel(
        { relay, count: this.#gaps },
        'catch-up found events that live sync should have brought',
      );
    }
    for (const [repository, count] of this.#peerMissing) {
      this.#peerLevel({ relay, repository, count });
    }
    if (this.#peerMissingOthers > 0) {
      this.#peerLevel({ relay, repository: 'others', count: this.#peerMissingOthers });
    }
  }

  #peerLevel(details: object): void {
    if (this.#isIncremental) this.#logger.debug(details, 'peer missing events');
    else this.#logger.warn(details, 'peer missing events');
  }

  #gapLevel(details: object, message: string): void {
    if (this.trigger === 'daily') this.#logger.error(details, message);
    else this.#logger.warn(details, message);
  }
}

/** The logs of the catch-ups that are under way on one connection, one for each trigger. */
export class RunLogs {
  readonly #parts: {
    readonly relay: string;
    readonly clock: Clock;
    readonly logger: SyncLogger;
    readonly metrics: SyncMetrics;
    readonly later: Pick<StoredLater, 'counted'>;
    readonly memory: { readonly lastCompleteAt: number | undefined };
  };
  readonly #logs = new Map<CatchupTrigger, RunLog>();

  constructor(parts: {
    readonly relay: string;
    readonly clock: Clock;
    readonly logger: SyncLogger;
    readonly metrics: SyncMetrics;
    readonly later: Pick<StoredLater, 'counted'>;
    readonly memory: { readonly lastCompleteAt: number | undefined };
  }) {
    this.#parts = parts;
  }

  /** The log of a trigger, begun now if there is none. */
  of(trigger: CatchupTrigger): RunLog {
    const begun = this.#logs.get(trigger);
    if (begun !== undefined) return begun;
    const { clock, memory } = this.#parts;
    const isIncremental = trigger === 'start' && memory.lastCompleteAt !== undefined;
    const log = new RunLog({ ...this.#parts, trigger, isIncremental, startedAt: clock.monotonic() });
    this.#logs.set(trigger, log);
    return log;
  }

  /** Nothing is left of what a trigger set off. */
  end(trigger: CatchupTrigger): void {
    const { clock, memory } = this.#parts;
    this.#logs.get(trigger)?.end(clock.monotonic(), memory.lastCompleteAt);
    this.#logs.delete(trigger);
  }

  /** The connection ended. */
  interrupt(): void {
    for (const log of this.#logs.values()) log.interrupt();
    this.#logs.clear();
  }
}

/**
 * Events that came by catch-up and were stored when no run of it could count them: refused at first, and taken when what
 * they hang on arrived, or asked for again by then. With them, what is said of catch-up adds up to what is counted.
 */
export class StoredLater {
  readonly #clock: Clock;
  readonly #logger: SyncLogger;
  /** Of all events that catch-up brought: stored, counted by runs, and said here. */
  #stored = 0;
  #counted = 0;
  #said = 0;

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: SyncLogger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** An event is newly stored. */
  stored(source: EventSource['type']): void {
    if (source === 'catchup' || source === 'daily_catchup') this.#stored += 1;
  }

  /** A run of catch-up counted an event as stored. */
  counted(): void {
    this.#counted += 1;
  }

  /** Says how many there were, now and then, until `signal` ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(limits.storedLaterIntervalMs, signal).catch(() => {});
      this.#say();
    }
  }

  #say(): void {
    const stored = this.#stored - this.#counted - this.#said;
    if (stored <= 0) return;
    this.#said += stored;
    this.#logger.info({ stored }, 'stored what catch-up had brought too early');
  }
}
