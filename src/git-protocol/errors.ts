import { GraspError } from '../lib/errors.js';

/** What somebody sent is not what the git protocol allows; the message is fit for the person who pushes. */
export class GitProtocolError extends GraspError {
  constructor(message: string) {
    super('git_protocol', message);
  }
}

/** What a server sends ended before it was whole. */
export class EarlyEndError extends GraspError {
  constructor() {
    super('git_early_end', 'the answer ended before it was whole', { retryable: true });
  }
}

/** A server says, in the protocol itself, that it will not do what it was asked for. */
export class RemoteRefusal extends GraspError {
  /** The object that it was asked for and does not have, or does not give, where it says so. */
  readonly objectId: string | undefined;

  constructor(message: string) {
    super('git_remote_refusal', message);
    this.objectId = refusedObject.exec(message)?.[1];
  }
}

/** In the words of git, and of JGit. */
const refusedObject = /\b(?:not our ref|want) ([0-9a-f]{64}|[0-9a-f]{40})(?: not valid)?$/;

/** The history of the repository at a server is cut off: nothing that it gives is whole. */
export class ShallowRepositoryError extends GraspError {
  constructor() {
    super('git_shallow', 'the repository there is shallow');
  }
}
