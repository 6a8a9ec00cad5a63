import { GraspError } from '../lib/errors.js';

/** A git process or a step on disk that failed; unless it says otherwise, a later try may succeed. */
export class GitError extends GraspError {
  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; retryable?: boolean; details?: Record<string, unknown> } = {},
  ) {
    super(code, message, { retryable: true, ...options });
  }
}
