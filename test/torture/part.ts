import type { Random } from '../../src/lib/random.js';
import type { PromiseName } from './promise-table.js';

/** One way to torture graspd: a file or a folder each, listed in `parts.ts`. */
export type Part = {
  /** As `--only` takes it. */
  readonly name: string;
  readonly about: string;
  /** The share of a run's time, beside those of the other parts; any unit. */
  readonly share: number;
  /** Why it cannot run on this machine, in a few words; absent or `undefined` when it can. */
  obstacle?(): Promise<string | undefined>;
  /**
   * Goes on until the time is over, with at least one attempt at each of its promises however short that is. What breaks
   * a promise is told to `run.broken`; what is thrown is a fault of the part, and counts as a failure too.
   */
  run(run: PartRun): Promise<void>;
};

/** What a part is given, and what it tells. */
export type PartRun = {
  /** All choices come from here or from this seed, so that a run can be repeated as far as processes allow. */
  readonly seed: number;
  readonly random: Random;
  /** A temporary folder of the part, removed after it unless a promise broke. */
  readonly folder: string;
  /** Aborts when the run is interrupted: end soon, and leave no process behind. */
  readonly signal: AbortSignal;
  /** Milliseconds of this part's time that are left; below 0 when it is over. */
  timeLeft(): number;
  /** Counts attempts to break a promise. */
  tried(promise: PromiseName, count?: number): void;
  /** A promise was broken: how, with all that is needed to do it again. */
  broken(promise: PromiseName, how: string): void;
  /** A figure for the table, in place of an earlier one of the same name: `figure('loop-turns', 'p99', '12 ms')`. */
  figure(promise: PromiseName, name: string, value: string): void;
  /** Says in a few words how far it is. */
  progress(words: string): void;
};
