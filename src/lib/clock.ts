import { deferred, onAbort } from './abort.js';

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
  /** Runs `task` once, when `monotonic` is `delayMs` further, or later. The timer does not keep the process alive. */
  after(delayMs: number, task: () => void): CancelTimer;
  /** Resolves after `delayMs`; rejects with the signal's reason when that aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
};

export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** The timers of a platform: they may fire a little early, as Node's do, or late, or several in one turn. */
export type Timers = Pick<Clock, 'now' | 'monotonic'> & {
  /** Runs `task` once after about `delayMs`; `keepsAlive` says whether the process lives until then. */
  set(delayMs: number, keepsAlive: boolean, task: () => void): CancelTimer;
};

/** Longest delay that a timer of Node takes; a longer one would fire at once. */
const timerDelayMsMax = 2 ** 31 - 1;

/**
 * A clock upon the timers of a platform. It is here, and nowhere else, that a deadline is compared with the time: a
 * timer that fires before it is set again for what is left, so that nobody acts early, and then once more.
 */
export function clockOf(timers: Timers): Clock {
  const after = (delayMs: number, keepsAlive: boolean, task: () => void): CancelTimer => {
    const deadline = timers.monotonic() + delayMs;
    let cancel: CancelTimer = () => {};
    const arm = (leftMs: number) => {
      cancel = timers.set(Math.min(leftMs, timerDelayMsMax), keepsAlive, () => {
        const stillMs = deadline - timers.monotonic();
        if (stillMs > 0) arm(stillMs);
        else task();
      });
    };
    arm(delayMs);
    return () => cancel();
  };
  return {
    now: () => timers.now(),
    monotonic: () => timers.monotonic(),
    after: (delayMs, task) => after(delayMs, false, task),
    async sleep(delayMs, signal) {
      signal?.throwIfAborted();
      const { promise, resolve, reject } = deferred<void>();
      const cancel = after(delayMs, true, resolve);
      using _ = onAbort(signal, (reason) => {
        cancel();
        reject(reason);
      });
      await promise;
    },
  };
}

export const systemClock: Clock = clockOf({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  set(delayMs, keepsAlive, task) {
    const timer = setTimeout(task, delayMs);
    if (!keepsAlive) timer.unref();
    return () => clearTimeout(timer);
  },
});

/** Wall-clock time in whole seconds since 1970, the unit of `created_at` (NIP-01). */
export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
