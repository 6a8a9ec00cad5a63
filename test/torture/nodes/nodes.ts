import { setTimeout as sleep } from 'node:timers/promises';
import { randomInteger } from '../../../src/lib/random.js';
import { Cluster, type Node } from '../../support/cluster.js';
import { PostgresServer, postgresObstacle } from '../../support/postgres-server.js';
import { QuickSigner } from '../../support/quick-signing.js';
import { TestClient } from '../../support/test-client.js';
import { heldWithin } from '../finding.js';
import { Promised } from '../kills/promised.js';
import { LiveSet, served } from '../kills/questions.js';
import { EventSeconds, flood, Writer, type WriterParts } from '../kills/writers.js';
import type { Part, PartRun } from '../part.js';

const nodeCount = 3;
const writerCount = 4;
const owner = new QuickSigner(new Uint8Array(32).fill(200));
const repository = `30617:${owner.pubkey}:all`;
/** How long they may take until all serve the same again, on a busy machine. */
const restMsMax = 90_000;
/** How one ends that finds its lease taken: it is started again, as systemd does. */
const exitOfLostLease = 3;
/** What is killed, as often as it stands here. */
const victims = [
  'writer',
  'writer',
  'writer',
  'follower',
  'follower',
  'both',
  'database',
  'database',
] as const;

export const nodes: Part = {
  name: 'nodes',
  about: `kills ${nodeCount} graspd on one PostgreSQL, and that, amid what is published at each of them`,
  share: 10,
  obstacle: async () => postgresObstacle(),
  async run(run) {
    await killNodes(run, Number.POSITIVE_INFINITY);
  },
};

/** Kills until the time is over, or so often; answers how often. */
export async function killNodes(run: PartRun, killsMax: number): Promise<number> {
  let ended = 0;
  await using server = await PostgresServer.start();
  await using cluster = await Cluster.start({
    ...{ server, database: 'nodes', count: nodeCount, directory: run.folder },
    flags: ['--archive-all', '--archive-read-only=false'],
    onEnd: ({ name }, code) => {
      ended += 1;
      if (code !== exitOfLostLease) run.broken('nodes-agree', `${name} ended by itself with ${code}`);
    },
  });
  await announce(cluster);
  const rounds = new Rounds(run, cluster);
  do {
    await rounds.one();
    run.figure('nodes-agree', 'kills', String(rounds.kills));
    run.figure('nodes-agree', 'events', String(rounds.promised.sureCount));
    run.figure('nodes-agree', 'ended, the lease being lost', String(ended));
    run.figure('nodes-agree', 'longest until equal', `${(rounds.longestMs / 1_000).toFixed(1)} s`);
    run.progress(`${rounds.kills} kills, ${rounds.promised.sureCount} events promised`);
  } while (run.timeLeft() > 0 && rounds.kills < killsMax && !run.signal.aborted);
  return rounds.kills;
}

/** Announces the repository on which all hangs. */
async function announce({ nodes }: Cluster): Promise<void> {
  const event = owner.sign({
    kind: 30617,
    tags: [
      ['d', 'all'],
      ['clone', 'https://elsewhere.example/all.git'],
      ['relays', 'wss://elsewhere.example'],
    ],
    created_at: Math.floor(Date.now() / 1_000) - 20_000_000,
    content: '',
  });
  await using client = await TestClient.connect(nodes.at(-1)?.url ?? '');
  const { accepted, reason } = await client.publish(event);
  if (!accepted) throw new Error(`the announcement was refused: ${reason}`);
}

/** Each round: load at all nodes, a kill amid it, a start, and what all of them have to have then. */
class Rounds {
  readonly promised = new Promised();
  kills = 0;
  longestMs = 0;
  readonly #run: PartRun;
  readonly #cluster: Cluster;
  readonly #seconds = new EventSeconds();
  readonly #writers = Array.from({ length: writerCount }, (_, number) => new Writer(number));
  readonly #flooder = new QuickSigner(new Uint8Array(32).fill(199));

  constructor(run: PartRun, cluster: Cluster) {
    this.#run = run;
    this.#cluster = cluster;
  }

  async one(): Promise<void> {
    const { random } = this.#run;
    const live = await this.#listen();
    const stop = new AbortController();
    const loading = this.#load(stop.signal);
    await sleep(200 + randomInteger(random, 1_500));
    await this.#killSome();
    await sleep(randomInteger(random, 500));
    stop.abort();
    await this.#startAll();
    await loading;
    await this.#verify(live);
    for (const set of live) await set[Symbol.asyncDispose]();
  }

  async #startAll(): Promise<void> {
    for (const node of this.#cluster.nodes) {
      if (node.daemon === undefined) await this.#cluster.startNode(node);
    }
  }

  /** Subscriptions at all nodes, from now on. */
  async #listen(): Promise<LiveSet[]> {
    const filter = { kinds: [1621, 1617, 1111, 5], since: this.#seconds.now };
    return await Promise.all(this.#cluster.nodes.map(({ url }) => LiveSet.open(url, filter)));
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { random, broken } = this.#run;
    const { nodes } = this.#cluster;
    const partsAt = (at: number): WriterParts => ({
      url: nodes[at % nodes.length]?.url ?? '',
      ...{ promised: this.promised, random, seconds: this.#seconds, repository },
      onUndeleted: ({ id }) => broken('nodes-agree', `event ${id} was taken again though it was deleted`),
    });
    // Who finds a node gone goes on at the next one.
    const persist = async (first: number, work: (parts: WriterParts) => Promise<void>) => {
      for (let at = first; !signal.aborted; at += 1) {
        await work(partsAt(at)).catch(() => {});
        if (!signal.aborted) await sleep(20);
      }
    };
    await Promise.all([
      ...this.#writers.map((writer, at) => persist(at, (parts) => writer.write(parts, signal))),
      persist(2, (parts) => flood(this.#flooder, parts, signal)),
    ]);
  }

  async #killSome(): Promise<void> {
    const { random } = this.#run;
    const victim = victims[randomInteger(random, victims.length)];
    const { writer, nodes, server } = this.#cluster;
    const follower = nodes.filter((node) => node !== writer)[randomInteger(random, nodes.length - 1)];
    const killed: (Node | undefined)[] = [];
    if (victim === 'writer' || victim === 'both') killed.push(writer);
    if (victim === 'follower' || victim === 'both') killed.push(follower);
    await Promise.all(killed.map(async (node) => node && (await this.#cluster.kill(node))));
    this.kills += killed.length;
    if (killed.includes(writer)) await this.#cluster.endLease();
    if (victim !== 'database') return;
    await server.kill();
    this.kills += 1;
    await sleep(randomInteger(random, 1_000));
    await server.run();
  }

  async #verify(live: readonly LiveSet[]): Promise<void> {
    const { tried, broken } = this.#run;
    const { nodes } = this.#cluster;
    const begunAt = performance.now();
    const isAtRest = async () => {
      await this.#startAll();
      return await this.#cluster.isAtRest();
    };
    if (!(await heldWithin(restMsMax, isAtRest))) {
      broken('nodes-agree', `not equal in ${restMsMax} ms after kill ${this.kills}`);
      return;
    }
    this.longestMs = Math.max(this.longestMs, performance.now() - begunAt);
    this.promised.resolve(await served(nodes[0]?.url ?? '', this.promised.doubtful));
    for (const { url, name } of nodes) {
      const { present, absent } = this.promised.expectations(Date.now() / 1_000);
      const there = await served(url, [...present, ...absent]);
      const still = new Set(this.promised.expectations(Date.now() / 1_000).present);
      tried('nodes-agree', present.length + absent.length);
      for (const id of present)
        if (!there.has(id) && still.has(id)) broken('nodes-agree', this.#tell(id, name, 'is gone'));
      for (const id of absent) if (there.has(id)) broken('nodes-agree', this.#tell(id, name, 'is back'));
    }
    const stays = new Set(this.promised.expectations(Date.now() / 1_000 + 60).present);
    for (const set of live) {
      if (set.isOver) continue;
      let differences: readonly string[] = [];
      const isSame = async () => {
        differences = await set.differences((id) => !stays.has(id));
        return differences.length === 0;
      };
      tried('live-sets');
      if (!(await heldWithin(10_000, isSame)))
        broken('live-sets', `${differences.length} differ: ${differences.slice(0, 3).join(', ')}`);
    }
  }

  #tell(id: string, node: string, what: string): string {
    return `event ${id}, kind ${this.promised.eventOf(id)?.kind}, ${what} at ${node} after kill ${this.kills}`;
  }
}
