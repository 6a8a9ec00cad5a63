import type { Logger } from 'pino';
import { makeBackup } from '../../backup/backup.js';
import { exportLines } from '../../backup/export.js';
import { backgroundTurns } from '../../config/background-turns.js';
import { reaches } from '../../config/limit-use.js';
import { BadControlRequest, BusyControl } from '../../control/control-server.js';
import { textOf } from '../../git/bare-repositories.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { TurnScheduler } from '../../lib/turns/turn-scheduler.js';
import type { Filter } from '../../nostr/filter.js';
import type { Core } from '../core.js';

export type BackupDeskParts = Pick<Core, 'store' | 'image' | 'repositories' | 'git' | 'locks'> & {
  readonly domain: string;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Gives backups of what a core has, one at a time: each holds disk space for as long as it takes. */
export class BackupDesk {
  readonly #parts: BackupDeskParts;
  readonly #turns: TurnScheduler;
  #isBusy = false;
  #exports = 0;

  constructor(parts: BackupDeskParts) {
    this.#parts = parts;
    this.#turns = backgroundTurns(parts.clock, 'care');
  }

  /**
   * The lines of an export, the last of which says what was given. Rejects with `BusyControl` while too many are
   * under way: each keeps LevelDB from letting go of what is replaced.
   */
  async *export(filters: readonly Filter[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { image, store } = this.#parts;
    if (image === undefined) throw new BadControlRequest('events in memory cannot be exported');
    if (reaches('exportsAtOnceMax', this.#exports)) throw new BusyControl('other exports are under way');
    this.#exports += 1;
    try {
      const end = yield* exportLines({ image, store, turns: this.#turns }, filters, signal);
      yield Buffer.from(`${JSON.stringify({ end })}\n`);
    } finally {
      this.#exports -= 1;
    }
  }

  /** The bytes of a backup, with the repositories or without. Rejects with `BusyControl` while another is taken. */
  async *take(hasRepositories: boolean, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { image, store, log, clock } = this.#parts;
    if (image === undefined) throw new BadControlRequest('events in memory cannot be backed up');
    if (this.#isBusy) throw new BusyControl('another backup is being taken');
    this.#isBusy = true;
    const beganAtMs = clock.monotonic();
    let bytes = 0;
    let moment = '';
    let isWhole = false;
    try {
      const parts = {
        ...this.#parts,
        image,
        hasRepositories,
        size: () => store.size,
        turns: this.#turns,
        onMoment: (manifest: { readonly moment: string; readonly lastSequence: number }) => {
          moment = manifest.moment;
          log.info({ moment, lastSequence: manifest.lastSequence }, 'backup begins');
        },
        onUnreadable: (key: Parameters<typeof textOf>[0], error: unknown) =>
          log.error(
            { repository: textOf(key), error: errorMessage(error) },
            'a backup leaves a repository out',
          ),
      };
      for await (const piece of makeBackup(parts, signal)) {
        bytes += piece.length;
        yield piece;
      }
      isWhole = true;
    } finally {
      this.#isBusy = false;
      const details = { moment, bytes, seconds: Math.round((clock.monotonic() - beganAtMs) / 1000) };
      if (isWhole) log.info(details, 'backup given');
      else log.warn(details, 'backup broken off');
    }
  }
}
