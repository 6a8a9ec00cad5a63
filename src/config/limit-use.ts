import { limits } from './limits.js';

/** The name of a fixed limit. */
export type LimitName = keyof typeof limits;

/** The most that was used of each limit since the process started, where anything was. */
const peaks = new Map<LimitName, number>();

/**
 * Notes that so much of a limit is in use, in its unit, for metrics that tell how near it came. Who compares with a limit asks
 * `exceeds` or `reaches`, which note it.
 */
export function noteUse(limit: LimitName, used: number): void {
  if (used > (peaks.get(limit) ?? 0)) peaks.set(limit, used);
}

/** Whether this is more than the limit allows. */
export function exceeds(limit: LimitName, used: number): boolean {
  noteUse(limit, used);
  return used > limits[limit];
}

/** Whether this is all that the limit allows, or more: there is no room for one more. */
export function reaches(limit: LimitName, used: number): boolean {
  noteUse(limit, used);
  return used >= limits[limit];
}

/** Of each limit that anything was used of, the most that was, as a share of the limit: 1 where it was reached. */
export function peakShares(): ReadonlyMap<LimitName, number> {
  return new Map([...peaks].map(([limit, peak]) => [limit, peak / limits[limit]]));
}
