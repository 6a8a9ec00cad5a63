import { BenchClient } from '../client.js';
import type { Durability } from '../relay-process.js';
import type { Measurement, Scenario } from '../scenario.js';
import { accountOf, readOwnUsage } from '../world.js';
import { type Compared, publishByTurns, publishFigures } from './by-turns.js';

const eventsInFlight = 1_000;
/** Events that are published one at a time, at most. */
const singleEventsMax = 500;
const durabilities = ['sync', 'system'] as const satisfies readonly Durability[];

export const durabilityScenario: Scenario = {
  name: 'durability',
  about: `what --durability sync costs a client that publishes, ${eventsInFlight} in flight and one at a time`,
  byUrl: false,
  async run(world): Promise<Measurement> {
    const relays = [];
    const compared: Compared<Durability>[] = [];
    for (const durability of durabilities) {
      const relay = await world.start(durability, await world.filledFolder(), { durability });
      await relay.atRest();
      relays.push(relay);
      compared.push({ name: durability, client: await BenchClient.connect(relay.url) });
    }
    const events = await world.file.tail(20_000);
    const singles = events.splice(0, Math.min(singleEventsMax, Math.ceil(events.length / 10)));
    const account = accountOf([...relays.map((relay) => () => relay.usage()), readOwnUsage]);
    // In this order: an event is about one before it.
    const single = await publishByTurns(compared, singles, 1);
    const many = await publishByTurns(compared, events, eventsInFlight);
    const usage = account();
    for (const { client } of compared) await client[Symbol.asyncDispose]();
    for (const relay of relays) await relay[Symbol.asyncDispose]();
    return {
      figures: [
        ...publishFigures(`${eventsInFlight} in flight`, many, durabilities),
        ...publishFigures('one at a time', single, durabilities),
      ],
      usage,
    };
  },
};
