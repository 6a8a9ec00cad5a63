import { BenchClient } from '../client.js';
import { Hostile } from '../hostile.js';
import { rate, type Scenario } from '../scenario.js';
import { machineMs, percentile } from '../statistics.js';
import { accountOf, readOwnUsage, type World } from '../world.js';

const clientsMax = 10;
/** How long they go on at most, after a time in which their budgets are used up. */
const msMax = 10_000;
const warmUpMsMax = 3_000;
/** Pause between two requests of the client that is measured. */
const pauseMs = 20;

/** What a client waits for its stored events while others ask as much as they may. */
export const hostileRequestsScenario: Scenario = {
  name: 'hostile-requests',
  about: `from REQ to EOSE while ${clientsMax} clients send the worst legal requests without pause`,
  byUrl: false,
  async run(world) {
    const target = await world.filledTarget();
    const { authors, addresses } = await known(world);
    const client = await BenchClient.connect(target.url);
    // Few for a small run, which only shows that all of this works.
    const clients = Math.min(clientsMax, Math.ceil(world.file.events / 200));
    const hostile = world.use(await Hostile.open({ url: target.url, clients, authors, addresses }));
    await pause(Math.min(warmUpMsMax, world.file.events));
    const account = accountOf([target.usage, () => hostile.usage(), readOwnUsage]);
    // Reading it begins a new span of the delays.
    await target.relay?.metrics();
    const [beganMs, sentBefore] = [machineMs(), await hostile.sent()];
    const times: number[] = [];
    while (machineMs() - beganMs < Math.min(msMax, world.file.events)) {
      const address = addresses[times.length % addresses.length] as string;
      times.push((await client.request({ '#a': [address], limit: 12 })).ms);
      await pause(pauseMs);
    }
    const metrics = await target.relay?.metrics();
    const sent = (await hostile.sent()) - sentBefore;
    const usage = account();
    const figures = [
      { name: 'REQ p50', value: percentile(times, 0.5), unit: 'ms' as const },
      { name: 'REQ p99', value: percentile(times, 0.99), unit: 'ms' as const },
      {
        name: 'event loop p99',
        value: (metrics?.('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN) * 1_000,
        unit: 'ms' as const,
      },
      {
        name: 'hostile requests',
        value: rate(sent, machineMs() - beganMs),
        unit: 'requests/s' as const,
      },
    ];
    await hostile[Symbol.asyncDispose]();
    await client[Symbol.asyncDispose]();
    await target.relay?.[Symbol.asyncDispose]();
    return { figures, usage };
  },
};

async function known(world: World): Promise<{ authors: string[]; addresses: string[] }> {
  const authors = new Set<string>();
  const addresses: string[] = [];
  for await (const { kind, pubkey, tags } of world.file.head()) {
    authors.add(pubkey);
    if (kind === 30617) addresses.push(`30617:${pubkey}:${tags.find(([name]) => name === 'd')?.[1]}`);
  }
  return { authors: [...authors].slice(0, 2_000), addresses };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
