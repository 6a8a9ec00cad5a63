import { errorCode, errorMessage, GraspError } from '../../lib/errors.js';
import { classOf } from '../../network/failure-class.js';
import type { FetchFailure } from '../remote.js';

/** What went wrong with a fetch, where neither network nor protocol has a name for it. */
export class FetchError extends GraspError {
  readonly failure: FetchFailure;
  /** How long the server wants to be left alone, where it says so. */
  readonly retryAfterMs: number | undefined;

  constructor(failure: FetchFailure, message: string, retryAfterMs?: number) {
    super('git_fetch', message);
    this.failure = failure;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What a status says that is not 200. A redirect could lead anywhere; to us the repository is not there. */
export function errorOfStatus(status: number, retryAfter: string | undefined): FetchError {
  const message = `it answers with ${status}`;
  if (status === 429 || status === 503) {
    const seconds = Number(retryAfter ?? '');
    return new FetchError('limited', message, seconds > 0 ? seconds * 1_000 : undefined);
  }
  if ((status >= 300 && status < 400) || [401, 402, 403, 404, 410, 451].includes(status))
    return new FetchError('absent', message);
  return new FetchError('failed', message);
}

/** Of what the server says in the protocol itself. */
const failureOfCode: Readonly<Record<string, FetchFailure>> = {
  git_protocol: 'invalid',
  git_early_end: 'invalid',
  git_shallow: 'invalid',
  git_remote_refusal: 'absent',
};

/** A failure of the network, by its class as in sync. */
export function networkError(error: unknown): FetchError {
  return error instanceof FetchError ? error : new FetchError(classOf(error), errorMessage(error));
}

/** The class of whatever a fetch was ended by, and one line about it; what is not of the server is ours. */
export function failureOf(error: unknown): {
  readonly failure: FetchFailure;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
} {
  const message = errorMessage(error);
  if (error instanceof FetchError) {
    const { failure, retryAfterMs } = error;
    return { failure, message, retryAfterMs };
  }
  return { failure: failureOfCode[errorCode(error)] ?? 'ours', message, retryAfterMs: undefined };
}
