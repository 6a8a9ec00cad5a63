import { limits } from '../config/limits.js';
import { onAbort, TimeLimitError } from '../lib/abort.js';
import type { Clock } from '../lib/clock.js';
import { Slots } from '../lib/turns/slots.js';
import { type Git, type GitCommand, nameOf } from './git-command.js';
import { HeldPlaceError } from './git-error.js';
import { endInTime } from './processes/end-in-time.js';
import { GitHelper } from './processes/helper-process.js';
import { ProcessGate } from './processes/process-gate.js';

/**
 * Runs git through a helper process, at most `gitProcessesMax` at once, each for at most `gitMsMax`; as many again that may
 * take longer, as their commands say. After the signal aborted nothing is begun, and what runs is ended.
 */
export class GitRunner implements Git {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  /** Few wait here: what works on repositories, and looks at what they lack, does so with few of them at a time. */
  readonly #slots = new Slots(limits.gitProcessesMax);
  /**
   * For those that may take minutes, as a look through all that was pushed: everything else does not wait for them. Who causes
   * several at once is bounded elsewhere, in their number, and here in their places: a party has half of these at most, and
   * gives one of several up where all are held for long while others wait.
   */
  readonly #longGate: ProcessGate;
  readonly #helper: GitHelper;

  /** `helper` ends with the signal; commands that stream may run through it too. */
  constructor(clock: Clock, signal: AbortSignal, helper = new GitHelper(signal)) {
    this.#clock = clock;
    this.#signal = signal;
    this.#helper = helper;
    const places = { runningMax: limits.gitProcessesMax, waitingMax: Number.POSITIVE_INFINITY };
    this.#longGate = new ProcessGate(places, clock);
  }

  /** Rejects with `GitError` or `TimeLimitError`, or with the reason of a signal. */
  async run(command: GitCommand, signal = this.#signal): Promise<string> {
    const { msMax = limits.gitMsMax } = command;
    if (msMax > limits.gitMsMax) return await this.#runLong(command, signal);
    return await this.#slots.use(signal, () => this.#runInHelper(command, signal));
  }

  async #runLong(command: GitCommand, signal: AbortSignal): Promise<string> {
    const ending = new AbortController();
    const end = () => ending.abort(new HeldPlaceError(nameOf(command)));
    const leave = await this.#longGate.enter(signal, command.party, end);
    try {
      return await this.#runInHelper(command, AbortSignal.any([signal, ending.signal]));
    } finally {
      leave();
    }
  }

  async #runInHelper(command: GitCommand, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const helper = this.#helper.current();
    const { id, answer } = helper.ask({ type: 'run', command });
    const { msMax = limits.gitMsMax } = command;
    const limit = endInTime(this.#clock, helper, id, msMax);
    using _ = onAbort(signal, () => helper.end(id));
    try {
      const done = await answer;
      return done.type === 'done' ? done.output : '';
    } catch (error) {
      this.#signal.throwIfAborted();
      signal.throwIfAborted();
      throw limit.isLate ? new TimeLimitError(nameOf(command), msMax) : error;
    } finally {
      limit.cancel();
    }
  }
}
