/**
 * The one error type of the daemon. `code` says what happened in a stable, searchable word; `retryable` says
 * whether trying the same thing again later can help; `details` carries the values that a log line needs.
 */
export class GraspError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; retryable?: boolean; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}

/** The `code` of any thrown value: ours, Node's (`ECONNREFUSED`, …), or `unknown`. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return 'unknown';
}

/** The message of any thrown value, on one line. */
export function errorMessage(error: unknown): string {
  // Node says nothing by itself of a connection that failed at several addresses.
  if (error instanceof AggregateError && error.message === '')
    return error.errors.slice(0, 8).map(errorMessage).join('; ');
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, ' ');
}
