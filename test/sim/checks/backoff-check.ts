import type { SyncSettings } from '../../../src/sync/settings.js';
import type { DialRecord } from '../network/network.js';

type Past = { readonly life: number; readonly dials: DialRecord[] };

/** A connection that stood that long is reconnected for free (docs/sync.md §2). */
const stableMs = 60_000;
/** Timers have whole milliseconds. */
const toleranceMs = 2;

/**
 * Sees that dials keep the distance that health demands, from the record of the dials alone: after n failures in a
 * row at least `min(base · 2^(n−1), max)`, after a day of nothing else at least a day, and one connection at a time.
 */
export class BackoffCheck {
  readonly #settings: SyncSettings;
  readonly #report: (what: string) => void;
  readonly #past = new Map<string, Past>();

  constructor(settings: SyncSettings, report: (what: string) => void) {
    this.#settings = settings;
    this.#report = report;
  }

  /** Called at the start of each dial. */
  onDial(dial: DialRecord): void {
    const known = this.#past.get(dial.url);
    const past = known?.life === dial.life ? known : { life: dial.life, dials: [] };
    this.#past.set(dial.url, past);
    const last = past.dials.at(-1);
    if (last !== undefined) this.#compare(dial, last, past.dials);
    past.dials.push(dial);
  }

  /**
   * An announcement that names the relay was stored: if no other named it any more, it is taken up anew, and health
   * lives no longer than a relay is tracked.
   */
  onNamed(url: string): void {
    this.#past.delete(url);
  }

  #compare(dial: DialRecord, last: DialRecord, dials: readonly DialRecord[]): void {
    const endedAt = last.failedAt ?? last.endedAt;
    if (endedAt === undefined) {
      this.#report(`${dial.url} is dialled while a connection to it is open`);
      return;
    }
    const waitedMs = dial.startedAt - endedAt;
    const failures = failuresInARow(dials);
    if (failures === 0) return;
    const { backoffBaseMs, backoffMaxMs, deadThresholdMs, deadRetryMs } = this.#settings;
    const first = dials.at(-failures) as DialRecord;
    const failedForMs = endedAt - (first.failedAt ?? first.endedAt ?? endedAt);
    let leastMs = Math.min(backoffBaseMs * 2 ** (failures - 1), backoffMaxMs);
    if (failedForMs >= deadThresholdMs) leastMs = deadRetryMs;
    if (waitedMs < leastMs - toleranceMs) {
      this.#report(`${dial.url} is dialled ${waitedMs} ms after failure ${failures}; at least ${leastMs}`);
    }
  }
}

/** How many of the last dials failed, or led to a connection that did not stand. */
function failuresInARow(dials: readonly DialRecord[]): number {
  let count = 0;
  for (let index = dials.length - 1; index >= 0; index--) {
    const { openedAt, endedAt } = dials[index] as DialRecord;
    if (openedAt !== undefined && (endedAt ?? Number.POSITIVE_INFINITY) - openedAt >= stableMs) break;
    count += 1;
  }
  return count;
}
