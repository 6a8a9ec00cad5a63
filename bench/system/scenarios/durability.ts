import { append } from '../../../src/lib/collections/lists.js';
import { BenchClient } from '../client.js';
import { publishAll } from '../publishing.js';
import type { Durability } from '../relay-process.js';
import { type Figure, type Measurement, rate, type Scenario } from '../scenario.js';
import { percentile } from '../statistics.js';
import { accountOf, readOwnUsage } from '../world.js';

const eventsInFlight = 1_000;
/** Events that are published one at a time, at most. */
const singleEventsMax = 500;
/** The relays take turns, so that what else the machine does falls on both. */
const rounds = 5;
const durabilities: readonly Durability[] = ['sync', 'system'];

type Client = { readonly durability: Durability; readonly client: BenchClient };
type Totals = Record<Durability, { ms: number; latencies: number[] }>;

export const durabilityScenario: Scenario = {
  name: 'durability',
  about: `what --durability sync costs a client that publishes, ${eventsInFlight} in flight and one at a time`,
  byUrl: false,
  async run(world): Promise<Measurement> {
    const relays = [];
    const clients: Client[] = [];
    for (const durability of durabilities) {
      const relay = await world.start(durability, await world.filledFolder(), { durability });
      await relay.atRest();
      relays.push(relay);
      clients.push({ durability, client: await BenchClient.connect(relay.url) });
    }
    const events = await world.file.tail(20_000);
    const singles = events.splice(0, Math.min(singleEventsMax, Math.ceil(events.length / 10)));
    const account = accountOf([...relays.map((relay) => () => relay.usage()), readOwnUsage]);
    // In this order: an event is about one before it.
    const single = await inTurns(clients, singles, 1);
    const many = await inTurns(clients, events, eventsInFlight);
    const usage = account();
    for (const { client } of clients) await client[Symbol.asyncDispose]();
    for (const relay of relays) await relay[Symbol.asyncDispose]();
    return {
      figures: [...figuresOf(`${eventsInFlight} in flight`, many), ...figuresOf('one at a time', single)],
      usage,
    };
  },
};

async function inTurns(
  clients: readonly Client[],
  events: readonly string[],
  inFlight: number,
): Promise<Totals> {
  const totals: Totals = { sync: { ms: 0, latencies: [] }, system: { ms: 0, latencies: [] } };
  for (let round = 0; round < rounds; round += 1) {
    const [from, to] = [round, round + 1].map((part) => Math.floor((events.length * part) / rounds));
    for (const { durability, client } of round % 2 === 0 ? clients : clients.toReversed()) {
      const { ms, latencies } = await publishAll(client, events.slice(from, to), inFlight);
      totals[durability].ms += ms;
      append(totals[durability].latencies, latencies);
    }
  }
  return totals;
}

function figuresOf(how: string, totals: Totals): Figure[] {
  const rateOf = (durability: Durability) => rate(totals[durability].latencies.length, totals[durability].ms);
  return [
    ...durabilities.flatMap((durability): Figure[] => [
      { name: `${how}, ${durability}`, value: rateOf(durability), unit: 'OK/s' },
      {
        name: `${how}, ${durability}, p50`,
        value: percentile(totals[durability].latencies, 0.5),
        unit: 'ms',
      },
    ]),
    { name: `${how}, sync of system`, value: rateOf('sync') / rateOf('system'), unit: '×' },
  ];
}
