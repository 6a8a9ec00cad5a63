import type { Logger } from 'pino';
import { ClosingRefusedError } from '../../alignment/closing.js';
import type { Options } from '../../config/options.js';
import { OptionsError } from '../../config/options-error.js';
import type { GivenValues } from '../../config/sources/option-sources.js';
import type { ReloadReport } from '../../control/reports.js';
import { errorMessage, GraspError } from '../../lib/errors.js';
import { OptionChange, type OptionUsers } from './apply-options.js';
import { type OptionChanges, optionChanges } from './option-changes.js';

export type ReloaderParts = OptionUsers & {
  /** Reads what is given for options from all sources as they are now; throws an error whose message is for the operator. */
  readonly givenValues: () => GivenValues;
  /** What was given at the start. */
  readonly started: GivenValues;
  readonly logger: Logger;
  /** Told of options that took the place of others. */
  readonly onTaken: (options: Options) => void;
};

type Waiting = { accepted: number; readonly report: Promise<ReloadReport> };

/**
 * Takes the settings anew while the daemon runs: all that may change, or nothing. One runs at a time, and however many are
 * asked for meanwhile are one more behind it.
 */
export class Reloader implements AsyncDisposable {
  readonly #parts: ReloaderParts;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #waiting: Waiting | undefined;

  constructor(parts: ReloaderParts) {
    this.#parts = parts;
  }

  /**
   * Reloads; `accepted` is how many repositories the settings may close. What is wrong with the settings is in the report, and
   * the log says it too; rejects only where the daemon itself fails.
   */
  reload(accepted = 0): Promise<ReloadReport> {
    if (this.#waiting !== undefined) {
      this.#waiting.accepted = Math.max(this.#waiting.accepted, accepted);
      return this.#waiting.report;
    }
    const waiting: Waiting = {
      accepted,
      report: this.#running.then(() => {
        this.#waiting = undefined;
        return this.#reload(waiting.accepted);
      }),
    };
    this.#waiting = waiting;
    this.#running = waiting.report.catch(() => {});
    return waiting.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new GraspError('stopping', 'the daemon is stopping'));
    await this.#running;
  }

  async #reload(accepted: number): Promise<ReloadReport> {
    const { current, started, givenValues, logger, onTaken } = this.#parts;
    this.#stop.signal.throwIfAborted();
    let changes: OptionChanges;
    let change: OptionChange;
    try {
      changes = optionChanges(current.now, started, givenValues());
      change = new OptionChange(this.#parts, changes.options, this.#stop.signal);
      await change.check(accepted);
    } catch (error) {
      if (!isOfSettings(error)) throw error;
      const why = errorMessage(error);
      logger.error({ why }, 'the settings stay as they were: those that there are now cannot be taken');
      return { type: 'refused', why };
    }
    if (changes.changed.length > 0) {
      await change.takeEffect();
      onTaken(changes.options);
    }
    const { changed, needRestart } = changes;
    logger.info({ changed, needRestart }, 'settings reloaded');
    if (needRestart.length > 0)
      logger.warn({ needRestart }, 'these settings changed, and take effect at the next start');
    return { type: 'applied', changed, needRestart };
  }
}

/** Whether the settings are at fault, and not the daemon. */
function isOfSettings(error: unknown): boolean {
  return (
    error instanceof OptionsError ||
    error instanceof ClosingRefusedError ||
    (error instanceof GraspError && error.code === 'usage')
  );
}
