import type { Clock } from '../lib/clock.js';
import { type Priority, turnOrder } from '../lib/turns/turn-order.js';
import { TurnScheduler } from '../lib/turns/turn-scheduler.js';
import { limits } from './limits.js';

/** What work that can wait takes of each turn of the event loop (`lib/turns/turn-scheduler.ts`). */
const backgroundSlice = {
  turnMs: limits.loopTurnMs,
  sliceMsMin: limits.backgroundSliceMsMin,
  sliceMsMax: limits.backgroundSliceMsMax,
};

type BackgroundPriority = Extract<Priority, 'catch-up' | 'care'>;

const byClock = new WeakMap<Pick<Clock, 'monotonic'>, Map<BackgroundPriority, TurnScheduler>>();

/**
 * The turns of work that can wait, of one priority: one slice of each turn of the event loop for all who do such work by that
 * clock, so that no turn grows with their number.
 */
export function backgroundTurns(
  clock: Pick<Clock, 'monotonic'>,
  priority: BackgroundPriority,
): TurnScheduler {
  const schedulers = byClock.get(clock) ?? new Map<BackgroundPriority, TurnScheduler>();
  byClock.set(clock, schedulers);
  const scheduler =
    schedulers.get(priority) ?? new TurnScheduler(clock, backgroundSlice, turnOrder.of(priority));
  schedulers.set(priority, scheduler);
  return scheduler;
}
