import { setTimeout as nodeSleep } from 'node:timers/promises';

/** Stops a timer; calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/**
 * The one source of time. Everything that waits or asks what time it is takes a `Clock`, so that tests and the
 * simulation run days in a moment.
 */
export type Clock = {
  /** Wall-clock time in milliseconds since 1970; may jump when the operator sets the clock. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For durations, time limits and backoff. */
  monotonic(): number;
  /** Runs `task` once after `delayMs`. The timer does not keep the process alive. */
  after(delayMs: number, task: () => void): CancelTimer;
  /** Resolves after `delayMs`; rejects with the signal's reason when that aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
};

export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** Longest delay that Node's timers take; a longer one would fire at once. */
const timerDelayMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, Math.min(delayMs, timerDelayMsMax));
    timer.unref();
    return () => clearTimeout(timer);
  },
  async sleep(delayMs, signal) {
    signal?.throwIfAborted();
    try {
      await nodeSleep(Math.min(delayMs, timerDelayMsMax), undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** Wall-clock time in whole seconds since 1970, the unit of `created_at` (NIP-01). */
export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
