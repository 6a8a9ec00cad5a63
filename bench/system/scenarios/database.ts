import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Filter } from '../../../src/nostr/filter.js';
import { PostgresServer, postgresObstacle } from '../../../test/support/postgres-server.js';
import { BenchClient } from '../client.js';
import { importEvents, type RelayProcess } from '../relay-process.js';
import { type Figure, type Measurement, rate, type Scenario } from '../scenario.js';
import { machineMs, percentile } from '../statistics.js';
import { defaultTraffic } from '../traffic.js';
import { accountOf, readOwnUsage, type World } from '../world.js';
import { type Compared, publishByTurns, publishFigures } from './by-turns.js';

const program = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
const eventsInFlight = 1_000;
/** Events that are published one at a time, at most. */
const singleEventsMax = 500;
const databases = ['PostgreSQL', 'LevelDB'] as const;
type Database = (typeof databases)[number];
/** About how far apart the events of the traffic are. */
const secondsPerEvent = 60;
/** Times that each relay is asked, by turns. */
const requests = 100;
const eventsPerRequest = 100;

/** One of the relays that are compared, with what it was filled by. */
type Filled = Compared<Database> & { readonly relay: RelayProcess; readonly importRate: number };

export const databaseScenario: Scenario = {
  name: 'database',
  about: 'PostgreSQL beside LevelDB: an import, a client that publishes, and one that asks',
  byUrl: false,
  obstacle: postgresObstacle,
  async run(world): Promise<Measurement> {
    const server = world.use(await PostgresServer.start());
    const url = await server.createDatabase('bench');
    await migrate(url);
    const filled = [
      await fill(world, 'PostgreSQL', { 'database-backend': 'postgresql', 'database-url': url }),
      await fill(world, 'LevelDB', {}),
    ];
    const events = await world.file.tail(20_000);
    const singles = events.splice(0, Math.min(singleEventsMax, Math.ceil(events.length / 10)));
    const account = accountOf([
      ...filled.map(
        ({ relay }) =>
          () =>
            relay.usage(),
      ),
      readOwnUsage,
    ]);
    // In this order: an event is about one before it.
    const single = await publishByTurns(filled, singles, 1);
    const many = await publishByTurns(filled, events, eventsInFlight);
    const asked = await ask(world, filled);
    const usage = account();
    for (const { client } of filled) await client[Symbol.asyncDispose]();
    for (const { relay } of filled) await relay[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    return {
      figures: [
        ...importFigures(filled),
        ...publishFigures(`${eventsInFlight} in flight`, many, databases),
        ...publishFigures('one at a time', single, databases),
        ...asked,
      ],
      usage,
    };
  },
};

/** Makes the tables. */
export async function migrate(url: string): Promise<void> {
  const flags = ['--database-backend=postgresql', `--database-url=${url}`];
  const [code] = await once(spawn(process.execPath, [program, 'migrate', ...flags]), 'exit');
  if (code !== 0) throw new Error(`the tables could not be made: graspd migrate ended with code ${code}`);
}

/** Imports the traffic into that database, and starts a relay on it. */
async function fill(world: World, name: Database, flags: Readonly<Record<string, string>>): Promise<Filled> {
  const { file, settings } = world;
  const folder = world.emptyFolder();
  const beganAt = machineMs();
  const { report } = await importEvents(file.stream(), { ...settings, folder, flags });
  if (!report.includes(`${file.events} stored`)) throw new Error(`not all were stored: ${report}`);
  const importRate = rate(file.events, machineMs() - beganAt);
  const relay = await world.start(name, folder, { flags });
  await relay.atRest();
  return { name, relay, importRate, client: await BenchClient.connect(relay.url) };
}

function importFigures(filled: readonly Filled[]): Figure[] {
  const [first, second] = filled.map(({ importRate }) => importRate);
  return [
    ...filled.map(
      ({ name, importRate }): Figure => ({
        name: `import, ${name}`,
        value: importRate,
        unit: 'events/s',
      }),
    ),
    {
      name: `import, ${databases.join(' of ')}`,
      value: (first ?? Number.NaN) / (second ?? Number.NaN),
      unit: '×',
    },
  ];
}

/** Asks for events of another time again and again, so that most have to be read. */
async function ask(world: World, filled: readonly Filled[]): Promise<Figure[]> {
  const times = new Map<Database, number[]>(filled.map(({ name }) => [name, []]));
  for (let round = 0; round < requests; round += 1) {
    const newest = Math.ceil((world.file.events * (requests - round)) / requests);
    const until = defaultTraffic.startSeconds + newest * secondsPerEvent;
    const filter: Filter = { until, limit: eventsPerRequest };
    for (const { name, client } of round % 2 === 0 ? filled : filled.toReversed())
      times.get(name)?.push((await client.request(filter)).ms);
  }
  return filled.map(
    ({ name }): Figure => ({
      name: `${eventsPerRequest} events, ${name}, p50`,
      value: percentile(times.get(name) ?? [], 0.5),
      unit: 'ms',
    }),
  );
}
