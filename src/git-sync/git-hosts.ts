import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { backoffMs } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import { FairSlots } from '../lib/turns/fair-slots.js';
import { type FetchFailure, isPassing } from './remote.js';

export type GitHostSettings = {
  /** Fetches that are begun at one host in a minute, at most. */
  readonly fetchesPerMinuteMax: number;
  /** Whether sync could not connect to a relay of a host the last time: then nothing is hurried there. */
  readonly isFailingRelay: (host: string) => boolean;
};

/**
 * What all git servers of one host share, for one party runs them: how many fetches run there at once, how many begin in a
 * minute, and a rest after each that failed, which grows as they go on failing.
 */
export class GitHost {
  /** The address, as its group, at which it was found the last time; `undefined` while that is not known. */
  address: string | undefined;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #settings: GitHostSettings;
  readonly #places = new FairSlots(limits.gitHostFetchesAtOnceMax);
  /** When the last fetches began, oldest first, as many as may begin in a minute. */
  readonly #begun: number[] = [];
  #failures = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #retryAt = Number.NEGATIVE_INFINITY;
  /** Monotonic milliseconds; `undefined` while nothing came from there. */
  #servedAt: number | undefined;

  constructor(name: string, clock: Clock, settings: GitHostSettings) {
    this.#name = name;
    this.#clock = clock;
    this.#settings = settings;
  }

  get servedAt(): number | undefined {
    return this.#servedAt;
  }

  /** Repositories that are fetched there or wait for it. */
  get users(): number {
    return this.#places.inUse + this.#places.waiting;
  }

  /** Whether somebody who comes now has to wait for others. */
  get isBusy(): boolean {
    return this.#places.inUse >= this.#places.capacity;
  }

  /** Whether nothing has to be remembered of it. */
  get isForgettable(): boolean {
    const isResting = this.#retryAt > this.#clock.monotonic();
    return this.users === 0 && !isResting && this.#sinceLastFetch() >= limits.gitHostRestMsMax;
  }

  /** How long it is left alone still; `isNews`: for data that is not known to lack for long. */
  restMs(isNews: boolean): number {
    if (this.#failures === 0) return 0;
    const isHurried = isNews && !this.#settings.isFailingRelay(this.#name);
    const max = isHurried ? limits.gitNewsRetryMsMax : limits.gitHostRestMsMax;
    const restMs = backoffMs(this.#failures - 1, limits.gitRetryMsMin, max);
    return Math.max(0, Math.max(this.#failedAt + restMs, this.#retryAt) - this.#clock.monotonic());
  }

  /**
   * Runs `work` when there is a place, and it is the turn of the party: those who have many repositories here keep nobody
   * waiting but themselves. It has to `begin` before it asks the host for anything, and to say what came of it. Rejects with
   * the signal's reason when that aborts before.
   */
  async use<T>(party: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return await this.#places.use(party, signal, work);
  }

  /** Begins a fetch if one may begin now, and gives 0; otherwise begins none, and gives how long to wait. */
  begin(): number {
    const waitMs = this.#paceMs();
    if (waitMs > 0) return waitMs;
    this.#begun.push(this.#clock.monotonic());
    while (this.#begun.length > this.#settings.fetchesPerMinuteMax) this.#begun.shift();
    return 0;
  }

  /** A fetch brought something. */
  served(): void {
    this.#servedAt = this.#clock.monotonic();
    this.#failures = 0;
  }

  /**
   * A fetch that was begun at `beganAt` brought nothing. Those that ran at the same time and failed as well are one failure.
   * `retryAfterMs`: how long the host wants to be left alone, as it said.
   */
  failed(failure: FetchFailure, beganAt: number, retryAfterMs = 0): void {
    if (!isPassing(failure)) {
      this.#failures = 0;
      return;
    }
    const now = this.#clock.monotonic();
    if (beganAt > this.#failedAt) this.#failures += 1;
    this.#failedAt = now;
    this.#retryAt = Math.max(this.#retryAt, now + Math.min(retryAfterMs, limits.gitRetryAfterMsMax));
  }

  #paceMs(): number {
    const { fetchesPerMinuteMax } = this.#settings;
    const first = this.#begun.at(-fetchesPerMinuteMax);
    return first === undefined ? 0 : Math.max(0, first + limits.gitHostPaceMs - this.#clock.monotonic());
  }

  #sinceLastFetch(): number {
    return this.#clock.monotonic() - (this.#begun.at(-1) ?? Number.NEGATIVE_INFINITY);
  }
}

/** The hosts by name. Those that nobody asks any more are forgotten when there are too many. */
export class GitHosts {
  readonly #clock: Clock;
  readonly #settings: GitHostSettings;
  /** Those that were asked for last come last. */
  readonly #hosts = new Map<string, GitHost>();

  constructor(clock: Clock, settings: GitHostSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  of(name: string): GitHost {
    const host = this.#hosts.get(name) ?? new GitHost(name, this.#clock, this.#settings);
    this.#hosts.delete(name);
    this.#hosts.set(name, host);
    if (exceeds('gitHostsRememberedMax', this.#hosts.size)) this.#forgetOne();
    return host;
  }

  #forgetOne(): void {
    for (const [name, host] of this.#hosts) {
      if (!host.isForgettable) continue;
      this.#hosts.delete(name);
      return;
    }
  }
}
