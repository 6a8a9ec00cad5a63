import type { Clock } from '../../../src/lib/clock.js';

/** The clock, with a report of whatever is done before its time: who trusts such a timer does it once more. */
export function checkedClock(clock: Clock, report: (what: string) => void): Clock {
  const due = (delayMs: number) => {
    const dueMs = clock.monotonic() + delayMs;
    return () => {
      const earlyMs = dueMs - clock.monotonic();
      if (earlyMs > 0) report(`what was to be done in ${delayMs} ms was done ${earlyMs} ms too early`);
    };
  };
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after(delayMs, task) {
      const check = due(delayMs);
      return clock.after(delayMs, () => {
        check();
        task();
      });
    },
    async sleep(delayMs, signal) {
      const check = due(delayMs);
      await clock.sleep(delayMs, signal);
      check();
    },
  };
}
