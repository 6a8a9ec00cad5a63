/**
 * The closed loop of catch-up (docs/sync.md §5): the next batch goes when one is stored, and later when the
 * remote shows strain. Pure; the wait is in milliseconds.
 */
export type Pace = { readonly waitMs: number };

export const fullPace: Pace = { waitMs: 0 };

const firstWaitMs = 1_000;
const waitMsMax = 60_000;
/** A batch that took this long for each of its requests is strain too. */
const slowRequestMs = 5_000;

/** After a batch: doubles the wait under strain, halves it otherwise. */
export function nextPace(
  pace: Pace,
  batch: { readonly overloaded: boolean; readonly msPerRequest: number },
): Pace {
  if (batch.overloaded || batch.msPerRequest > slowRequestMs) {
    return { waitMs: Math.min(Math.max(firstWaitMs, pace.waitMs * 2), waitMsMax) };
  }
  const waitMs = pace.waitMs / 2;
  return waitMs < firstWaitMs / 4 ? fullPace : { waitMs };
}
