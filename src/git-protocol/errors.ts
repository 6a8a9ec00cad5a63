import { GraspError } from '../lib/errors.js';

/** What a client sent is not what the git protocol allows; the message is fit for the person who pushes. */
export class GitProtocolError extends GraspError {
  constructor(message: string) {
    super('git_protocol', message);
  }
}
