import type { LookupFunction } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import type { Faults } from '../lib/faults.js';
import { isAddress, isPublicAddress } from './address-policy.js';
import {
  checkedLookup,
  PrivateAddressError,
  type Resolver,
  systemResolver,
  uncheckedLookup,
} from './checked-lookup.js';
import { transportError } from './failure-class.js';
import { fetchInformation } from './information.js';
import {
  type Dialer,
  type DialTarget,
  type RelaySocket,
  type SocketHandlers,
  TransportError,
} from './transport.js';

export type WsDialerOptions = {
  readonly clock: Clock;
  readonly faults: Faults;
  /** Whether URLs of events may lead into private networks too. */
  readonly allowPrivate: boolean;
  /** For tests; the system's otherwise. */
  readonly resolve?: Resolver;
};

/** How long a socket that we closed may take to say good-bye. */
const closeGraceMs = 2_000;

/** WebSockets by `ws`. Addresses are checked when the connection is made; redirects are never followed. */
export function createWsDialer(options: WsDialerOptions): Dialer {
  const resolve = options.resolve ?? systemResolver;
  const isFree = (target: DialTarget) => target.trusted || options.allowPrivate;
  const lookupOf = (target: DialTarget) =>
    isFree(target) ? uncheckedLookup(resolve) : checkedLookup(resolve);
  return {
    async dial(target, handlers, signal) {
      signal.throwIfAborted();
      const url = new URL(target.url);
      if (!isFree(target)) checkLiteral(url);
      return await open(url, lookupOf(target), handlers, signal, options);
    },
    async information(target, signal) {
      signal.throwIfAborted();
      const url = new URL(target.url);
      try {
        if (!isFree(target)) checkLiteral(url);
        return await fetchInformation(url, lookupOf(target), signal);
      } catch {
        // Most relays have a document, none has to: without one there are the default limits.
        signal.throwIfAborted();
        return undefined;
      }
    },
  };
}

/** An address needs no lookup, so it is looked at here. */
function checkLiteral(url: URL): void {
  if (!isAddress(url.hostname) || isPublicAddress(url.hostname)) return;
  throw transportError(new PrivateAddressError(url.hostname));
}

function open(
  url: URL,
  lookup: LookupFunction,
  handlers: SocketHandlers,
  signal: AbortSignal,
  { clock, faults }: WsDialerOptions,
): Promise<RelaySocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, {
      lookup,
      maxPayload: limits.remoteFrameBytesMax,
      followRedirects: false,
      // No context is kept between messages: what a remote can make us hold stays small.
      perMessageDeflate: {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        concurrencyLimit: 4,
      },
    });
    let isOpen = false;
    let failure: TransportError | undefined;
    const onAbort = () => socket.terminate();
    signal.addEventListener('abort', onAbort, { once: true });
    // What our own handlers throw ends this connection.
    const fail = () => {
      failure ??= new TransportError('refused', 'what it sent could not be handled');
      socket.terminate();
    };
    const owned = <Arguments extends unknown[]>(callback: (...values: Arguments) => void) =>
      faults.guard('remote', fail, callback);
    socket.on('open', () => {
      isOpen = true;
      signal.removeEventListener('abort', onAbort);
      resolve(asRelaySocket(socket, clock));
    });
    socket.on(
      'message',
      owned((data: RawData, isBinary: boolean) => {
        if (!isBinary) handlers.onMessage(data.toString());
      }),
    );
    socket.on('pong', owned(handlers.onPong));
    socket.on('error', (error) => {
      failure ??= transportError(error);
    });
    socket.on(
      'close',
      owned((code: number) => {
        signal.removeEventListener('abort', onAbort);
        if (isOpen) return handlers.onClosed(failure ?? lostWithout(code));
        reject(
          signal.aborted
            ? signal.reason
            : (failure ?? new TransportError('refused', 'the connection was closed')),
        );
      }),
    );
  });
}

/** A connection that just ended, without a closing handshake, was lost; with one, it ended as it should. */
function lostWithout(code: number): TransportError | undefined {
  return code === 1006 ? new TransportError('refused', 'the connection was lost') : undefined;
}

function asRelaySocket(socket: WebSocket, clock: Clock): RelaySocket {
  return {
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send(frame) {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    ping() {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close() {
      if (socket.readyState === WebSocket.CLOSED) return;
      // A paused socket would not see the other side's good-bye.
      socket.resume();
      socket.close(1000);
      const cancel = clock.after(closeGraceMs, () => socket.terminate());
      socket.once('close', cancel);
    },
  };
}
