import { BenchClient } from '../client.js';
import { publishAll } from '../publishing.js';
import { type Measurement, rate, type Scenario } from '../scenario.js';
import { accountOf, readOwnUsage, type World } from '../world.js';

const eventsInFlight = 1_000;
/** Events that are published one at a time, at most. */
const singleEventsMax = 1_000;

export const publishScenario: Scenario = {
  name: 'publish',
  about: `a client publishes to a filled relay, ${eventsInFlight} in flight on one connection`,
  byUrl: true,
  run: async (world) => await publish(world, eventsInFlight, world.file.events),
};

export const publishSinglyScenario: Scenario = {
  name: 'publish-singly',
  about: 'a client publishes and waits for each OK',
  byUrl: true,
  run: async (world) => await publish(world, 1, singleEventsMax),
};

async function publish(world: World, inFlight: number, eventsMax: number): Promise<Measurement> {
  const target = await world.filledTarget();
  const events = await world.file.tail(Math.min(eventsMax, 20_000));
  const client = await BenchClient.connect(target.url);
  const account = accountOf([target.usage, readOwnUsage]);
  const { ms, latencies } = await publishAll(client, events, inFlight);
  const usage = account();
  await client[Symbol.asyncDispose]();
  await target.relay?.[Symbol.asyncDispose]();
  return { figures: [{ name: 'published', value: rate(latencies.length, ms), unit: 'OK/s' }], usage };
}
