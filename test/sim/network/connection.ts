import type { Clock } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';
import { type RelaySocket, type SocketHandlers, TransportError } from '../../../src/sync/dial/transport.js';
import { type LinkSpeed, Pipe } from './pipe.js';

/** What a host sees of a connection to it. */
export type HostPeer = {
  /** Bytes that were given to `send` and have not left yet. */
  readonly bufferedBytes: number;
  send(text: string): void;
  /** Closes as a WebSocket should, after what was sent before. */
  close(): void;
  /** Breaks off, as a crash does: what is on the way is lost. */
  abort(): void;
};

/** What a host does with a connection. */
export type HostSession = {
  received(text: string): void;
  /** Whether a ping is answered. */
  readonly answersPings: boolean;
  closed(): void;
};

type Frame =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'ping' | 'pong' | 'close' }
  /** The byte at which the connection is lost; `silently` when nobody tells our side. */
  | { readonly type: 'lost'; readonly silently: boolean };

/** How long our own close waits for the other side's, as the `ws` library does. */
const closeGraceMs = 5_000;
const frameHeaderBytes = 6;

/**
 * One connection between our process (the client) and a host. Both ends live here, with a pipe each way between
 * them, so that either can be lost, frozen or closed apart from the other.
 */
export class SimConnection {
  readonly #clock: Clock;
  readonly #handlers: SocketHandlers;
  readonly #toHost: Pipe<Frame>;
  readonly #toClient: Pipe<Frame>;
  readonly #onEnded: () => void;
  #session: HostSession | undefined;
  /** Bytes, both ways together, after which the connection is lost. */
  #bytesLeft = Number.POSITIVE_INFINITY;
  #lostSilently = false;
  #clientOpen = true;
  #clientClosing = false;
  #hostOpen = true;

  constructor(
    clock: Clock,
    random: Random,
    speed: LinkSpeed,
    handlers: SocketHandlers,
    accept: (peer: HostPeer) => HostSession,
    onEnded: () => void,
  ) {
    this.#clock = clock;
    this.#handlers = handlers;
    this.#onEnded = onEnded;
    this.#toHost = new Pipe(clock, random, speed, (frame) => this.#atHost(frame));
    this.#toClient = new Pipe(clock, random, speed, (frame) => this.#atClient(frame));
    const toClient = this.#toClient;
    this.#session = accept({
      get bufferedBytes() {
        return toClient.bufferedBytes;
      },
      send: (text) => {
        if (this.#hostOpen) this.#carry(this.#toClient, { type: 'text', text }, Buffer.byteLength(text));
      },
      close: () => {
        this.#carry(this.#toClient, { type: 'close' }, 2);
        this.#endHost();
      },
      abort: () => this.lose(false),
    });
  }

  /** Whether our side takes the connection for open and has not asked to close it. */
  get isOpenForClient(): boolean {
    return this.#clientOpen && !this.#clientClosing;
  }

  /** Whether anything can still come to our side. */
  get isOpen(): boolean {
    return this.#clientOpen;
  }

  /** The socket as our process holds it. */
  socket(): RelaySocket {
    const toHost = this.#toHost;
    return {
      get bufferedBytes() {
        return toHost.bufferedBytes;
      },
      send: (text) => this.#send({ type: 'text', text }, Buffer.byteLength(text)),
      ping: () => this.#send({ type: 'ping' }, 0),
      close: () => this.#closeByClient(),
    };
  }

  /** Loses the connection when `bytes` more have gone over it, whichever way. */
  loseAfter(bytes: number, silently: boolean): void {
    this.#bytesLeft = bytes;
    this.#lostSilently = silently;
  }

  /** From now on nothing arrives on either side, and neither is told: a half-open socket. */
  freeze(): void {
    this.#toHost.cut();
    this.#toClient.cut();
  }

  /** The connection breaks now. `silently`: our side is not told. */
  lose(silently: boolean): void {
    this.freeze();
    this.#endHost();
    if (!silently) this.#endClient(new TransportError('protocol', 'the connection was reset'));
  }

  /** Our process is gone: no handler is called any more, and the host notices. */
  abandon(): void {
    this.freeze();
    this.#clientOpen = false;
    this.#endHost();
    this.#onEnded();
  }

  #send(frame: Frame, bytes: number): void {
    if (this.isOpenForClient) this.#carry(this.#toHost, frame, bytes);
  }

  #carry(pipe: Pipe<Frame>, frame: Frame, payloadBytes: number): void {
    if (this.#bytesLeft <= 0) return;
    const bytes = payloadBytes + frameHeaderBytes;
    this.#bytesLeft -= bytes;
    pipe.push(this.#bytesLeft > 0 ? frame : { type: 'lost', silently: this.#lostSilently }, bytes);
  }

  #atHost(frame: Frame): void {
    if (frame.type === 'lost') this.lose(frame.silently);
    else if (frame.type === 'close') {
      this.#carry(this.#toClient, { type: 'close' }, 2);
      this.#endHost();
    } else if (frame.type === 'ping') {
      if (this.#session?.answersPings === true) this.#carry(this.#toClient, { type: 'pong' }, 0);
    } else if (frame.type === 'text' && this.#hostOpen) this.#session?.received(frame.text);
  }

  #atClient(frame: Frame): void {
    if (!this.#clientOpen) return;
    if (frame.type === 'lost') this.lose(frame.silently);
    else if (frame.type === 'close') {
      this.#endHost();
      this.#endClient(undefined);
    } else if (frame.type === 'pong') this.#handlers.onHeartbeat();
    else if (frame.type === 'text') this.#handlers.onMessage(frame.text);
  }

  #closeByClient(): void {
    if (!this.isOpenForClient) return;
    this.#carry(this.#toHost, { type: 'close' }, 2);
    this.#clientClosing = true;
    this.#onEnded();
    this.#clock.after(closeGraceMs, () => {
      if (!this.#clientOpen) return;
      this.freeze();
      this.#endHost();
      this.#endClient(undefined);
    });
  }

  #endClient(error: TransportError | undefined): void {
    if (!this.#clientOpen) return;
    this.#clientOpen = false;
    this.#onEnded();
    this.#handlers.onClosed(error);
  }

  #endHost(): void {
    if (!this.#hostOpen) return;
    this.#hostOpen = false;
    this.#session?.closed();
    this.#session = undefined;
  }
}
