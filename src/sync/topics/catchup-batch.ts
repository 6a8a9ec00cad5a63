import type { Layer, Topic } from './layers.js';

/** Why a catch-up runs (docs/sync.md §5): its source label and its pace follow from it. */
export type CatchupTrigger = 'start' | 'reconnect' | 'daily';

/** In the order in which they are served: history that we never had first. */
export const catchupTriggers: readonly CatchupTrigger[] = ['start', 'reconnect', 'daily'];

/** Topics of one layer that are caught up together: the unit that is done, or not, as a whole. */
export type CatchupBatch = {
  readonly trigger: CatchupTrigger;
  readonly layer: Layer;
  readonly topics: readonly Topic[];
  /** Wall-clock seconds before which nothing is asked for; 0 for everything. */
  readonly since: number;
  /** When it was first begun, in wall-clock seconds: what it makes complete, it makes complete as of then. */
  readonly startedAt: number;
  /** How often the remote did not do what the batch asked. */
  failures: number;
};

export type NextCatchup =
  | { readonly type: 'interrupted'; readonly batch: CatchupBatch }
  | {
      readonly type: 'due';
      readonly trigger: CatchupTrigger;
      readonly layer: Layer;
      /** All of them, in the order in which they came, for as long as the table does not change. */
      readonly topics: Iterable<Topic>;
    };

/**
 * From when a batch asks (docs/sync.md §5): everything, but after a reconnect only the look-back, or since the topics
 * were last complete if that is longer ago. Seconds.
 */
export function batchSince(
  trigger: CatchupTrigger,
  oldestDoneAt: number | undefined,
  now: number,
  lookbackSeconds: number,
): number {
  if (trigger !== 'reconnect' || oldestDoneAt === undefined) return 0;
  return Math.max(0, Math.min(now - lookbackSeconds, oldestDoneAt));
}
