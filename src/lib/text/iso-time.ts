import { secondMs } from '../clock.js';

/** The largest time that a `Date` can have, in milliseconds. */
const timeMsMax = 8.64e15;

/** A time of an event, in seconds since 1970, as ISO 8601; it may be any number. */
export function isoTimeOf(seconds: number): string {
  return new Date(Math.min(Math.max(0, seconds * secondMs), timeMsMax)).toISOString();
}
