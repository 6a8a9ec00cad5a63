import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import { type StatusParts, statusParts } from './status-parts.js';
import type { FullStatusReport, StatusSource } from './status-report.js';

/** How the daemon was at a moment, for all who ask about then. */
export type Snapshot = { readonly report: FullStatusReport; readonly parts: StatusParts };

/** Makes snapshots when somebody asks, one for all who ask within a moment: who loads the page again and again costs nothing. */
export class Snapshots {
  readonly #source: Pick<StatusSource, 'report'>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #snapshot: Promise<Snapshot> | undefined;
  #madeAtMs = Number.NEGATIVE_INFINITY;

  constructor(source: Pick<StatusSource, 'report'>, clock: Pick<Clock, 'monotonic'>) {
    this.#source = source;
    this.#clock = clock;
  }

  current(): Promise<Snapshot> {
    const nowMs = this.#clock.monotonic();
    if (this.#snapshot === undefined || nowMs - this.#madeAtMs >= limits.statusAgeMsMax) {
      this.#madeAtMs = nowMs;
      this.#snapshot = this.#make();
    }
    return this.#snapshot;
  }

  async #make(): Promise<Snapshot> {
    const report = await this.#source.report();
    return { report, parts: statusParts(report) };
  }
}
