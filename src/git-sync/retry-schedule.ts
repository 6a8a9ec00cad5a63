import { limits } from '../config/limits.js';
import { backoffMs } from '../lib/backoff.js';
import type { Random } from '../lib/random.js';

/** Whether data counts as new that is known to lack for so long: who publishes waits for that. */
export function isNews(ageMs: number): boolean {
  return ageMs < limits.gitNewsMsMax;
}

/**
 * How long a repository waits after a round of all servers that did not make it complete: 20, 40, 80, 120 s for what is
 * new, up to half an hour for what has lacked for longer (git.md §4). `round` counts from 1. Each wait is drawn out a little,
 * so that those who failed together do not come back together; no wait is longer than that.
 */
export function retryDelayMs(round: number, ageMs: number, random: Random): number {
  const max = isNews(ageMs) ? limits.gitNewsRetryMsMax : limits.gitRetryMsMax;
  const delayMs = backoffMs(round - 1, limits.gitRetryMsMin, max);
  return Math.min(delayMs * (1 + random.next() * limits.gitRetryJitter), limits.gitRetryMsMax);
}
