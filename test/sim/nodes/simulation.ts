import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '../../../src/config/limits.js';
import { secondMs } from '../../../src/lib/clock.js';
import { type Random, seededRandom } from '../../../src/lib/random.js';
import { settle, VirtualClock } from '../../support/virtual-clock.js';
import { fork, pick } from '../random.js';
import { silent, type Trace, traceTo } from '../trace.js';
import { noStatementFaults } from './database/database-way.js';
import { SharedDatabase } from './database/shared-database.js';
import { happen, type Scene } from './incidents.js';
import { NodeNetwork } from './network/node-network.js';
import { SimNode } from './node/node.js';
import type { Side } from './node/side.js';
import { Snapshots } from './node/snapshots.js';
import { drawNodes, type NodesScenario } from './scenario.js';
import { expirySecondsMax } from './world/author.js';
import { Crowd } from './world/crowd.js';
import { differences } from './world/differences.js';
import { Ledger } from './world/ledger.js';
import { Operator } from './world/operator.js';
import { ServedBefore } from './world/served-before.js';

/** How a seed went: what was found wrong, each told once, and some figures. */
export type NodesOutcome = {
  readonly seed: number;
  readonly failures: readonly string[];
  /** Events that were promised, how often another node took over, and how often the log was compacted. */
  readonly acknowledged: number;
  readonly takeovers: number;
  readonly compactions: number;
  /** Statements that took effect after they were given up, and lives that began from a snapshot that was not their last. */
  readonly late: number;
  readonly stale: number;
};

const failuresMax = 20;
const probeMs = 2 * secondMs;
/** By when, after all faults, one writes and the others have what it wrote: a lease runs out, and waits between tries are over. */
const restMsMax = 120 * secondMs;
/** From the end of the one that writes until another does: what the guide promises, and what its opening takes. */
const takeoverMsMax = { stop: 6 * secondMs, kill: 26 * secondMs };
/** By then all has expired that does, and was told of. */
const expiredMs = (expirySecondsMax + 65) * secondMs;

/** Runs the world of a seed to its end; the same seed does the same each time. `write` is told what happens, a line each. */
export async function simulateNodes(seed: number, write?: (line: string) => void): Promise<NodesOutcome> {
  const root = await mkdtemp(join(tmpdir(), 'graspd-nodes-'));
  try {
    return await new NodesSimulation(drawNodes(seed), root, write).run();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

class NodesSimulation {
  readonly #scenario: NodesScenario;
  readonly #random: Random;
  readonly #clock: VirtualClock;
  readonly #trace: Trace;
  readonly #root: string;
  readonly #database: SharedDatabase;
  readonly #network: NodeNetwork;
  readonly #snapshots: Snapshots;
  readonly #nodes: readonly SimNode[];
  readonly #crowd: Crowd;
  readonly #ledger: Ledger;
  readonly #operator: Operator;
  readonly #servedBefore: ServedBefore;
  readonly #failures = new Set<string>();
  /** Rounds that have healed. */
  #healed = 0;
  #isOver = false;

  constructor(scenario: NodesScenario, root: string, write: ((line: string) => void) | undefined) {
    const world = new VirtualClock(scenario.startMs);
    const trace = write === undefined ? silent : traceTo(world, write);
    const report = (what: string) => this.#report(what);
    const random = seededRandom(scenario.seed);
    const database = new SharedDatabase(world, report);
    const network = new NodeNetwork(world, fork(random));
    const snapshots = new Snapshots(root, fork(random));
    const ledger = new Ledger(world, report);
    this.#scenario = scenario;
    this.#random = random;
    this.#clock = world;
    this.#trace = trace;
    this.#root = root;
    this.#database = database;
    this.#network = network;
    this.#snapshots = snapshots;
    this.#ledger = ledger;
    this.#operator = new Operator(fork(random), ledger);
    this.#servedBefore = new ServedBefore(report);
    this.#nodes = Array.from(
      { length: scenario.nodes },
      (_, index) =>
        new SimNode({
          ...{ index, world, database, network, snapshots, trace, report, random: fork(random) },
          onServing: (node, side) => this.#onServing(node, side),
          onLeft: (side) => this.#crowd.onLeft(side),
        }),
    );
    const { pauseMs } = scenario;
    this.#crowd = new Crowd({ clock: world, nodes: this.#nodes, ledger, pauseMs, trace, report });
  }

  async run(): Promise<NodesOutcome> {
    const onFault = (error: unknown) =>
      this.#report(`nobody caught: ${error instanceof Error ? error.stack : error}`);
    process.on('unhandledRejection', onFault);
    try {
      await this.#live();
    } finally {
      await settle();
      process.off('unhandledRejection', onFault);
    }
    const { leases } = this.#database.tables;
    return {
      seed: this.#scenario.seed,
      failures: [...this.#failures],
      acknowledged: this.#ledger.acknowledged,
      takeovers: [...leases.values()].reduce((sum, { fence }) => sum + fence, 0),
      compactions: this.#database.audit.compactions,
      late: this.#nodes.reduce((sum, { way }) => sum + way.late, 0),
      stale: this.#snapshots.stale,
    };
  }

  async #live(): Promise<void> {
    for (const node of this.#nodes) node.start();
    await this.#rest();
    void this.#crowd.announce(pick(this.#random, this.#nodes));
    await this.#clock.advance(5 * secondMs);
    for (let count = 0; count < this.#scenario.authors; count += 1)
      void this.#crowd.write(fork(this.#random));
    this.#probe();
    for (const round of this.#scenario.rounds) {
      this.#crowd.isQuiet = false;
      for (const [index, { way }] of this.#nodes.entries()) way.faults = round.faults[index] ?? way.faults;
      this.#plan(round);
      await this.#clock.advance(this.#scenario.faultMs);
      this.#heal();
      if (!(await this.#rest())) return;
      await this.#clock.advance(expiredMs);
      await this.#compare();
    }
    await this.#takeOver('stop');
    await this.#takeOver('kill');
    await this.#end();
  }

  #plan({ incidents }: NodesScenario['rounds'][number]): void {
    const round = this.#healed;
    const later: Scene['later'] = (afterMs, step) =>
      this.#clock.after(afterMs, () => {
        if (this.#healed === round) step();
      });
    const scene: Scene = {
      ...{ nodes: this.#nodes, database: this.#database, network: this.#network, operator: this.#operator },
      ...{ writer: () => this.#writer, later },
    };
    for (const incident of incidents)
      later(incident.atMs, () => {
        this.#trace(() => `incident: ${JSON.stringify(incident)}`);
        happen(scene, incident);
      });
  }

  /** From here on all is as it should be, and nothing new is said. */
  #heal(): void {
    this.#trace(() => 'all heals');
    this.#healed += 1;
    this.#crowd.isQuiet = true;
    this.#database.isUp = true;
    for (const node of this.#nodes) {
      node.way.state = 'open';
      node.way.faults = noStatementFaults;
      for (const other of this.#nodes) this.#network.setWay(node.index, other.index, 'open');
      node.heal();
    }
    // Those that are about to end have by then.
    this.#clock.after(limits.shutdownMsMax + secondMs, () => {
      for (const node of this.#nodes) node.start();
    });
  }

  /** Waits until one writes, the others have what it wrote, and nobody waits for an answer. */
  async #rest(): Promise<boolean> {
    const isAtRest = () => {
      const written = this.#writer?.side?.store.lastSequence;
      const isEqual = ({ side }: SimNode) => side?.store.lastSequence === written;
      return written !== undefined && this.#crowd.waiting === 0 && this.#nodes.every(isEqual);
    };
    if (await this.#clock.advanceUntil(isAtRest, restMsMax)) return true;
    const states = this.#nodes.map(({ side }) => (side?.writing ? 'writes' : side ? 'follows' : 'is away'));
    this.#report(
      `not at rest after ${restMsMax} ms: ${states.join(', ')}; ${this.#crowd.waiting} wait for answers`,
    );
    return false;
  }

  /** The node that writes, where it does not hang. */
  get #writer(): SimNode | undefined {
    return this.#nodes.find((node) => node.side?.writing !== undefined && !node.isHanging);
  }

  #onServing(node: SimNode, side: Side): void {
    this.#servedBefore.look(node.index, side);
    this.#crowd.onServing(node, side);
    if (side.writing !== undefined) void this.#checkJournal(side);
  }

  async #checkJournal({ writing }: Side): Promise<void> {
    const wrong = writing && (await this.#operator.wrong(writing.opened.journal).catch(() => []));
    for (const what of wrong ?? []) this.#report(what);
  }

  /** Looks at all nodes again and again, until the end. */
  #probe(): void {
    if (this.#isOver) return;
    for (const { index, side, isHanging } of this.#nodes)
      if (side !== undefined && !isHanging)
        this.#ledger.checkServed(`node ${index}`, this.#servedBefore.look(index, side));
    this.#clock.after(probeMs, () => this.#probe());
  }

  /** At rest, all nodes have what was promised, and what a store has that is built from the log alone. */
  async #compare(): Promise<void> {
    const sides = this.#nodes.flatMap(({ side }) => side ?? []);
    this.#ledger.checkAtRest(new Set(sides[0]?.store.ids({})));
    this.#crowd.check();
    const folder = join(this.#root, `fresh ${this.#healed}`);
    const parts = { database: this.#database, world: this.#clock, random: fork(this.#random), folder };
    const checking = Promise.all([
      differences(parts, sides),
      ...sides.map((side) => this.#checkJournal(side)),
    ]);
    let found: readonly string[] | undefined;
    void checking.then(([all]) => {
      found = all;
    });
    await this.#clock.advanceUntil(() => found !== undefined, 10 * secondMs);
    for (const difference of found ?? ['the log could not be read']) this.#report(difference);
  }

  /** Where nothing else is wrong, another takes over in the time that is promised. */
  async #takeOver(how: keyof typeof takeoverMsMax): Promise<void> {
    const gone = this.#writer;
    if (how === 'stop') void gone?.stop();
    else gone?.kill(true);
    const isTaken = () => this.#writer !== undefined && this.#writer !== gone;
    if (!(await this.#clock.advanceUntil(isTaken, takeoverMsMax[how])))
      this.#report(`nobody took over within ${takeoverMsMax[how]} ms after a ${how}`);
    gone?.start();
    await this.#rest();
  }

  /** All end in good order, and leave nothing behind. */
  async #end(): Promise<void> {
    this.#isOver = true;
    this.#crowd.end();
    let ended = 0;
    for (const node of this.#nodes)
      void node.stop().then((how) => {
        ended += 1;
        if (how === 'killed') this.#report(`node ${node.index} did not end in time`);
      });
    await this.#clock.advance(20 * secondMs);
    if (ended < this.#nodes.length) this.#report('not all nodes have ended');
    if (this.#network.connections > 0) this.#report(`${this.#network.connections} connections are left`);
    if (this.#clock.timers > 0) this.#report(`${this.#clock.timers} timers are left`);
  }

  #report(what: string): void {
    this.#trace(() => `FAILURE ${what}`);
    if (this.#failures.size < failuresMax) this.#failures.add(what);
  }
}
