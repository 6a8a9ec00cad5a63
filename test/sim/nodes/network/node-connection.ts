import { EventEmitter } from 'node:events';
import type { NodeSocket } from '../../../../src/daemon/nodes/links/node-socket.js';
import type { Clock } from '../../../../src/lib/clock.js';
import type { Random } from '../../../../src/lib/random.js';
import { between } from '../../random.js';
import type { WayState } from '../database/database-way.js';
import type { NodeClock } from '../node/node-clock.js';

type Frame =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'ping' | 'pong' }
  /** The other end is gone. */
  | { readonly type: 'end' };

export type ConnectionParts = {
  readonly world: Clock;
  readonly random: Random;
  /** How the way between the two ends is just now. */
  readonly state: () => WayState;
  readonly onEnded: () => void;
};

const latencyMsMax = 8;
const [connecting, open, closed] = [0, 1, 3];

/** A WebSocket between two nodes: what is sent arrives in its order, or waits while the way is silent, as with TCP. */
export class NodeConnection {
  readonly caller: SocketEnd;
  readonly callee: SocketEnd;
  readonly #parts: ConnectionParts;

  constructor(parts: ConnectionParts, callerClock: NodeClock, calleeClock: NodeClock) {
    this.#parts = parts;
    this.caller = new SocketEnd(
      parts,
      callerClock,
      () => this.callee,
      () => this.#look(),
    );
    this.callee = new SocketEnd(
      parts,
      calleeClock,
      () => this.caller,
      () => this.#look(),
    );
  }

  /** The way is open again: what waited arrives. */
  wake(): void {
    for (const end of [this.caller, this.callee]) end.arrive();
  }

  /** Breaks it off: what is on the way is lost, and both are told. */
  reset(): void {
    for (const end of [this.caller, this.callee]) end.lose();
    this.#look();
  }

  #look(): void {
    if (this.caller.readyState === closed && this.callee.readyState !== open) this.#parts.onEnded();
  }
}

/** One end, as its process holds it. */
export class SocketEnd extends EventEmitter implements NodeSocket {
  readyState: number = connecting;
  readonly bufferedAmount = 0;
  readonly #parts: ConnectionParts;
  readonly #clock: NodeClock;
  readonly #other: () => SocketEnd;
  readonly #onClosed: () => void;
  /** What is on its way to here. */
  #coming: { readonly arrivesAt: number; readonly frame: Frame }[] = [];
  /** What is here and was not read. */
  #unread: Frame[] = [];
  #isPaused = false;
  #isLost = false;

  constructor(parts: ConnectionParts, clock: NodeClock, other: () => SocketEnd, onClosed: () => void) {
    super();
    this.#parts = parts;
    this.#clock = clock;
    this.#other = other;
    this.#onClosed = onClosed;
  }

  get isClosed(): boolean {
    return this.readyState === closed;
  }

  /** The handshake is over. */
  opened(): void {
    if (this.readyState !== connecting) return;
    this.readyState = open;
    this.emit('open');
  }

  /** There is no connection. */
  failed(why: string): void {
    if (this.readyState !== connecting) return;
    this.emit('error', new Error(why));
    this.#close();
  }

  send(frame: string): void {
    if (this.readyState === open) this.#push({ type: 'text', text: frame });
  }

  ping(): void {
    if (this.readyState === open) this.#push({ type: 'ping' });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#clock.deliver(0, () => this.#read());
  }

  close(): void {
    this.terminate();
  }

  /** What was sent before may arrive yet. */
  terminate(): void {
    if (this.readyState === closed) return;
    this.#push({ type: 'end' });
    this.readyState = closed;
    this.#onClosed();
    this.#clock.deliver(0, () => this.emit('close'));
  }

  /** Its process is gone. `silently`: the other end is not told. */
  abandon(silently: boolean): void {
    if (this.readyState === closed) return;
    if (!silently) this.#push({ type: 'end' });
    this.readyState = closed;
    this.#onClosed();
  }

  /** The connection breaks; what is on its way to here is lost. */
  lose(): void {
    this.#isLost = true;
    this.#coming = [];
    this.#unread = [];
    if (this.readyState !== closed)
      this.#clock.deliver(between(this.#parts.random, 0, 20), () => this.#close());
  }

  /** Takes what has come by now. */
  arrive(): void {
    if (this.#parts.state() !== 'open') return;
    const now = this.#parts.world.monotonic();
    while ((this.#coming[0]?.arrivesAt ?? Number.POSITIVE_INFINITY) <= now) {
      this.#unread.push((this.#coming.shift() as { frame: Frame }).frame);
      this.#clock.deliver(0, () => this.#read());
    }
  }

  #push(frame: Frame): void {
    const { world, random } = this.#parts;
    const to = this.#other();
    if (to.#isLost) return;
    const earliest = world.monotonic() + between(random, 1, latencyMsMax);
    const arrivesAt = Math.max(earliest, to.#coming.at(-1)?.arrivesAt ?? 0);
    to.#coming.push({ arrivesAt, frame });
    world.after(arrivesAt - world.monotonic(), () => to.arrive());
  }

  #read(): void {
    while (!this.#isPaused && this.readyState === open) {
      const frame = this.#unread.shift();
      if (frame === undefined) return;
      if (frame.type === 'text') this.emit('message', Buffer.from(frame.text));
      else if (frame.type === 'ping') this.#push({ type: 'pong' });
      else if (frame.type === 'pong') this.emit('pong');
      else this.#close();
    }
  }

  #close(): void {
    if (this.readyState === closed) return;
    this.readyState = closed;
    this.#onClosed();
    this.emit('close');
  }
}
