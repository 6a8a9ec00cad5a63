import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { noteUse } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { type Deferred, deferred } from '../../lib/abort.js';
import { watchMessageMemory } from '../../lib/budgets/message-memory.js';
import { Growth } from '../../lib/collections/growth.js';
import { errorMessage } from '../../lib/errors.js';
import type { Faults } from '../../lib/faults.js';
import { SocketReader } from '../../lib/turns/socket-reader.js';
import type { TurnScheduler } from '../../lib/turns/turn-scheduler.js';
import { eventFrame, noticeFrame } from '../frames/frames.js';
import { ClientGoneError, type Outbox } from '../frames/outbox.js';
import { SendBuffer, type SendServices } from '../frames/send-buffer.js';
import { textFrameOf, textOf } from '../frames/text-frame.js';
import type { DropReason } from '../relay-metrics.js';
import { ClientPings } from './client-pings.js';
import { ClientSession, type SessionServices } from './client-session.js';

export type ConnectionServices = Omit<SessionServices, 'settings'> & {
  readonly sending: SendServices;
  readonly faults: Faults;
  /** The turns in which all clients are read. */
  readonly reading: TurnScheduler;
  readonly settings: SessionServices['settings'] & {
    readonly sendBytesHigh: number;
    readonly sendBytesLow: number;
    readonly sendBytesMax: number;
    readonly sendStalledMsMax: number;
    readonly pingIntervalMs: number;
  };
};

/** Close codes (RFC 6455). */
const goingAway = 1001;
const noMemory = 'rate-limited: the relay needs the memory that this connection holds';
const textOptions = { binary: false } as const;

/**
 * The socket of one client: the shell around its session. It bounds what waits to be sent, reads no more than can
 * be handled, and tells clients that are gone from those that are quiet.
 */
export class ClientConnection implements Outbox {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #services: ConnectionServices;
  readonly #session: ClientSession;
  readonly #closed = deferred<void>();
  #room: Deferred<void> | undefined;
  readonly #unsent: SendBuffer;
  /** What compression was agreed on for is left to `ws`; else a frame is what leaves, and what comes is read in turns. */
  readonly #isCompressed: boolean;
  readonly #reader: SocketReader | undefined;
  #full = false;
  readonly #pings: ClientPings;
  /** When bytes were last known to leave, or none to wait. */
  #progressAtMs: number;
  /** Whether bytes have left since the last `check()`. */
  #hasSent = false;
  readonly #bytesIn = new Growth();
  readonly #bytesOut = new Growth();
  /** Looks after the connection; to be called every few seconds. Never throws. */
  readonly check: () => void;
  readonly #onSent: () => void;

  /** `addressGroup` is where the client comes from (`lib/budgets/address-group.ts`). */
  constructor(socket: WebSocket, stream: Duplex, addressGroup: string, services: ConnectionServices) {
    this.#socket = socket;
    this.#stream = stream;
    this.#services = services;
    this.check = this.#own(() => this.#check());
    this.#onSent = this.#own(() => this.#takeSent());
    this.#progressAtMs = services.clock.monotonic();
    const payPong = this.#own(() => this.#pings.payPong());
    this.#pings = new ClientPings({
      socket,
      clock: services.clock,
      intervalMs: () => services.settings.pingIntervalMs,
      bytesWaiting: () => this.#bytesWaiting,
      payLater: () => services.sending.nextTick.push(payPong),
      onSent: this.#onSent,
      afterSend: () => this.#afterSend(),
      onSilent: () => this.#drop('silent'),
      onTooMany: () => this.#dropWith('violations', 'rate-limited: too many pings'),
    });
    this.#session = new ClientSession(
      services,
      this,
      addressGroup,
      this.#own(() => this.#updateReading()),
    );
    const { memory } = this.#session;
    const giveWay = () => memory.drop();
    this.#unsent = new SendBuffer(
      stream,
      services.sending,
      { held: memory.open(), giveWay },
      this.#onSent,
      (callback) => this.#own(callback),
    );
    this.#isCompressed = socket.extensions !== '';
    watchMessageMemory(socket, stream, { held: memory.open(), giveWay }, (callback) => this.#own(callback), {
      pieceBytes: limits.socketChunkBytes,
      freeBytes: 0,
    });
    if (!this.#isCompressed)
      this.#reader = new SocketReader({
        socket,
        stream,
        turns: services.reading,
        party: this.#session.requests,
        pieceBytes: limits.clientPieceBytes,
        own: (callback) => this.#own(callback),
      });
    socket.on(
      'message',
      this.#own((data: RawData, isBinary: boolean) => this.#onMessage(data, isBinary)),
    );
    socket.on(
      'ping',
      this.#own((data: Buffer) => this.#pings.onPing(data)),
    );
    socket.on(
      'pong',
      this.#own(() => this.#pings.onPong()),
    );
    socket.on('error', (error) => {
      services.logger.debug({ reason: errorMessage(error) }, 'a client broke the protocol or its connection');
    });
    socket.on(
      'close',
      this.#own(() => this.#onClose()),
    );
  }

  /** Settles when the socket is closed and everything that the client held was given back. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get full(): boolean {
    return this.#full;
  }

  send(text: string): void {
    if (this.#isOpen) this.sendFrame(textFrameOf(text));
  }

  sendFrame(frame: Buffer): void {
    if (!this.#isOpen) return;
    if (this.#isCompressed) this.#socket.send(textOf(frame), textOptions, this.#onSent);
    else this.#unsent.push(frame);
    this.#afterSend();
  }

  sendEvent(prefix: Buffer, eventJson: Uint8Array): void {
    if (!this.#isOpen) return;
    if (this.#isCompressed)
      this.#socket.send(textOf(eventFrame(prefix, eventJson)), textOptions, this.#onSent);
    else this.#unsent.pushEvent(prefix, eventJson);
    this.#afterSend();
  }

  async waitForCapacity(): Promise<void> {
    if (!this.#isOpen) throw new ClientGoneError();
    if (!this.#full) return;
    this.#room ??= deferred<void>();
    await this.#room.promise;
  }

  giveWay(): void {
    this.#dropWith('memory', noMemory);
  }

  shutOut(): void {
    this.#unsent.flush();
    this.#dropWith('violations', 'rate-limited: too many messages that cannot be read, or above the rates');
  }

  #dropWith(reason: DropReason, notice: string): void {
    // Nobody could be told who does not read.
    if (this.#isOpen && this.#stream.writableLength === 0)
      this.#stream.write(textFrameOf(noticeFrame(notice)));
    this.#drop(reason);
  }

  #check(): void {
    this.#countBytes();
    const { clock, settings } = this.#services;
    const nowMs = clock.monotonic();
    if (this.#hasSent || this.#bytesWaiting === 0) this.#progressAtMs = nowMs;
    this.#hasSent = false;
    if (nowMs - this.#progressAtMs >= settings.sendStalledMsMax) this.#drop('slow');
    else this.#pings.check();
  }

  /** Closes what is open, answers what is in hand and says goodbye. Settles when the client's socket is closed. */
  async end(reason: string): Promise<void> {
    await this.#session.end(reason);
    this.#updateReading();
    this.#unsent.flush();
    this.#socket.close(goingAway, 'the relay is shutting down');
    await this.closed;
  }

  terminate(): void {
    this.#socket.terminate();
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#pings.hear();
    noteUse('clientMessageBytesMax', (data as Buffer).length);
    // `nodebuffer` sockets give Buffers, and ws has checked that text is UTF-8.
    if (isBinary) this.#session.refuseBinary((data as Buffer).length);
    else this.#session.receive((data as Buffer).toString('utf8'));
  }

  /** What was sent and has not left for the system. */
  get #bytesWaiting(): number {
    return this.#unsent.bytes + this.#socket.bufferedAmount;
  }

  #afterSend(): void {
    const { sendBytesHigh, sendBytesMax } = this.#services.settings;
    const bytes = this.#bytesWaiting;
    noteUse('clientSendBytesMax', bytes);
    if (bytes > sendBytesMax) {
      this.#drop('slow');
    } else if (bytes >= sendBytesHigh && !this.#full) {
      this.#full = true;
      this.#updateReading();
    }
  }

  #takeSent(): void {
    this.#hasSent = true;
    this.#pings.payPong();
    if (!this.#full || this.#bytesWaiting > this.#services.settings.sendBytesLow) return;
    this.#full = false;
    this.#room?.resolve();
    this.#room = undefined;
    this.#updateReading();
  }

  #updateReading(): void {
    const blocked = this.#full || this.#session.blocked;
    if (blocked === this.#socket.isPaused) return;
    if (blocked) {
      this.#socket.pause();
      return;
    }
    this.#socket.resume();
    this.#reader?.resume();
  }

  /** A callback on behalf of this client: what it throws ends this connection, and nothing else. */
  #own<Arguments extends unknown[]>(
    callback: (...values: Arguments) => void,
  ): (...values: Arguments) => void {
    return this.#services.faults.guard('client', () => this.#drop('fault'), callback);
  }

  #drop(reason: DropReason): void {
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    this.#services.metrics.dropped.inc({ reason });
    this.#services.logger.debug({ reason, bytes: this.#bytesWaiting }, 'dropped a client');
    this.#socket.terminate();
  }

  #onClose(): void {
    try {
      this.#countBytes();
      this.#session[Symbol.dispose]();
    } finally {
      this.#room?.reject(new ClientGoneError());
      this.#room = undefined;
      this.#closed.resolve();
    }
  }

  #countBytes(): void {
    if (!(this.#stream instanceof Socket)) return;
    const { bytesIn, bytesOut } = this.#services.metrics;
    const grownIn = this.#bytesIn.since(this.#stream.bytesRead);
    const grownOut = this.#bytesOut.since(this.#stream.bytesWritten);
    bytesIn.inc(grownIn);
    bytesOut.inc(grownOut);
    this.#session.account.addBytes(grownIn + grownOut);
  }
}
