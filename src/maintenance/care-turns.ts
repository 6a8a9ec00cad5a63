import { limits } from '../config/limits.js';
import { onAbort, TimeLimitError } from '../lib/abort.js';
import { backoffMs } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';

type Rest = { readonly failures: number; readonly untilMs: number };

/**
 * The turns of repositories that are cared for one after the other. Anybody may make one whose care comes to no end, and push to
 * it again: a turn is over after a while where others wait, and who failed rests, for days in the end. Both times double with
 * each failure, so that a large one has its whole care after a few turns.
 */
export class CareTurns {
  readonly #clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly #othersWait: (signal: AbortSignal) => Promise<void>;
  /** By folder. */
  readonly #rests = new Map<string, Rest>();

  /** `othersWait` resolves when somebody else waits for their turn, and rejects with the signal's reason. */
  constructor(clock: Pick<Clock, 'monotonic' | 'sleep'>, othersWait: (signal: AbortSignal) => Promise<void>) {
    this.#clock = clock;
    this.#othersWait = othersWait;
  }

  /** Whether a repository is to be left alone. */
  isResting(gitDir: string): boolean {
    const rest = this.#rests.get(gitDir);
    return rest !== undefined && this.#clock.monotonic() < rest.untilMs;
  }

  /**
   * Does the work of one turn. Its signal aborts when the turn is over, with `TimeLimitError`, or the caller's own does. What
   * it rejects with is a failure.
   */
  async use(
    gitDir: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const failures = this.#rests.get(gitDir)?.failures ?? 0;
    const turn = new AbortController();
    using _ = onAbort(signal, (reason) => turn.abort(reason));
    const done = new AbortController();
    const watched = this.#endWhenOver(turn, failures, done.signal).catch(() => {});
    try {
      await work(turn.signal);
    } catch (error) {
      this.#rest(gitDir, failures);
      throw error;
    } finally {
      done.abort();
      await watched;
    }
  }

  /** A repository was cared for, or removed: nothing is remembered of it. */
  forget(gitDir: string): void {
    this.#rests.delete(gitDir);
  }

  async #endWhenOver(turn: AbortController, failures: number, done: AbortSignal): Promise<void> {
    const msMax = backoffMs(failures, limits.careAwaitedMs, limits.careStepMsMax);
    await this.#clock.sleep(msMax, done);
    await this.#othersWait(done);
    turn.abort(new TimeLimitError('a repack for which others wait', msMax));
  }

  #rest(gitDir: string, failures: number): void {
    const ms = backoffMs(failures, limits.careRestMsMin, limits.careRestMsMax);
    this.#rests.set(gitDir, { failures: failures + 1, untilMs: this.#clock.monotonic() + ms });
  }
}
