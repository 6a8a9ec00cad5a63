import { pino } from 'pino';
import { limits } from '../../../../src/config/limits.js';
import { secondMs } from '../../../../src/lib/clock.js';
import { errorMessage } from '../../../../src/lib/errors.js';
import { Faults } from '../../../../src/lib/faults.js';
import type { Random } from '../../../../src/lib/random.js';
import type { VirtualClock } from '../../../support/virtual-clock.js';
import { between, fork, randomHex } from '../../random.js';
import { silent, type Trace } from '../../trace.js';
import { DatabaseWay } from '../database/database-way.js';
import type { SharedDatabase } from '../database/shared-database.js';
import type { NodeNetwork } from '../network/node-network.js';
import { NodeClock } from './node-clock.js';
import { liveAsNode } from './node-life.js';
import type { Side } from './side.js';
import type { Snapshots } from './snapshots.js';

export type NodeParts = {
  readonly index: number;
  readonly world: VirtualClock;
  readonly random: Random;
  readonly database: SharedDatabase;
  readonly network: NodeNetwork;
  readonly snapshots: Snapshots;
  readonly trace: Trace;
  readonly report: (what: string) => void;
  /** Told when it begins to serve something else, and when that ends. */
  readonly onServing: (node: SimNode, side: Side) => void;
  readonly onLeft: (side: Side) => void;
};

type Life = {
  readonly clock: NodeClock;
  readonly folder: string;
  readonly stop: AbortController;
};

/** How far the wall clock of a node may be off. */
const skewMsMax = 1_500;

/** A node: its processes, one after the other, each with what the one before left on the local disk. */
export class SimNode {
  readonly index: number;
  readonly way: DatabaseWay;
  /** How many of its processes ended because they could not go on. */
  exits = 0;
  readonly #parts: NodeParts;
  readonly #skewMs: number;
  #life: Life | undefined;
  #folder: string | undefined;
  #side: Side | undefined;

  constructor(parts: NodeParts) {
    const { index, world, random, database } = parts;
    this.index = index;
    this.#parts = parts;
    this.#skewMs = between(random, -skewMsMax, skewMsMax);
    this.way = new DatabaseWay({ database, world, random: fork(random) });
  }

  /** What it serves clients with just now. */
  get side(): Side | undefined {
    return this.#side;
  }

  /** Of the process that lives. */
  get clock(): NodeClock | undefined {
    return this.#life?.clock;
  }

  get isHanging(): boolean {
    return this.#life?.clock.isHanging === true;
  }

  start(): void {
    if (this.#life !== undefined) return;
    const { index, world, random, network, snapshots, report } = this.#parts;
    const clock = new NodeClock(world, fork(random), this.#skewMs);
    const folder = snapshots.folderAfter(this.#folder);
    const life: Life = { clock, folder, stop: new AbortController() };
    this.#life = life;
    this.#folder = folder;
    this.#trace(() => 'starts');
    const parts = {
      ...{ node: index, clock, folder, network, secret: randomHex(random, 64) },
      logger: this.#logger(),
      faults: new Faults({
        error: (details: unknown) => report(`a callback failed: ${JSON.stringify(details)}`),
      }),
      connect: this.way.connectFor(clock),
      report: (what: string) => report(`node ${index}: ${what}`),
      serve: (side: Side) => this.#serve(life, side),
    };
    liveAsNode(parts, life.stop.signal).then(
      () => this.#ended(life, undefined),
      (error) => this.#ended(life, error),
    );
  }

  /** Ends as SIGTERM does: when the time for that is over, it is killed. Returns whether it had to be by then. */
  async stop(): Promise<'ended' | 'killed'> {
    const life = this.#life;
    if (life === undefined || life.stop.signal.aborted) return 'ended';
    this.#trace(() => 'is asked to end');
    life.clock.deliver(0, () => life.stop.abort(new Error('stopped')));
    await this.#parts.world.sleep(limits.shutdownMsMax);
    if (this.#life !== life) return 'ended';
    this.kill(false);
    return 'killed';
  }

  /** Ends as `kill -9` does, or with its machine, where that is `silently`. */
  kill(silently: boolean): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#trace(() => 'is killed');
    this.#life = undefined;
    life.clock.kill();
    this.#parts.network.ended(this.index, silently);
    this.#leave(this.#side);
  }

  /** For that long nothing of it happens. */
  hang(forMs: number): void {
    const clock = this.#life?.clock;
    if (clock === undefined || clock.isHanging) return;
    this.#trace(() => `hangs for ${forMs} ms`);
    clock.hang();
    this.#parts.world.after(forMs, () => this.#goOn(clock));
  }

  /** From here on all is as it should be. */
  heal(): void {
    const clock = this.#life?.clock;
    if (clock !== undefined) this.#goOn(clock);
    this.start();
  }

  #goOn(clock: NodeClock): void {
    if (!clock.isHanging) return;
    this.#trace(() => 'goes on');
    clock.goOn();
  }

  #serve(life: Life, side: Side): () => void {
    if (this.#life !== life) return () => {};
    this.#side = side;
    this.#trace(() => (side.writing === undefined ? 'serves what another writes' : 'writes'));
    this.#parts.onServing(this, side);
    return () => {
      if (this.#life === life) this.#leave(side);
    };
  }

  #leave(side: Side | undefined): void {
    if (side === undefined || this.#side !== side) return;
    this.#side = undefined;
    this.#trace(() => 'serves no longer');
    this.#parts.onLeft(side);
  }

  /** The process has ended by itself; whoever looks after it starts another, unless it was asked to. */
  #ended(life: Life, error: unknown): void {
    if (this.#life !== life) return;
    this.#life = undefined;
    const isAsked = life.stop.signal.aborted;
    this.#trace(() => `has ended${isAsked ? '' : `: ${errorMessage(error)}`}`);
    this.#leave(this.#side);
    this.#parts.network.ended(this.index, false);
    // Some run for a few milliseconds yet, and are the last.
    this.#parts.world.after(secondMs, () => {
      const { timers } = life.clock;
      if (timers > 0) this.#parts.report(`node ${this.index} leaves ${timers} timers behind`);
      life.clock.kill();
    });
    if (isAsked) return;
    this.exits += 1;
    this.#parts.world.after(between(this.#parts.random, 500, 5 * secondMs), () => this.start());
  }

  #logger() {
    if (this.#parts.trace === silent) return pino({ level: 'silent' });
    return pino({ level: 'debug' }, { write: (line) => this.#trace(() => this.#brief(line)) });
  }

  #brief(line: string): string {
    const { level: _, time: _time, pid: _pid, hostname: _hostname, msg, ...details } = JSON.parse(line);
    return `${msg} ${JSON.stringify(details)}`;
  }

  #trace(text: () => string): void {
    this.#parts.trace(() => `node ${this.index} ${text()}`);
  }
}
