import { HeldPlaceError } from '../git/git-error.js';
import { PackGrowthError } from '../git/objects/pack-growth.js';
import { LongPathError } from '../git/objects/path-check.js';
import { errorCode, errorMessage } from '../lib/errors.js';
import { PushAgainError } from './pushed-objects.js';

/**
 * What who pushes is told of a push that failed, where that is about what they sent, or says what another try can do;
 * `undefined` for all else.
 */
export function reasonForPusher(error: unknown): string | undefined {
  if (error instanceof HeldPlaceError)
    return 'others wait, and this push took git longer than theirs; push again later, or less at once';
  const isTold =
    errorCode(error) === 'request_body' ||
    error instanceof PushAgainError ||
    error instanceof PackGrowthError ||
    error instanceof LongPathError;
  return isTold ? errorMessage(error) : undefined;
}
