import { withTimeLimit } from './abort.js';
import type { Clock } from './clock.js';

/**
 * Gives work a time limit, and a signal that ends it when the limit is reached or `signal` does. Rejects with
 * `TimeLimitError`, with the signal's reason, or with what the work failed with.
 */
export async function within<T>(
  clock: Clock,
  what: string,
  limitMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const attempt = new AbortController();
  try {
    return await withTimeLimit(clock, what, limitMs, work(attempt.signal), signal);
  } catch (error) {
    attempt.abort(error);
    throw error;
  }
}
