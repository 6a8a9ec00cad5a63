import { limits } from '../../../../src/config/limits.js';
import { nodeSecretHeader, showsSecret } from '../../../../src/daemon/nodes/links/node-secret.js';
import type { NodeSocket } from '../../../../src/daemon/nodes/links/node-socket.js';
import type { WriterAddress } from '../../../../src/daemon/nodes/links/writer-link.js';
import type { Clock } from '../../../../src/lib/clock.js';
import type { Random } from '../../../../src/lib/random.js';
import { between } from '../../random.js';
import type { WayState } from '../database/database-way.js';
import type { NodeClock } from '../node/node-clock.js';
import { NodeConnection } from './node-connection.js';

/** A process of a node, as others reach it. */
export type Reachable = {
  readonly node: number;
  readonly clock: NodeClock;
  readonly secret: string;
  welcome(socket: NodeSocket): void;
};

type Open = { readonly connection: NodeConnection; readonly from: number; readonly to: number };

export const urlOf = (node: number): string => `http://node-${node}.example`;

/** The ways between the nodes. */
export class NodeNetwork {
  readonly #world: Clock;
  readonly #random: Random;
  /** Those that take followers, by their URLs. */
  readonly #writers = new Map<string, Reachable>();
  readonly #states = new Map<string, WayState>();
  readonly #open = new Set<Open>();

  constructor(world: Clock, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#open.size;
  }

  /** Has a process take followers; returns the end of that. */
  listen(writer: Reachable): () => void {
    const url = urlOf(writer.node);
    this.#writers.set(url, writer);
    return () => {
      if (this.#writers.get(url) === writer) this.#writers.delete(url);
    };
  }

  /** A connection of a process to one that writes, which is being made. */
  dial(from: number, clock: NodeClock, { url, secret }: WriterAddress): NodeSocket {
    const to = Number(/\d+/.exec(url)?.[0]);
    const writer = this.#writers.get(url);
    const opened: Open = {
      connection: new NodeConnection(
        {
          world: this.#world,
          random: this.#random,
          state: () => this.#stateOf(from, to),
          onEnded: () => this.#open.delete(opened),
        },
        clock,
        writer?.clock ?? clock,
      ),
      ...{ from, to },
    };
    const { caller, callee } = opened.connection;
    this.#open.add(opened);
    clock.deliver(limits.nodePatienceMs, () => caller.failed('Opening handshake has timed out'));
    this.#world.after(between(this.#random, 1, 10), () => {
      const state = this.#stateOf(from, to);
      if (state === 'silent') return;
      const isTaken =
        state === 'open' &&
        writer !== undefined &&
        this.#writers.get(url) === writer &&
        showsSecret({ headers: { [nodeSecretHeader]: secret } }, writer.secret);
      if (!isTaken) {
        callee.abandon(true);
        clock.deliver(0, () => caller.failed('connect ECONNREFUSED'));
        return;
      }
      writer.clock.deliver(0, () => {
        if (caller.isClosed) return;
        callee.opened();
        clock.deliver(1, () => caller.opened());
        writer.welcome(callee);
      });
    });
    return caller;
  }

  /** Makes the way between two nodes so. */
  setWay(one: number, other: number, state: WayState): void {
    this.#states.set(wayOf(one, other), state);
    for (const { connection, from, to } of [...this.#open]) {
      if (wayOf(from, to) !== wayOf(one, other)) continue;
      if (state === 'refused') connection.reset();
      if (state === 'open') connection.wake();
    }
  }

  /** Breaks the connections between two nodes off. */
  cut(one: number, other: number): void {
    for (const { connection, from, to } of [...this.#open])
      if (wayOf(from, to) === wayOf(one, other)) connection.reset();
  }

  /** The process of a node is gone. `silently`: others are not told. */
  ended(node: number, silently: boolean): void {
    this.#writers.delete(urlOf(node));
    for (const { connection, from, to } of [...this.#open]) {
      if (from === node) connection.caller.abandon(silently);
      if (to === node) connection.callee.abandon(silently);
    }
  }

  #stateOf(one: number, other: number): WayState {
    return this.#states.get(wayOf(one, other)) ?? 'open';
  }
}

function wayOf(one: number, other: number): string {
  return `${Math.min(one, other)}-${Math.max(one, other)}`;
}
