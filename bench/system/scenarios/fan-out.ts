import type { NostrEvent } from '../../../src/nostr/event.js';
import type { Filter } from '../../../src/nostr/filter.js';
import { compileFilter, IndexedEvent } from '../../../src/nostr/filter-match.js';
import { BenchClient } from '../client.js';
import { Listeners } from '../listeners.js';
import { publishAll, publishSteadily } from '../publishing.js';
import { type Figure, type Measurement, rate, type Scenario } from '../scenario.js';
import { percentile } from '../statistics.js';
import { accountOf, readOwnUsage, type World } from '../world.js';

const eventsInFlight = 1_000;
const steadyEventsPerSecond = 50;
const steadySeconds = 10;
/** How long it takes until a relay that has just begun has compiled what it does for each event. */
const warmUpMs = 2_000;
/** Authors in each wide filter: with the traffic's authors it makes some twelve deliveries of an event to 500. */
const wideAuthors = 50;

/** Each client follows one repository by its address. */
export const narrowScenario: Scenario = {
  name: 'fan-out-narrow',
  about: 'publish while clients listen, each to one repository',
  byUrl: true,
  run: async (world) => await flood(world, await narrowFilters(world)),
};

export const wideScenario: Scenario = {
  name: 'fan-out-wide',
  about: `publish while clients listen, each to ${wideAuthors} authors`,
  byUrl: true,
  run: async (world) => await flood(world, await wideFilters(world)),
};

export const deliveryScenario: Scenario = {
  name: 'delivery',
  about: `${steadyEventsPerSecond} events/s, each delivered to all clients`,
  byUrl: true,
  run: deliver,
};

async function flood(world: World, filters: readonly Filter[]): Promise<Measurement> {
  const events = await world.file.tail(20_000);
  const expected = countMatches(events, filters);
  const { figures, usage } = await listening(world, filters, async (client, listeners) => {
    const { ms, latencies, sentAtMs } = await publishAll(client, events, eventsInFlight);
    const { deliveries, lastAtMs } = await listeners.report(expected);
    if (deliveries !== expected) throw new Error(`${deliveries} of ${expected} deliveries came`);
    const [firstSentAtMs = lastAtMs] = sentAtMs.values();
    return [
      { name: 'published', value: rate(latencies.length, ms), unit: 'OK/s' },
      { name: 'delivered', value: rate(deliveries, lastAtMs - firstSentAtMs), unit: 'deliveries/s' },
      { name: 'deliveries', value: deliveries, unit: 'deliveries' },
    ];
  });
  return { figures, usage };
}

async function deliver(world: World): Promise<Measurement> {
  const events = await world.file.tail(steadyEventsPerSecond * steadySeconds);
  const filters = Array.from({ length: world.settings.listeners }, () => ({}));
  return await listening(world, filters, async (client, listeners) => {
    const { latencies, sentAtMs } = await publishSteadily(client, events, steadyEventsPerSecond);
    const { arrivals, deliveries } = await listeners.report(events.length * filters.length);
    if (deliveries !== events.length * filters.length) throw new Error(`only ${deliveries} deliveries came`);
    const [beganAtMs = 0] = sentAtMs.values();
    const delaysFrom = (fromMs: number) =>
      arrivals.flatMap(([id, times]) => {
        const sentAt = sentAtMs.get(id) ?? 0;
        return sentAt < beganAtMs + fromMs ? [] : times.map((time) => time - sentAt);
      });
    const delays = delaysFrom(0);
    return [
      { name: 'OK p50', value: percentile(latencies, 0.5), unit: 'ms' },
      { name: 'OK p99', value: percentile(latencies, 0.99), unit: 'ms' },
      { name: 'delivery p50', value: percentile(delays, 0.5), unit: 'ms' },
      { name: 'delivery p99', value: percentile(delays, 0.99), unit: 'ms' },
      { name: 'delivery p99, warm', value: percentile(delaysFrom(warmUpMs), 0.99), unit: 'ms' },
    ];
  });
}

/** Runs work against a filled relay with listeners, and accounts for it. */
async function listening(
  world: World,
  filters: readonly Filter[],
  work: (client: BenchClient, listeners: Listeners) => Promise<Figure[]>,
): Promise<Measurement> {
  const target = await world.filledTarget();
  const listeners = world.use(await Listeners.open(target.url, filters));
  const client = await BenchClient.connect(target.url);
  const account = accountOf([target.usage, () => listeners.usage(), readOwnUsage]);
  const figures = await work(client, listeners);
  const usage = account();
  await client[Symbol.asyncDispose]();
  await listeners[Symbol.asyncDispose]();
  await target.relay?.[Symbol.asyncDispose]();
  return { figures, usage };
}

async function narrowFilters(world: World): Promise<Filter[]> {
  const addresses: string[] = [];
  for await (const { kind, pubkey, tags } of world.file.head()) {
    if (kind !== 30617) break;
    addresses.push(`30617:${pubkey}:${tags.find(([name]) => name === 'd')?.[1]}`);
  }
  return filtersFor(world, (index) => ({ '#a': [addresses[index % addresses.length] as string] }));
}

async function wideFilters(world: World): Promise<Filter[]> {
  const authors = new Set<string>();
  for await (const { pubkey } of world.file.head()) authors.add(pubkey);
  const all = [...authors].sort();
  return filtersFor(world, (index) => ({
    authors: Array.from(
      { length: wideAuthors },
      (_, at) => all[(index * 7 + at * 41) % all.length] as string,
    ),
  }));
}

function filtersFor(world: World, filterOf: (index: number) => Filter): Filter[] {
  return Array.from({ length: world.settings.listeners }, (_, index) => filterOf(index));
}

function countMatches(events: readonly string[], filters: readonly Filter[]): number {
  const tests = filters.map(compileFilter);
  let matches = 0;
  for (const json of events) {
    const event = new IndexedEvent(JSON.parse(json) as NostrEvent);
    for (const test of tests) if (test(event)) matches += 1;
  }
  return matches;
}
