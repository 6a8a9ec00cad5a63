import type { Duplex } from 'node:stream';
import { type RawData, WebSocket } from 'ws';
import { backgroundTurns } from '../../config/background-turns.js';
import { noteUse } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { userAgent } from '../../config/version.js';
import { onAbort } from '../../lib/abort.js';
import { watchMessageMemory } from '../../lib/budgets/message-memory.js';
import type { Clock } from '../../lib/clock.js';
import type { Faults } from '../../lib/faults.js';
import { SocketReader } from '../../lib/turns/socket-reader.js';
import type { TurnScheduler } from '../../lib/turns/turn-scheduler.js';
import { type Route, type RouteOptions, routesTo } from '../../network/route.js';
import { relayDomain } from '../../nostr/relay-url.js';
import { fetchInformation } from './information.js';
import {
  type Dialer,
  type DialTarget,
  type RelaySocket,
  type SocketHandlers,
  TransportError,
  transportError,
} from './transport.js';

export type WsDialerOptions = RouteOptions & { readonly clock: Clock; readonly faults: Faults };

/** With what a socket is opened. */
type Opening = {
  readonly way: Route;
  readonly handlers: SocketHandlers;
  readonly signal: AbortSignal;
  /** The turns in which all remotes are read, and whose turns this one has. */
  readonly reading: TurnScheduler;
  readonly group: string | undefined;
};

/** How long the closing handshake of a socket that we closed may take. */
const closeGraceMs = 2_000;

/** WebSockets by `ws`. Addresses are checked when the connection is made; redirects are never followed. */
export function createWsDialer(options: WsDialerOptions): Dialer {
  const wayTo = routesTo(options);
  const reading = backgroundTurns(options.clock, 'catch-up');
  return {
    async dial(target, handlers, signal) {
      signal.throwIfAborted();
      const url = new URL(target.url);
      const group = target.trusted ? undefined : relayDomain(target.url);
      return await open(url, { way: tryWay(wayTo, url, target), handlers, signal, reading, group }, options);
    },
    async information(target, signal) {
      signal.throwIfAborted();
      const url = new URL(target.url);
      try {
        return await fetchInformation(url, wayTo(url, target), signal);
      } catch {
        // Most relays have a document, none has to: without one there are the default limits.
        signal.throwIfAborted();
        return undefined;
      }
    },
  };
}

/** The way to a target. Throws `TransportError` where there is none. */
function tryWay(wayTo: ReturnType<typeof routesTo>, url: URL, target: DialTarget): Route {
  try {
    return wayTo(url, target);
  } catch (error) {
    throw transportError(error);
  }
}

function open(
  url: URL,
  { way, handlers, signal, reading, group }: Opening,
  { clock, faults }: WsDialerOptions,
): Promise<RelaySocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, {
      ...way,
      headers: { 'User-Agent': userAgent },
      maxPayload: limits.remoteFrameBytesMax,
      maxFragments: limits.messageFragmentsMax,
      followRedirects: false,
      // What is compressed is not read in turns, and costs more time than it saves (docs/performance.md).
      perMessageDeflate: false,
    });
    let isOpen = false;
    let failure: TransportError | undefined;
    const dialling = onAbort(signal, () => socket.terminate());
    // An error that our own handlers throw ends this connection only.
    const fail = () => {
      failure ??= new TransportError('refused', 'what it sent could not be handled');
      socket.terminate();
    };
    const owned = <Arguments extends unknown[]>(callback: (...values: Arguments) => void) =>
      faults.guard('remote', fail, callback);
    let stream: Duplex | undefined;
    let reader: SocketReader | undefined;
    socket.on('upgrade', (response) => {
      stream = response.socket;
    });
    socket.on('open', () => {
      isOpen = true;
      if (stream !== undefined) {
        const memory = { held: handlers.incoming, giveWay: () => socket.terminate() };
        watchMessageMemory(socket, stream, memory, owned, {
          pieceBytes: limits.socketChunkBytes,
          freeBytes: limits.remoteMessageFreeBytes,
        });
        const party = { group, isOverBudget: false };
        const { remotePieceBytes: pieceBytes } = limits;
        reader = new SocketReader({ socket, stream, turns: reading, party, pieceBytes, own: owned });
      }
      dialling[Symbol.dispose]();
      resolve(asRelaySocket(socket, reader, clock));
    });
    socket.on(
      'message',
      owned((data: RawData, isBinary: boolean) => {
        noteUse('remoteFrameBytesMax', (data as Buffer).length);
        handlers.onMessage(isBinary ? '' : data.toString());
      }),
    );
    for (const type of ['ping', 'pong'] as const) socket.on(type, owned(handlers.onHeartbeat));
    socket.on('error', (error) => {
      failure ??= transportError(error);
    });
    socket.on(
      'close',
      owned((code: number) => {
        dialling[Symbol.dispose]();
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

/** A connection that ended without a closing handshake (code 1006) was lost. */
function lostWithout(code: number): TransportError | undefined {
  return code === 1006 ? new TransportError('refused', 'the connection was lost') : undefined;
}

function asRelaySocket(socket: WebSocket, reader: SocketReader | undefined, clock: Clock): RelaySocket {
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
    resume() {
      socket.resume();
      reader?.resume();
    },
    close() {
      if (socket.readyState === WebSocket.CLOSED) return;
      // A paused socket would not see the closing handshake.
      socket.resume();
      socket.close(1000);
      reader?.resume();
      const cancel = clock.after(closeGraceMs, () => socket.terminate());
      socket.once('close', cancel);
    },
  };
}
