import { GraspError } from '../lib/errors.js';

/** Given to those whose event was still waiting when the daemon stopped. */
export class AdmissionClosedError extends GraspError {
  constructor() {
    super('admission_closed', 'the daemon is stopping', { retryable: true });
  }
}
