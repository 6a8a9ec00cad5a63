import { NegentropyError, type NegentropyErrorCode } from '../../src/negentropy/errors.js';

/** The code of the `NegentropyError` that `call` throws; any other error is passed on. */
export function codeOf(call: () => unknown): NegentropyErrorCode | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof NegentropyError) return error.code;
    throw error;
  }
  return undefined;
}
