import { append, largest } from '../../../src/lib/collections/lists.js';
import { BenchClient } from '../client.js';
import { startDelayProxy } from '../delay-proxy.js';
import type { LogLine, RelayProcess } from '../relay-process.js';
import { type Figure, type Measurement, rate, type Scenario } from '../scenario.js';
import { percentile } from '../statistics.js';
import { accountOf, readOwnUsage, type World } from '../world.js';

/** Longest catch-up that is waited for, a thousand events; and in any case. */
const msMaxPerThousand = 10_000;
const msMaxBase = 30_000;
/** Events that the late relay lacks where it lacks a few. */
const missingEvents = 2_000;
const roundTripMs = 50;
const pollIntervalMs = 250;
/** With a filled store a relay has its start behind it when it dials: by default it waits for 5 to 7 s. */
const dialDelaySecs = 5;
/** The first message of a reconciliation by one who has nothing. */
const emptySetPayload = '6100000200';
/** Time between two requests of a client during a catch-up. */
const requestIntervalMs = 50;

/** A relay that joins late: what it takes until it holds everything. */
export const catchUpScenario: Scenario = {
  name: 'catch-up',
  about: 'an empty relay catches up with a filled one',
  byUrl: true,
  run: async (world) => await catchUp(world, {}),
};

export const distantCatchUpScenario: Scenario = {
  name: 'catch-up-50ms',
  about: `the same with ${roundTripMs} ms of round trip between them`,
  byUrl: true,
  run: async (world) => await catchUp(world, { roundTripMs }),
};

export const missingScenario: Scenario = {
  name: 'missing',
  about: `a relay that lacks ${missingEvents} events of all catches up`,
  byUrl: true,
  async run(world) {
    const comments = world.file.events - 1_000;
    const every = Math.max(2, Math.floor((comments * 0.55) / missingEvents));
    let seen = 0;
    const folder = await world.fillFolder(world.emptyFolder(), ({ kind }) => {
      if (kind !== 1111) return false;
      seen += 1;
      return seen % every === 0 && seen / every <= missingEvents;
    });
    return await catchUp(world, { folder, dialDelaySecs });
  },
};

export const identicalScenario: Scenario = {
  name: 'identical',
  about: 'a relay that lacks nothing finds that out',
  byUrl: true,
  run: async (world) => await catchUp(world, { folder: await world.filledFolder(), dialDelaySecs }),
};

export const servingScenario: Scenario = {
  name: 'serving',
  about: "a client's requests, and the event loop, while its relay catches up",
  byUrl: true,
  run: async (world) => await catchUp(world, { watched: true }),
};

type Manner = {
  readonly folder?: string;
  readonly roundTripMs?: number;
  readonly watched?: boolean;
  readonly dialDelaySecs?: number;
};

/** What a client of the late relay sees, and how late its event loop was between two readings (p99). */
type Watch = {
  readonly isAsking: boolean;
  readonly latencies: number[];
  readonly loopDelaysMs: number[];
};

async function catchUp(world: World, manner: Manner): Promise<Measurement> {
  const target = await world.filledTarget();
  const url = await urlAt(world, target.url, manner.roundTripMs);
  const total = await countAt(world, target.url);
  await askForEverything(target.url);
  const { folder = world.emptyFolder(), dialDelaySecs = 0 } = manner;
  const late = await world.start('late', folder, { bootstrapUrl: url, dialDelaySecs });
  const readers = [() => late.usage(), target.usage];
  const account = accountOf(readers);
  const client = world.use(await BenchClient.connect(late.url));
  const before = await client.count({});
  const connected = await late.line('connected');
  const watch: Watch = { latencies: [], loopDelaysMs: [], isAsking: manner.watched === true };
  const caughtUp = await whole(world, late, client, total, watch);
  const ms = caughtUp.atMs - connected.atMs;
  const figures: Figure[] = [{ name: 'time', value: ms, unit: 'ms' }];
  if (total > before) {
    figures.push({ name: 'fetched', value: total - before, unit: 'events' });
    figures.push({ name: 'rate', value: rate(total - before, ms), unit: 'events/s' });
  }
  if (watch.isAsking) append(figures, figuresOf(watch));
  const usage = [...account(), readOwnUsage()].filter((each) => each !== undefined);
  await client[Symbol.asyncDispose]();
  await late[Symbol.asyncDispose]();
  await target.relay?.[Symbol.asyncDispose]();
  return { figures, usage };
}

/** Lets the relay make its set of everything, as it has for peers that asked before. */
async function askForEverything(url: string): Promise<void> {
  await using client = await BenchClient.connect(url);
  // A relay of another make may refuse the question; it is asked by layers then.
  await client.openNegentropy({}, emptySetPayload).catch(() => {});
}

async function urlAt(world: World, url: string, delayMs: number | undefined): Promise<string> {
  if (delayMs === undefined) return url;
  const proxy = world.use(await startDelayProxy(Number(new URL(url).port), delayMs));
  return `ws://127.0.0.1:${proxy.port}`;
}

async function countAt(world: World, url: string): Promise<number> {
  await using client = await BenchClient.connect(url);
  const count = await client.count({});
  // A relay of another make may refuse what it has no use for; the late one then ends where that one is.
  return Math.min(count, world.file.events);
}

/** Waits for the end of the catch-up that leaves `total` events here; asks a client's questions meanwhile. */
async function whole(
  world: World,
  late: RelayProcess,
  client: BenchClient,
  total: number,
  watch: Watch,
): Promise<LogLine> {
  const progress = world.progress('catch-up', total);
  const giveUpAt = Date.now() + msMaxBase + (total / 1000) * msMaxPerThousand;
  try {
    for (let askedAt = Date.now(), countedAt = 0; ; askedAt = Date.now()) {
      if (askedAt - countedAt >= pollIntervalMs) {
        countedAt = askedAt;
        const stored = await client.count({});
        progress.update(stored, `${stored} of ${total}`);
        const last = late.lines.findLast(({ msg }) => msg === 'caught up with relay');
        if (stored >= total && last !== undefined && (await isStill(late, last, watch))) return last;
        if (askedAt > giveUpAt) throw new Error(`only ${stored} of ${total} events came`);
      }
      if (watch.isAsking) watch.latencies.push((await client.request({ kinds: [1111], limit: 20 })).ms);
      const waitMs = watch.isAsking ? requestIntervalMs : pollIntervalMs;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, askedAt + waitMs - Date.now())));
    }
  } finally {
    progress.stop();
  }
}

/** Whether that was the last time that the relay said so: what came late sets off a catch-up of its own. */
async function isStill(late: RelayProcess, last: LogLine, watch: Watch): Promise<boolean> {
  // Reading the delay of the event loop begins it anew, so it is read as rarely as can be.
  const metric = await late.metrics();
  watch.loopDelaysMs.push(1000 * metric('nodejs_eventloop_lag_p99_seconds'));
  if (metric('ngit_sync_queued_topics') > 0) return false;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return late.lines.findLast(({ msg }) => msg === 'caught up with relay') === last;
}

function figuresOf({ latencies, loopDelaysMs }: Watch): Figure[] {
  return [
    { name: 'REQ p50', value: percentile(latencies, 0.5), unit: 'ms' },
    { name: 'REQ p99', value: percentile(latencies, 0.99), unit: 'ms' },
    { name: 'event loop p99', value: largest(loopDelaysMs), unit: 'ms' },
  ];
}
