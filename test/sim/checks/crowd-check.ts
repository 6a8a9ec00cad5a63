import { limits } from '../../../src/config/limits.js';
import type { SyncSettings } from '../../../src/sync/settings.js';
import type { DialRecord } from '../network/network.js';

/** Timers have whole milliseconds. */
const toleranceMs = 2;

/**
 * Sees that a host at which nothing answers is one party, however many URLs of it strangers name and name anew: one is
 * dialled after the other, with a rest after each failure.
 */
export class CrowdCheck {
  readonly #settings: Pick<SyncSettings, 'backoffBaseMs'>;
  readonly #report: (what: string) => void;
  #last: DialRecord | undefined;

  constructor(settings: Pick<SyncSettings, 'backoffBaseMs'>, report: (what: string) => void) {
    this.#settings = settings;
    this.#report = report;
  }

  /** Called at the start of each dial of a URL of that host. */
  onDial(dial: DialRecord): void {
    const last = this.#last;
    this.#last = dial;
    if (last === undefined || last.life !== dial.life) return;
    const endedAt = last.failedAt ?? last.startedAt + limits.syncDialPlaceMsMax;
    const waitedMs = dial.startedAt - endedAt;
    if (waitedMs < (last.failedAt === undefined ? 0 : this.#settings.backoffBaseMs) - toleranceMs)
      this.#report(`${dial.url} is dialled ${waitedMs} ms after ${last.url}`);
  }
}
