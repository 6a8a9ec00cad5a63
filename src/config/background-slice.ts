import { limits } from './limits.js';

/** What work that can wait takes of each turn of the event loop (`lib/turns/turn-scheduler.ts`). */
export const backgroundSlice = {
  turnMs: limits.loopTurnMs,
  sliceMsMin: limits.backgroundSliceMsMin,
  sliceMsMax: limits.backgroundSliceMsMax,
};
