import type { Logger } from 'pino';
import { BusyControl, type ControlRoute } from '../../control/control-server.js';
import { type ImportReport, runImport } from '../../import/import-run.js';
import type { Clock } from '../../lib/clock.js';
import type { Core } from '../core.js';

export type ImportDeskParts = Pick<Core, 'admission' | 'alignment'> & {
  readonly clock: Clock;
  readonly log: Logger;
};

/** Takes the events that the operator gives, one file at a time: each keeps on disk what it has to try again. */
export class ImportDesk {
  readonly #parts: ImportDeskParts;
  #isBusy = false;

  constructor(parts: ImportDeskParts) {
    this.#parts = parts;
  }

  /** Stores what the policy takes of JSON lines. Rejects with `BusyControl` while another import is under way. */
  async *take(lines: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<ImportReport> {
    if (this.#isBusy) throw new BusyControl('another import is under way');
    this.#isBusy = true;
    const { admission, alignment, clock, log } = this.#parts;
    const beganAtMs = clock.monotonic();
    let last: ImportReport | undefined;
    log.info('import begins');
    try {
      using watch = alignment.watch();
      for await (const report of runImport(lines, { admission, alignment: watch, clock }, signal)) {
        last = report;
        yield report;
      }
    } finally {
      this.#isBusy = false;
      const { bytes = 0, counts, end } = last ?? {};
      const details = { bytes, ...counts, seconds: Math.round((clock.monotonic() - beganAtMs) / 1000) };
      if (end?.type === 'whole') log.info({ ...details, unaligned: end.unaligned }, 'import done');
      else log.warn(details, 'import broken off');
    }
  }
}

/** Has the daemon import what is sent. */
export function importRoute(desk: ImportDesk): ControlRoute {
  return { method: 'POST', path: '/import', take: (lines, signal) => desk.take(lines, signal) };
}
