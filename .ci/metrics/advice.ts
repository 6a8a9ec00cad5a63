import { gitAdvice } from './git-advice.js';
import { processAdvice } from './process-advice.js';
import { syncAdvice } from './sync-advice.js';

/** A part of `docs/metrics.md`. */
export type AdviceSection = {
  readonly title: string;
  /** What to do about each metric, by its name. */
  readonly advice: Readonly<Record<string, string>>;
};

/** Every metric of a daemon with all features, with what to do about it; a test compares it with the real registry. */
export const adviceSections: readonly AdviceSection[] = [...syncAdvice, ...gitAdvice, ...processAdvice];
