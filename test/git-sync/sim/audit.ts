import { limits } from '../../../src/config/limits.js';
import type { FetchFailure } from '../../../src/git-sync/remote.js';
import { type Clock, dayMs, minuteMs } from '../../../src/lib/clock.js';
import type { SimHost } from './host.js';
import type { SimRepository } from './repository.js';

/** Bounds of what is asked. */
export const fetchesPerMinuteMax = 30;
export const fetchesMax = 8;

/** Tries of one server in ten minutes while data is new: at 0, 20, 60, 140, 260, 380 and 500 s, begun anew once. */
const quickTriesMax = 14;
const tenMinutesMs = 10 * minuteMs;

/** One fetch, as it is looked at. */
export type AskedFetch = {
  readonly host: SimHost;
  readonly repository: SimRepository;
  readonly url: string;
  readonly isProposal: boolean;
  readonly objectIds: readonly string[];
  /** Whether the data of the repository counts as new. */
  readonly isNews: boolean;
};

/** What a host was asked, and how it fared. */
type HostRecord = {
  readonly begun: number[];
  running: number;
  failures: number;
  failedAt: number;
  retryAt: number;
};

/** The same of one server, for one repository and for what states name or only pull requests. */
type ServerRecord = { readonly begun: number[]; failures: number; restsUntil: number; wasTooMuch: boolean };

const passing: ReadonlySet<FetchFailure> = new Set<FetchFailure>([
  ...(['dns', 'tls', 'refused', 'timeout', 'protocol', 'policy'] as const),
  ...(['limited', 'failed', 'slow'] as const),
]);

/**
 * Looks that no host and no server is asked beyond its budget, nor while it rests, by the rules of git.md §4 as they are written
 * here once more. All of it is of one life of our process: what it learns of hosts is in its memory alone.
 */
export class Audit {
  readonly #clock: Clock;
  readonly #report: (what: string) => void;
  readonly #hosts = new Map<string, HostRecord>();
  readonly #servers = new Map<string, ServerRecord>();
  #running = 0;
  #proposalsRunning = 0;

  constructor(clock: Clock, report: (what: string) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  /** Whether a server sent what is of no use, the last time that it was asked. */
  isDistrusted({ name }: SimRepository, isProposal: boolean, url: string): boolean {
    return this.#serverOf(name, isProposal, url).failures > 0;
  }

  /** Whether a server sent more than is taken, the last time that it was asked. */
  wasTooMuch({ name }: SimRepository, isProposal: boolean, url: string): boolean {
    const { failures, wasTooMuch } = this.#serverOf(name, isProposal, url);
    return failures > 0 && wasTooMuch;
  }

  /** A fetch begins; gives what is to be told how it ended. */
  begin(
    fetch: AskedFetch,
  ): { ended(failure: FetchFailure | undefined, retryAfterMs?: number): void } & Disposable {
    const { host, repository, url, isProposal } = fetch;
    const now = this.#clock.monotonic();
    const atHost = this.#hostOf(host.name);
    const server = this.#serverOf(repository.name, isProposal, url);
    this.#checkPlaces(atHost, fetch);
    this.#checkRests(server, fetch);
    this.#checkTries(server, fetch);
    if (fetch.objectIds.length === 0 || fetch.objectIds.some((objectId) => repository.disk.has(objectId)))
      this.#report(`${url} is asked for what is here`);
    this.#count(atHost, isProposal, 1);
    return {
      ended: (failure, retryAfterMs = 0) => {
        if (failure === undefined || !passing.has(failure)) atHost.failures = 0;
        else {
          if (now > atHost.failedAt) atHost.failures += 1;
          atHost.failedAt = this.#clock.monotonic();
          atHost.retryAt = Math.max(atHost.retryAt, atHost.failedAt + retryAfterMs);
        }
        if (failure === undefined) server.failures = 0;
        if (failure !== 'invalid' && failure !== 'large' && failure !== 'ours') return;
        server.failures += 1;
        server.wasTooMuch = failure !== 'invalid';
        const restMsMax = server.wasTooMuch ? dayMs : 20 * minuteMs;
        const restMs = Math.min(2 * minuteMs * 2 ** (server.failures - 1), restMsMax);
        server.restsUntil = this.#clock.monotonic() + restMs;
      },
      [Symbol.dispose]: () => this.#count(atHost, isProposal, -1),
    };
  }

  /** How long a host is to be left alone still, in milliseconds. */
  restMs(host: SimHost, isNews: boolean): number {
    const { failures, failedAt, retryAt } = this.#hostOf(host.name);
    if (failures === 0) return 0;
    const restMsMax = isNews && !host.isFailingRelay ? 2 * minuteMs : 20 * minuteMs;
    const restMs = Math.min((minuteMs / 3) * 2 ** (failures - 1), restMsMax);
    return Math.max(0, Math.max(failedAt + restMs, retryAt) - this.#clock.monotonic());
  }

  #checkPlaces(atHost: HostRecord, { host, isProposal }: AskedFetch): void {
    const now = this.#clock.monotonic();
    if (atHost.running >= limits.gitHostFetchesAtOnceMax)
      this.#report(`${host.name} is asked too often at once`);
    if (this.#running >= fetchesMax) this.#report('too many fetches run');
    if (isProposal && this.#proposalsRunning >= fetchesMax / 2)
      this.#report('proposals have too many places');
    const oldest = atHost.begun.at(-fetchesPerMinuteMax);
    if (oldest !== undefined && now - oldest < minuteMs)
      this.#report(`${host.name} is asked more than ${fetchesPerMinuteMax} times in a minute`);
    atHost.begun.push(now);
  }

  #checkRests(server: ServerRecord, { host, url, isNews }: AskedFetch): void {
    if (this.restMs(host, isNews) > 0) this.#report(`${host.name} is asked while it rests`);
    if (server.failures > 0 && this.#clock.monotonic() < server.restsUntil)
      this.#report(`${url} is asked while it rests`);
  }

  /** However often somebody publishes, a server is asked at the pace of tries, and once for each event that names something. */
  #checkTries(server: ServerRecord, { repository, url }: AskedFetch): void {
    const now = this.#clock.monotonic();
    server.begun.push(now);
    const lately = server.begun.filter((at) => at > now - tenMinutesMs).length;
    const named = repository.namedAt.filter((at) => at > now - 2 * tenMinutesMs).length;
    if (lately > quickTriesMax + named) this.#report(`${url} is asked ${lately} times in ten minutes`);
  }

  #count(atHost: HostRecord, isProposal: boolean, change: number): void {
    atHost.running += change;
    this.#running += change;
    if (isProposal) this.#proposalsRunning += change;
  }

  #hostOf(name: string): HostRecord {
    const never = Number.NEGATIVE_INFINITY;
    const known = this.#hosts.get(name) ?? {
      begun: [],
      running: 0,
      failures: 0,
      failedAt: never,
      retryAt: never,
    };
    this.#hosts.set(name, known);
    return known;
  }

  #serverOf(repository: string, isProposal: boolean, url: string): ServerRecord {
    const key = `${repository} ${isProposal} ${url}`;
    const known = this.#servers.get(key) ?? { begun: [], failures: 0, restsUntil: 0, wasTooMuch: false };
    this.#servers.set(key, known);
    return known;
  }
}
