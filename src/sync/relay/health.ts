import { backoffMs } from '../../lib/backoff.js';
import type { Clock } from '../../lib/clock.js';
import { type Random, randomInteger } from '../../lib/random.js';
import type { FailureClass } from '../../network/failure-class.js';
import type { SyncSettings } from '../settings.js';

/** How a relay is doing (docs/sync.md §2). */
export type RelayStatus =
  | { readonly type: 'healthy' }
  /** Waiting `min(base · 2^attempt, max)` plus jitter. */
  | { readonly type: 'backoff'; readonly attempt: number }
  /** Unbroken failure for as long as the threshold; tried once a day. */
  | { readonly type: 'dead' };

/** Health of one relay, in memory only. Times are monotonic milliseconds. */
export type RelayHealth = {
  readonly url: string;
  readonly status: RelayStatus;
  readonly consecutiveFailures: number;
  readonly lastFailureAt: number | undefined;
  readonly lastFailure: FailureClass | undefined;
  readonly lastSuccessAt: number | undefined;
  readonly nextRetryAt: number;
  /** Start of the unbroken failure. */
  readonly failingSince: number | undefined;
  /** When the open connection was made. */
  readonly connectedAt: number | undefined;
  /** Whether the open connection has proven itself. */
  readonly isStable: boolean;
  /** The attempt number of the next backoff: only a connection that ended well, or stood long, resets it. */
  readonly nextAttempt: number;
};

export type HealthEvent =
  | { readonly type: 'connected' }
  /** The connection has been open for the stability minute, and the relay answers. */
  | { readonly type: 'stable' }
  | { readonly type: 'disconnected'; readonly failure: FailureClass | undefined }
  | { readonly type: 'connect-failed'; readonly failure: FailureClass }
  /** The relay does not want us (`auth-required:` without a way in): left alone until its daily try. */
  | { readonly type: 'denied' };

export type HealthTimes = Pick<
  SyncSettings,
  'startupDelayMs' | 'startupJitterMs' | 'backoffBaseMs' | 'backoffMaxMs' | 'deadThresholdMs' | 'deadRetryMs'
>;

/** How long a connection must stand before it counts as a success and its loss is answered at once. */
export const stabilityMs = 60_000;

/** The rules of health: pure, `(state, event, now, random) → state`. */
export class RelayHealthTracker {
  readonly #times: HealthTimes;

  constructor(times: HealthTimes) {
    this.#times = times;
  }

  /** Every relay begins in `Backoff{attempt: 0}`, its first try the startup delay plus jitter away. */
  start(url: string, now: number, random: Random): RelayHealth {
    return {
      url,
      status: { type: 'backoff', attempt: 0 },
      consecutiveFailures: 0,
      lastFailureAt: undefined,
      lastFailure: undefined,
      lastSuccessAt: undefined,
      nextRetryAt: now + this.#times.startupDelayMs + this.#jitter(random),
      failingSince: undefined,
      connectedAt: undefined,
      isStable: false,
      nextAttempt: 1,
    };
  }

  next(health: RelayHealth, event: HealthEvent, now: number, random: Random): RelayHealth {
    switch (event.type) {
      case 'connected':
        return {
          ...health,
          status: { type: 'healthy' },
          lastSuccessAt: now,
          connectedAt: now,
          isStable: false,
          nextRetryAt: now,
        };
      case 'stable':
        return { ...health, consecutiveFailures: 0, failingSince: undefined, isStable: true };
      case 'disconnected':
        return this.#disconnected(health, event.failure, now, random);
      case 'connect-failed':
        return this.#failed(health, event.failure, now, random);
      case 'denied': {
        const failed = this.#failed(health, 'policy', now, random);
        return { ...failed, nextRetryAt: now + this.#times.deadRetryMs + this.#jitter(random) };
      }
    }
  }

  #disconnected(
    health: RelayHealth,
    failure: FailureClass | undefined,
    now: number,
    random: Random,
  ): RelayHealth {
    // A socket that went silent or violated the protocol has failed; one that does so time and again is left alone for longer
    // and longer, also when it stands for a minute each time.
    const hasFailed = failure === 'timeout' || failure === 'protocol';
    if (health.isStable && !hasFailed) return { ...recovered(health), nextRetryAt: now };
    const stoodMs = now - (health.connectedAt ?? now);
    const stoodLong = health.isStable && stoodMs >= this.#times.backoffMaxMs;
    return this.#failed(stoodLong ? recovered(health) : health, failure ?? 'refused', now, random);
  }

  #failed(health: RelayHealth, failure: FailureClass, now: number, random: Random): RelayHealth {
    const failingSince = health.failingSince ?? now;
    const isDead = now - failingSince >= this.#times.deadThresholdMs;
    const attempt = health.nextAttempt;
    const waitMs = isDead
      ? this.#times.deadRetryMs
      : backoffMs(attempt, this.#times.backoffBaseMs, this.#times.backoffMaxMs);
    return {
      ...health,
      status: isDead ? { type: 'dead' } : { type: 'backoff', attempt },
      consecutiveFailures: health.consecutiveFailures + 1,
      lastFailureAt: now,
      lastFailure: failure,
      nextRetryAt: now + waitMs + this.#jitter(random),
      failingSince,
      connectedAt: undefined,
      isStable: false,
      nextAttempt: attempt + 1,
    };
  }

  #jitter(random: Random): number {
    return randomInteger(random, this.#times.startupJitterMs + 1);
  }
}

function recovered(health: RelayHealth): RelayHealth {
  return {
    ...health,
    status: { type: 'healthy' },
    consecutiveFailures: 0,
    failingSince: undefined,
    connectedAt: undefined,
    isStable: false,
    nextAttempt: 0,
  };
}

/** Looks once a minute whether a connection has proven itself, and says so once. Returns the way to stop. */
export function watchStability(
  clock: Clock,
  peer: { readonly hasAnswered: boolean },
  onStable: () => void,
): () => void {
  let cancel = () => {};
  const look = () => {
    if (peer.hasAnswered) onStable();
    else cancel = clock.after(stabilityMs, look);
  };
  cancel = clock.after(stabilityMs, look);
  return () => cancel();
}
