import { limits } from '../../config/limits.js';

/** What has come from a relay of what it was asked for in catch-up. */
export type Progress = {
  readonly bytes: number;
  readonly events: number;
  /** Whether we have not yet looked at all that came, so that it is we who are slow. */
  readonly isBehind: boolean;
};

/** Whether what came in that time is progress, and not a drip that keeps a place. */
export function isProgress(before: Progress, now: Progress, elapsedMs: number): boolean {
  if (now.isBehind) return true;
  const seconds = elapsedMs / 1000;
  return (
    now.bytes - before.bytes >= limits.syncProgressBytesPerSecondMin * seconds ||
    now.events - before.events >= limits.syncProgressEventsPerSecondMin * seconds
  );
}
