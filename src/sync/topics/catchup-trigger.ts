/** Why a catch-up runs (docs/sync.md §5): its source label and its pace follow from it. */
export type CatchupTrigger = 'start' | 'reconnect' | 'daily';

/** In the order in which they are served: history that we never had first. */
export const catchupTriggers: readonly CatchupTrigger[] = ['start', 'reconnect', 'daily'];
