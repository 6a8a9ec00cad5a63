import type { NostrEvent } from '../../../src/nostr/event.js';
import { PostgresServer, postgresObstacle } from '../../../test/support/postgres-server.js';
import { BenchClient } from '../client.js';
import { Listeners } from '../listeners.js';
import { type Published, publishAll, publishSteadily } from '../publishing.js';
import { freePort, importEvents, type RelayProcess } from '../relay-process.js';
import { type Figure, type Measurement, rate, type Scenario } from '../scenario.js';
import { machineMs, percentile } from '../statistics.js';
import { accountOf, readOwnUsage, type World } from '../world.js';
import { migrate } from './database.js';

const eventsInFlight = 1_000;
const steadyEventsPerSecond = 200;
const steadySeconds = 5;

export const nodesScenario: Scenario = {
  name: 'nodes',
  about: 'several graspd on one PostgreSQL: clients publish at each of them, and listen at another',
  byUrl: false,
  obstacle: postgresObstacle,
  async run(world): Promise<Measurement> {
    const server = world.use(await PostgresServer.start());
    const measurements: Measurement[] = [];
    for (const count of world.settings.nodes) {
      const url = await server.createDatabase(`nodes_${count}`);
      await migrate(url);
      measurements.push(await measure(world, url, count));
    }
    await server[Symbol.asyncDispose]();
    return {
      figures: measurements.flatMap(({ figures }) => figures),
      usage: measurements.at(-1)?.usage ?? [],
    };
  },
};

/** Publishes at all nodes at once, in a flood and then steadily, while somebody listens at the last of them. */
async function measure(world: World, url: string, count: number): Promise<Measurement> {
  const nodes = await startNodes(world, url, count);
  const clients = await Promise.all(nodes.map((node) => BenchClient.connect(node.url)));
  const listeners = world.use(await Listeners.open(nodes.at(-1)?.url ?? '', [{}]));
  const events = unrelated(await world.file.tail(20_000));
  const steady = events.splice(0, Math.min(steadyEventsPerSecond * steadySeconds, events.length / 2));
  const account = accountOf([...nodes.map((node) => () => node.usage()), readOwnUsage]);
  const beganAt = machineMs();
  const flooded = await atAll(clients, events, (client, its) => publishAll(client, its, eventsInFlight));
  const floodMs = machineMs() - beganAt;
  const calm = await atAll(clients, steady, (client, its) =>
    publishSteadily(client, its, steadyEventsPerSecond / count),
  );
  const usage = account();
  const { arrivals, deliveries } = await listeners.report(events.length + steady.length);
  if (deliveries !== events.length + steady.length) throw new Error(`only ${deliveries} deliveries came`);
  const arrivedAt = new Map(arrivals.map(([id, [atMs = Number.NaN]]) => [id, atMs]));
  for (const open of [...clients, listeners, ...nodes.toReversed()]) await open[Symbol.asyncDispose]();
  const of = (name: string) => `${name}, ${count} ${count === 1 ? 'node' : 'nodes'}`;
  return {
    figures: [
      { name: of('published'), value: rate(events.length, floodMs), unit: 'OK/s' },
      ...latencyFigures(of('delivered in a flood'), delaysOf(flooded, arrivedAt)),
      ...latencyFigures(
        of('OK'),
        calm.flatMap(({ latencies }) => latencies),
      ),
      ...latencyFigures(of('delivered'), delaysOf(calm, arrivedAt)),
    ],
    usage,
  };
}

async function startNodes(world: World, url: string, count: number): Promise<RelayProcess[]> {
  const { settings, file } = world;
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const database = { 'database-backend': 'postgresql', 'database-url': url };
  await importEvents(file.stream(), { ...settings, folder: world.emptyFolder(), flags: database });
  const nodes: RelayProcess[] = [];
  for (const [at, port] of ports.entries()) {
    const flags = {
      ...database,
      domain: `127.0.0.1:${ports[0]}`,
      'node-url': `http://127.0.0.1:${port}`,
      'trusted-proxy': '127.0.0.1',
    };
    nodes.push(await world.start(`node ${at + 1}`, world.emptyFolder(), { flags, port }));
  }
  for (const node of nodes) await node.atRest();
  return nodes;
}

/** Those that hang on none of the others, so that they may come in any order. */
function unrelated(lines: readonly string[]): string[] {
  const events = lines.map((json) => ({ json, event: JSON.parse(json) as NostrEvent }));
  const ids = new Set(events.map(({ event }) => event.id));
  const isFree = ({ tags }: NostrEvent) => !tags.some(([, value]) => value !== undefined && ids.has(value));
  return events.filter(({ event }) => isFree(event)).map(({ json }) => json);
}

async function atAll(
  clients: readonly BenchClient[],
  events: readonly string[],
  publish: (client: BenchClient, events: readonly string[]) => Promise<Published>,
): Promise<Published[]> {
  return await Promise.all(
    clients.map((client, index) =>
      publish(
        client,
        events.filter((_, at) => at % clients.length === index),
      ),
    ),
  );
}

/** From the sending of each event to its delivery. */
function delaysOf(published: readonly Published[], arrivedAt: ReadonlyMap<string, number>): number[] {
  return published.flatMap(({ sentAtMs }) =>
    [...sentAtMs].map(([id, sentAt]) => (arrivedAt.get(id) ?? Number.NaN) - sentAt),
  );
}

function latencyFigures(name: string, values: readonly number[]): Figure[] {
  return [
    { name: `${name}, p50`, value: percentile(values, 0.5), unit: 'ms' },
    { name: `${name}, p99`, value: percentile(values, 0.99), unit: 'ms' },
  ];
}
