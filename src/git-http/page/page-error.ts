import { GraspError } from '../../lib/errors.js';

/** Git could not say what a page shows; the message is one that whoever asks may see. */
export class PageError extends GraspError {
  constructor(cause: unknown) {
    super('page_failed', 'git could not read this repository', { cause });
  }
}
