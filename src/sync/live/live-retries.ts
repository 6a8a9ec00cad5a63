import { backoffMs } from '../../lib/backoff.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';
import { type Random, randomInteger } from '../../lib/random.js';
import type { SyncSettings } from '../settings.js';
import type { Topic } from '../topics/layers.js';

/** When topics whose subscription the remote closed, or did not answer, are asked for again: each with its own backoff. */
export class LiveRetries {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #settings: Pick<SyncSettings, 'backoffBaseMs' | 'backoffMaxMs' | 'startupJitterMs'>;
  /** How often a subscription to the topic failed in a row. */
  readonly #failures = new Map<Topic, number>();
  readonly #timers = new Set<CancelTimer>();

  constructor(parts: {
    readonly clock: Clock;
    readonly random: Random;
    readonly settings: Pick<SyncSettings, 'backoffBaseMs' | 'backoffMaxMs' | 'startupJitterMs'>;
  }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#settings = parts.settings;
  }

  hasFailed(topics: readonly Topic[]): boolean {
    return topics.some((topic) => this.#failures.has(topic));
  }

  /** Counts a failure of the topics; returns the most that one of them has by now. */
  count(topics: readonly Topic[]): number {
    let most = 0;
    for (const topic of topics) {
      const failures = (this.#failures.get(topic) ?? 0) + 1;
      this.#failures.set(topic, failures);
      most = Math.max(most, failures);
    }
    return most;
  }

  /** The topics are subscribed to, or not wanted any more. */
  forget(topics: Iterable<Topic>): void {
    for (const topic of topics) this.#failures.delete(topic);
  }

  /** Calls `retry` after the backoff of one failure more. */
  later(topics: readonly Topic[], retry: () => void): void {
    const { backoffBaseMs, backoffMaxMs, startupJitterMs } = this.#settings;
    const attempt = this.count(topics) - 1;
    const jitterMs = randomInteger(this.#random, startupJitterMs + 1);
    const cancel = this.#clock.after(backoffMs(attempt, backoffBaseMs, backoffMaxMs) + jitterMs, () => {
      this.#timers.delete(cancel);
      retry();
    });
    this.#timers.add(cancel);
  }

  /** The connection ended. */
  stop(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}
