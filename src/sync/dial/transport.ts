import type { Reservation } from '../../lib/budgets/memory-budget.js';
import { errorCode, errorMessage, GraspError } from '../../lib/errors.js';

/** The classes of connection failures, told by error code and never by searching text (docs/sync.md §2). */
export type FailureClass = 'dns' | 'tls' | 'refused' | 'timeout' | 'protocol' | 'policy';

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
  onMessage(frame: string): void;
  onPong(): void;
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

const classOfCode: Readonly<Record<string, FailureClass>> = {
  ENOTFOUND: 'dns',
  ENODATA: 'dns',
  ESERVFAIL: 'dns',
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  ECONNABORTED: 'refused',
  EHOSTUNREACH: 'refused',
  EHOSTDOWN: 'refused',
  ENETUNREACH: 'refused',
  ENETDOWN: 'refused',
  EADDRNOTAVAIL: 'refused',
  EPIPE: 'refused',
  EACCES: 'refused',
  ETIMEDOUT: 'timeout',
  time_limit: 'timeout',
  EPROTO: 'tls',
  CERT_HAS_EXPIRED: 'tls',
  CERT_NOT_YET_VALID: 'tls',
  CERT_REVOKED: 'tls',
  CERT_UNTRUSTED: 'tls',
  CERT_REJECTED: 'tls',
  CERT_SIGNATURE_FAILURE: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  HOSTNAME_MISMATCH: 'tls',
  INVALID_CA: 'tls',
  private_address: 'policy',
  special_name: 'policy',
};

const classOfCodePrefix: readonly (readonly [prefix: string, failure: FailureClass])[] = [
  ['EAI_', 'dns'],
  ['ERR_TLS_', 'tls'],
  ['ERR_SSL_', 'tls'],
  ['UNABLE_TO_', 'tls'],
];

/** The class of a failure, by its error code alone. Errors of the WebSocket protocol have none that is known here. */
export function classOf(error: unknown): FailureClass {
  const code = errorCode(error);
  return (
    classOfCode[code] ?? classOfCodePrefix.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'protocol'
  );
}

/** A failure of the network as the transport reports it. */
export function transportError(error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  return new TransportError(classOf(error), errorMessage(error), error);
}
