import type { Reservation } from '../../lib/budgets/memory-budget.js';
import { errorMessage, GraspError } from '../../lib/errors.js';
import { classOf, type FailureClass } from '../../network/failure-class.js';

/** A connection that could not be made or that broke. */
export class TransportError extends GraspError {
  readonly failure: FailureClass;

  constructor(failure: FailureClass, message: string, cause?: unknown) {
    super(`transport_${failure}`, message, { cause, retryable: true });
    this.failure = failure;
  }
}

/** What a remote's socket tells. `onClosed` comes once and last, also after our own `close`. */
export type SocketHandlers = {
  /** The memory of a message that has not come whole; the socket ends when there is no room for it. */
  readonly incoming: Reservation;
  /** A binary message comes as an empty one, which cannot be read either. */
  onMessage(frame: string): void;
  /** A ping or a pong came; pings are answered by the socket itself. */
  onHeartbeat(): void;
  onClosed(error: TransportError | undefined): void;
};

/** An open WebSocket to a remote relay. */
export type RelaySocket = {
  /** Bytes that were given to `send` and have not left yet: look before sending more. */
  readonly bufferedBytes: number;
  send(frame: string): void;
  ping(): void;
  /** Stops reading from the socket, so that the remote feels our backpressure; frames read already may still come. */
  pause?(): void;
  /** Reads again after `pause`. */
  resume?(): void;
  /** Closes; `onClosed` follows, at the latest after a short grace time. */
  close(): void;
};

/** Where to dial. Only a URL that the operator gave is trusted to lead into private address ranges. */
export type DialTarget = { readonly url: string; readonly trusted: boolean };

/** What sync reads of a relay's NIP-11 document; every number is a whole number > 0. */
export type RelayInformation = {
  readonly supportedNips: readonly number[] | undefined;
  readonly maxSubscriptions: number | undefined;
  readonly maxFilters: number | undefined;
  readonly maxMessageBytes: number | undefined;
  readonly maxLimit: number | undefined;
  readonly authRequired: boolean;
  /** Whether it says which GRASPs it supports: a relay for git collaboration. */
  readonly supportsGrasp: boolean;
  /** Whether the document carried a `limitation` at all. */
  readonly hasLimitation: boolean;
};

/** The way to the network: `ws` in the daemon, a seeded world in the simulation. */
export type Dialer = {
  /** Opens a socket. Rejects with `TransportError`, or with the signal's reason. */
  dial(target: DialTarget, handlers: SocketHandlers, signal: AbortSignal): Promise<RelaySocket>;
  /** Reads the NIP-11 document, bounded in size and time; `undefined` when there is none. Never rejects but by the signal. */
  information(target: DialTarget, signal: AbortSignal): Promise<RelayInformation | undefined>;
};

/** A failure of the network as the transport reports it. */
export function transportError(error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  return new TransportError(classOf(error), errorMessage(error), error);
}
