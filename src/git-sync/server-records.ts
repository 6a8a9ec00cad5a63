import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { backoffMs } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import { type FetchFailure, isPassing, isTooMuch, isWasteful } from './remote.js';

type ServerRecord = {
  /** How often in a row it sent what is of no use, when it did last (monotonic), and whether that was too much. */
  readonly wasted: number;
  readonly wastedAt: number;
  readonly wasTooMuch: boolean;
  /** When it failed, if it did the last time. */
  readonly failedAt: number | undefined;
};

const unknown: ServerRecord = { wasted: 0, wastedAt: 0, wasTooMuch: false, failedAt: undefined };

/**
 * How the servers that one repository names have done, by URL. One that sent what was of no use is left alone, for it would
 * send that again at each try. Only for that repository, for it is what it asks for that decides: whoever names the server of
 * another harms nobody.
 */
export class ServerRecords {
  readonly #clock: Clock;
  /** Of servers that failed; those that did last come last. */
  readonly #records = new Map<string, ServerRecord>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long a server is left alone still, in milliseconds. */
  restMs(url: string): number {
    const { wasted, wastedAt, wasTooMuch } = this.#records.get(url) ?? unknown;
    if (wasted === 0) return 0;
    const restMsMax = wasTooMuch ? limits.gitTooMuchRestMsMax : limits.gitServerRestMsMax;
    const restMs = backoffMs(wasted - 1, limits.gitServerRestMsMin, restMsMax);
    return Math.max(0, wastedAt + restMs - this.#clock.monotonic());
  }

  /** When a server failed, if it did the last time; monotonic. That it lacks the objects, or the repository, is an answer. */
  failedAt(url: string): number | undefined {
    return this.#records.get(url)?.failedAt;
  }

  /** A server gave something. */
  served(url: string): void {
    this.#records.delete(url);
  }

  failed(url: string, failure: FetchFailure): void {
    const before = this.#records.get(url) ?? unknown;
    this.#records.delete(url);
    const now = this.#clock.monotonic();
    const isWaste = isWasteful(failure);
    const failedAt = isWaste || isPassing(failure) ? now : undefined;
    if (failedAt === undefined && before.wasted === 0) return;
    const wasted = { wasted: before.wasted + 1, wastedAt: now, wasTooMuch: isTooMuch(failure) };
    this.#records.set(url, { ...(isWaste ? wasted : before), failedAt });
    if (!exceeds('gitServersRememberedMax', this.#records.size)) return;
    const [oldest] = this.#records.keys();
    if (oldest !== undefined) this.#records.delete(oldest);
  }
}
