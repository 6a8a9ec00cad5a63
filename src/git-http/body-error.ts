import { GraspError } from '../lib/errors.js';

/** The body of a request cannot be taken; `status` is what HTTP says about it. */
export class BodyError extends GraspError {
  readonly status: 400 | 408 | 413;

  constructor(status: 400 | 408 | 413, message: string) {
    super('request_body', message);
    this.status = status;
  }
}
