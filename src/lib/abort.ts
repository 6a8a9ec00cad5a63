import type { Clock } from './clock.js';
import { GraspError } from './errors.js';

/** Thrown when something took longer than its named limit. A later try may succeed. */
export class TimeLimitError extends GraspError {
  constructor(what: string, limitMs: number) {
    super('time_limit', `${what} took longer than ${limitMs} ms`, { retryable: true, details: { limitMs } });
  }
}

/** Whether `error` is the way an aborted signal ends work, and so no fault to report. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
  );
}

/**
 * Calls `callback` with the signal's reason, once: when the signal aborts, or at once where it has. Disposing of what is
 * returned takes that back.
 */
export function onAbort(signal: AbortSignal | undefined, callback: (reason: unknown) => void): Disposable {
  const listener = () => callback(signal?.reason);
  if (signal?.aborted) listener();
  // The only listener in `src/` (`npm run check`).
  else signal?.addEventListener('abort', listener, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener('abort', listener) };
}

/**
 * Waits for `work`, but no longer than `limitMs` and no longer than `signal` lives. The timer and the listener
 * are gone when it settles. `work` itself is not stopped; the caller releases what it holds.
 */
export async function withTimeLimit<T>(
  clock: Clock,
  what: string,
  limitMs: number,
  work: Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  // Where this is given up before, nobody waits for the work any more: that it fails then must not end the process.
  work.catch(() => {});
  signal?.throwIfAborted();
  const { promise, reject } = deferred<never>();
  const cancel = clock.after(limitMs, () => reject(new TimeLimitError(what, limitMs)));
  using _ = onAbort(signal, reject);
  try {
    return await Promise.race([work, promise]);
  } finally {
    cancel();
  }
}

/** Waits for `work`, but no longer than `signal` lives: rejects with its reason then. `work` itself is not stopped. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const { promise, reject } = deferred<never>();
  using _ = onAbort(signal, reject);
  return await Promise.race([work, promise]);
}

/** A promise with its two ends outside. */
export type Deferred<T> = {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
};

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // A deferred that is rejected while nobody waits yet must not end the process.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
