/** Exponential backoff: `min(baseMs · 2^attempt, maxMs)`; attempt 0 waits `baseMs`. Jitter is added after the cap. */
export function backoffMs(attempt: number, baseMs: number, maxMs: number): number {
  return Math.min(baseMs * 2 ** attempt, maxMs);
}
