import { limits } from '../config/limits.js';
import { TimeLimitError } from '../lib/abort.js';
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

/** A git command was ended for others who waited for its place; as one that is too slow, it may be run again. */
export class HeldPlaceError extends TimeLimitError {
  /** `name`: of the command, as a log line has it. */
  constructor(name: string) {
    super(`${name}, for which others waited,`, limits.gitPlacesHeldMsMax);
  }
}
