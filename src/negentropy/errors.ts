import { GraspError } from '../lib/errors.js';

/** What is wrong with a message, with a peer's conduct, or with a call. */
export type NegentropyErrorCode =
  | 'bad_hex'
  | 'message_too_large'
  | 'truncated'
  | 'varint_too_long'
  | 'timestamp_too_large'
  | 'prefix_too_long'
  | 'bounds_unordered'
  | 'trailing_bytes'
  | 'unknown_mode'
  | 'too_many_ids'
  | 'bad_version'
  | 'unsupported_version'
  | 'unasked_range'
  | 'no_progress'
  | 'too_many_rounds'
  | 'too_many_ranges'
  | 'too_many_needed'
  | 'frame_limit_too_small'
  | 'wrong_state';

/** The one error of reconciliation. Its `code` tells a malformed message from a peer that does not converge. */
export class NegentropyError extends GraspError {
  declare readonly code: NegentropyErrorCode;

  constructor(code: NegentropyErrorCode, message: string) {
    super(code, `negentropy: ${message}`);
  }
}
