import type { Clock } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';
import type { FailureClass } from '../../../src/network/failure-class.js';
import {
  type Dialer,
  type DialTarget,
  type RelayInformation,
  type RelaySocket,
  type SocketHandlers,
  TransportError,
} from '../../../src/sync/dial/transport.js';
import { chance } from '../random.js';
import type { Trace } from '../trace.js';
import { type HostPeer, type HostSession, SimConnection } from './connection.js';
import type { LinkSpeed } from './pipe.js';

/** A machine that can be dialled. */
export type Host = {
  readonly url: string;
  accept(peer: HostPeer): HostSession;
  information(): RelayInformation | undefined;
};

/** What becomes of a dial: a host that listens, one that refuses with a class, one that swallows every packet. */
export type Reachability = 'up' | FailureClass | 'black-hole';

/** A dial as it went, for the check of the backoff. Times are milliseconds of the world's monotonic clock. */
export type DialRecord = {
  readonly url: string;
  /** Counts our processes, from their start to their end or crash. */
  readonly life: number;
  readonly startedAt: number;
  /** When the dial failed; undefined while it runs and when it succeeded. */
  failedAt?: number;
  openedAt?: number;
  /** When either side closed it, or it was lost. */
  endedAt?: number;
};

/** The faults that the network adds by itself while they are on. */
export type NetworkFaults = {
  /** The chance that a new connection is lost after some bytes. */
  readonly lossChance: number;
  /** Such a loss comes within so many bytes. */
  readonly lossBytesMax: number;
  /** The chance that a loss leaves our side with a half-open socket. */
  readonly silentLossChance: number;
};

export const noFaults: NetworkFaults = { lossChance: 0, lossBytesMax: 0, silentLossChance: 0 };

/** What a black hole keeps a dial waiting for: the kernel's own time limit, longer than any of ours. */
const blackHoleMs = 130_000;
/** What the real `information` allows itself. */
const informationLimitMs = 10_000;

type Line = { readonly host: Host; readonly speed: LinkSpeed; reachability: Reachability };
type Life = { readonly number: number; readonly connections: Map<SimConnection, string>; alive: boolean };

/** The network between our processes and the hosts. */
export class SimNetwork {
  readonly dials: DialRecord[] = [];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #trace: Trace;
  readonly #lines = new Map<string, Line>();
  readonly #lives: Life[] = [];
  readonly #onDial: (record: DialRecord) => void;
  faults: NetworkFaults = noFaults;

  /** `onDial` is called at the start of every dial, with the record still open. */
  constructor(clock: Clock, random: Random, trace: Trace, onDial: (record: DialRecord) => void = () => {}) {
    this.#clock = clock;
    this.#random = random;
    this.#trace = trace;
    this.#onDial = onDial;
  }

  add(host: Host, speed: LinkSpeed): void {
    this.#lines.set(host.url, { host, speed, reachability: 'up' });
  }

  setReachability(url: string, reachability: Reachability): void {
    const line = this.#lines.get(url);
    if (line === undefined || line.reachability === reachability) return;
    this.#trace(() => `network: ${url} is ${reachability}`);
    line.reachability = reachability;
  }

  reachabilityOf(url: string): Reachability {
    return this.#lines.get(url)?.reachability ?? 'dns';
  }

  /** Breaks the open connections to a host; `silently` leaves our side half open. */
  loseConnections(url: string, silently: boolean): void {
    for (const connection of this.#connectionsTo(url)) {
      this.#trace(() => `network: connection to ${url} lost${silently ? ' silently' : ''}`);
      connection.lose(silently);
    }
  }

  /** Lets all open connections live on, however many bytes they were meant to last. */
  spareConnections(): void {
    for (const { connections } of this.#lives) {
      for (const connection of connections.keys()) connection.loseAfter(Number.POSITIVE_INFINITY, false);
    }
  }

  /** How many connections to the host our living process takes for open. */
  openConnections(url: string): number {
    return this.#connectionsTo(url).filter((connection) => connection.isOpenForClient).length;
  }

  /** The way to the network for a new process of ours; the one before must have ended or crashed. */
  startLife(): { readonly dialer: Dialer; crash(): void } {
    const life: Life = { number: this.#lives.length, connections: new Map(), alive: true };
    this.#lives.push(life);
    return {
      dialer: {
        dial: (target, handlers, signal) => this.#dial(life, target, handlers, signal),
        information: (target, signal) => this.#information(life, target, signal),
      },
      crash: () => {
        life.alive = false;
        for (const connection of [...life.connections.keys()]) connection.abandon();
      },
    };
  }

  #connectionsTo(url: string): SimConnection[] {
    return this.#lives.flatMap((life) =>
      [...life.connections].flatMap(([connection, to]) => (to === url ? [connection] : [])),
    );
  }

  async #dial(
    life: Life,
    target: DialTarget,
    handlers: SocketHandlers,
    signal: AbortSignal,
  ): Promise<RelaySocket> {
    signal.throwIfAborted();
    if (!life.alive) return await never();
    const { url } = target;
    const record: DialRecord = { url, life: life.number, startedAt: this.#clock.monotonic() };
    this.dials.push(record);
    this.#onDial(record);
    try {
      const line = await this.#reach(url, signal);
      if (!life.alive) return await never();
      const connection: SimConnection = new SimConnection(
        this.#clock,
        this.#random,
        line.speed,
        handlers,
        (peer) => line.host.accept(peer),
        () => {
          record.endedAt ??= this.#clock.monotonic();
          if (!connection.isOpen) life.connections.delete(connection);
        },
      );
      life.connections.set(connection, url);
      record.openedAt = this.#clock.monotonic();
      this.#spoil(connection);
      this.#trace(() => `network: connected to ${url}`);
      return connection.socket();
    } catch (error) {
      if (!life.alive) return await never();
      record.failedAt = this.#clock.monotonic();
      this.#trace(() => `network: dial of ${url} failed: ${String(error)}`);
      throw error;
    }
  }

  /** The way to a host and the handshake with it. */
  async #reach(url: string, signal: AbortSignal): Promise<Line> {
    const line = this.#lines.get(url);
    const handshakeMs = 2 * (line?.speed.latencyMs ?? 10) * (1 + this.#random.next());
    await this.#clock.sleep(line?.reachability === 'black-hole' ? blackHoleMs : handshakeMs, signal);
    if (line === undefined) throw new TransportError('dns', `no address for ${url}`);
    if (line.reachability === 'black-hole') throw new TransportError('timeout', `${url} timed out`);
    if (line.reachability !== 'up') throw new TransportError(line.reachability, `${url} cannot be reached`);
    return line;
  }

  #spoil(connection: SimConnection): void {
    const { lossChance, lossBytesMax, silentLossChance } = this.faults;
    if (!chance(this.#random, lossChance)) return;
    // Small numbers are as likely as large ones: the first frames matter as much as the thousandth.
    const bytes = Math.floor(lossBytesMax ** this.#random.next());
    connection.loseAfter(bytes, chance(this.#random, silentLossChance));
  }

  async #information(
    life: Life,
    target: DialTarget,
    signal: AbortSignal,
  ): Promise<RelayInformation | undefined> {
    signal.throwIfAborted();
    const line = this.#lines.get(target.url);
    const isHole = line?.reachability === 'black-hole';
    await this.#clock.sleep(isHole ? informationLimitMs : 4 * (line?.speed.latencyMs ?? 10), signal);
    if (!life.alive) return await never();
    return line?.reachability === 'up' ? line.host.information() : undefined;
  }
}

/** What a process waits for that is gone meanwhile. */
function never(): Promise<never> {
  return new Promise(() => {});
}
