import type { Filter } from '../../../src/nostr/filter.js';
import { BenchClient } from '../client.js';
import type { Figure, Scenario } from '../scenario.js';
import { percentile } from '../statistics.js';
import { accountOf, readOwnUsage, type World } from '../world.js';

const rounds = 200;
/** Enough that a relay that has just begun has compiled what it does: those that are measured run for months. */
const warmUpRoundsMax = 1_500;

/** What a client waits for its stored events, for filters of five shapes. */
export const requestsScenario: Scenario = {
  name: 'requests',
  about: 'from REQ to EOSE on a filled relay',
  byUrl: true,
  async run(world) {
    const target = await world.filledTarget();
    const shapes = await filterShapes(world);
    const client = await BenchClient.connect(target.url);
    const account = accountOf([target.usage, readOwnUsage]);
    const figures: Figure[] = [];
    for (const [name, filter] of shapes) {
      for (let round = 0; round < Math.min(warmUpRoundsMax, world.file.events); round += 1)
        await client.request(filter);
      const times: number[] = [];
      let events = 0;
      for (let round = 0; round < rounds; round += 1) {
        const answer = await client.request(filter);
        times.push(answer.ms);
        events = answer.events;
      }
      figures.push({ name: `${name} (${events}) p50`, value: percentile(times, 0.5), unit: 'ms' });
      figures.push({ name: `${name} (${events}) p99`, value: percentile(times, 0.99), unit: 'ms' });
    }
    const usage = account();
    await client[Symbol.asyncDispose]();
    await target.relay?.[Symbol.asyncDispose]();
    return { figures, usage };
  },
};

async function filterShapes(world: World): Promise<[name: string, filter: Filter][]> {
  const addresses: string[] = [];
  const ids: string[] = [];
  const authors = new Set<string>();
  const every = Math.max(1, Math.floor(world.file.events / 100));
  let index = 0;
  for await (const { id, kind, pubkey, tags } of world.file.head()) {
    if (kind === 30617) addresses.push(`30617:${pubkey}:${tags.find(([name]) => name === 'd')?.[1]}`);
    if (index % every === 0 && ids.length < 100) ids.push(id);
    authors.add(pubkey);
    index += 1;
  }
  return [
    ['kinds:[30617]', { kinds: [30617], limit: 500 }],
    ['one #a', { '#a': addresses.slice(-1), limit: 12 }],
    ['100 ids', { ids }],
    ['10 authors, 2 kinds', { authors: [...authors].slice(0, 10), kinds: [1111, 1621], limit: 236 }],
    ['100 #a', { '#a': addresses.slice(0, 100), limit: 500 }],
  ];
}
