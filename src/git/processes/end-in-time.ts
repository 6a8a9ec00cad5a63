import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import type { HelperProcess } from './helper-process.js';

/** The time limit of a command. */
export type TimedEnd = { readonly isLate: boolean; cancel(): void };

/** Ends a command of the helper that takes longer than `msMax`. */
export function endInTime(clock: Clock, helper: HelperProcess, id: number, msMax: number): TimedEnd {
  let isLate = false;
  let cancel = clock.after(msMax, () => {
    isLate = true;
    helper.end(id);
    // The helper kills what does not end; one that does not answer then is broken itself.
    cancel = clock.after(2 * limits.gitKillMs, () => helper.kill());
  });
  return {
    get isLate() {
      return isLate;
    },
    cancel: () => cancel(),
  };
}
