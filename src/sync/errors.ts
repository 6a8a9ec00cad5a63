import { GraspError } from '../lib/errors.js';

/** The connection to the remote ended while something was asked of it. */
export class PeerGoneError extends GraspError {
  constructor(relay: string) {
    super('peer_gone', `the connection to ${relay} ended`, { retryable: true, details: { relay } });
  }
}

/** The remote does not let us in (NIP-42), or we have no key to ask with. */
export class AccessDeniedError extends GraspError {
  constructor(relay: string, reason: string) {
    super('access_denied', `${relay} does not let us in`, {
      details: { relay, reason: reason.slice(0, 200) },
    });
  }
}

/** The remote did not do what was asked, time and again; the rest is tried later. */
export class PeerOverloadedError extends GraspError {
  constructor(relay: string, what: string) {
    super('peer_overloaded', `${relay} ${what}`, { retryable: true, details: { relay } });
  }
}

/** What a batch of catch-up asks about is not wanted any more. */
export class BatchUnwantedError extends GraspError {
  constructor(relay: string) {
    super('batch_unwanted', `a batch of ${relay} is not wanted any more`, { details: { relay } });
  }
}

/** The time of one batch of catch-up is over; it goes on in its next turn. */
export class BatchTurnOverError extends GraspError {
  constructor(relay: string) {
    super('batch_turn_over', `a batch of ${relay} takes long`, { retryable: true, details: { relay } });
  }
}
