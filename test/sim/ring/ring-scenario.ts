import { hourMs, minuteMs, secondMs } from '../../../src/lib/clock.js';
import { type Random, randomInteger, seededRandom } from '../../../src/lib/random.js';
import { defaultSyncSettings, type SyncSettings } from '../../../src/sync/settings.js';
import type { LinkSpeed } from '../network/pipe.js';
import { between, chance, fork, pick } from '../random.js';

/** The way from a member to one of its neighbours, by their places in the ring; the way back is another. */
export type Way = { readonly from: number; readonly to: number };

/** Something that happens to the ring at a time, in milliseconds after the start. */
export type RingIncident = {
  readonly atMs: number;
} /** Nothing goes between `count` members, from `first` on, and the others; `silently`: nobody is told. */ & (
  | {
      readonly type: 'partition';
      readonly first: number;
      readonly count: number;
      readonly silently: boolean;
      readonly forMs: number;
    }
  /** What goes over a way takes so much longer. */
  | { readonly type: 'stall'; readonly way: Way; readonly byMs: number; readonly forMs: number }
  | { readonly type: 'cut'; readonly way: Way; readonly silently: boolean }
  /** A member ends, as by `kill -9` or, `silently`, with its machine, and starts again after a while. */
  | { readonly type: 'crash'; readonly member: number; readonly silently: boolean; readonly downMs: number }
  /** A client of a member publishes something. */
  | { readonly type: 'publish'; readonly member: number }
);

/** All that a seed decides before the first step; what follows has a generator of its own. */
export type RingScenario = {
  readonly seed: number;
  readonly startMs: number;
  readonly members: number;
  /** For how long links are bad and clients publish. */
  readonly faultMs: number;
  readonly ways: readonly (Way & { readonly speed: LinkSpeed })[];
  readonly incidents: readonly RingIncident[];
  readonly settings: Omit<SyncSettings, 'bootstrapRelays'>;
  /** Seed of what clients say. */
  readonly authorsSeed: number;
};

/**
 * Draws an hour, or as long as is said, of ten members. Catch-up comes every ten minutes instead of every day, and a
 * relay that failed is tried after two minutes at the latest.
 */
export function drawRing(seed: number, faultMs = hourMs): RingScenario {
  const random = seededRandom(seed);
  const members = 10;
  const ways = Array.from({ length: members }, (_, from) => from).flatMap((from) =>
    [(from + 1) % members, (from + members - 1) % members].map((to) => ({ from, to })),
  );
  const speeds = fork(random);
  return {
    seed,
    startMs: Date.UTC(2026, 0, 1),
    members,
    faultMs,
    ways: ways.map((way) => ({ ...way, speed: drawSpeed(speeds) })),
    incidents: [
      ...drawPartitions(fork(random), members, faultMs),
      ...drawTroubles(fork(random), ways, faultMs),
      ...drawCrashes(fork(random), members, faultMs),
      ...drawPublications(fork(random), members, faultMs),
    ],
    settings: {
      ...defaultSyncSettings,
      backoffMaxMs: 2 * minuteMs,
      dailyIntervalMs: 10 * minuteMs,
      dailyStaggerMs: 30 * secondMs,
      batchDelayMs: 5 * secondMs,
    },
    authorsSeed: randomInteger(random, 2 ** 32),
  };
}

/** One after the other, each further along the ring; the last one ends with the faults. */
function drawPartitions(random: Random, members: number, faultMs: number): RingIncident[] {
  const partitions: RingIncident[] = [];
  let first = between(random, 0, members - 1);
  for (let atMs = between(random, 10, 90) * secondMs; atMs < faultMs; ) {
    const forMs = Math.min(between(random, 60, 300) * secondMs, faultMs - atMs);
    const silently = chance(random, 0.4);
    partitions.push({
      type: 'partition',
      atMs,
      first,
      count: between(random, 1, members / 2),
      silently,
      forMs,
    });
    first = (first + between(random, 1, 3)) % members;
    atMs += forMs + between(random, 5, 90) * secondMs;
  }
  return partitions;
}

function drawTroubles(random: Random, ways: readonly Way[], faultMs: number): RingIncident[] {
  const troubles: RingIncident[] = [];
  for (let atMs = 0; atMs < faultMs; atMs += between(random, 5, 60) * secondMs) {
    const way = pick(random, ways);
    const forMs = between(random, 5, 80) * secondMs;
    if (chance(random, 0.6))
      troubles.push({ type: 'stall', atMs, way, byMs: between(random, 1, 60) * secondMs, forMs });
    else troubles.push({ type: 'cut', atMs, way, silently: chance(random, 0.4) });
  }
  return troubles;
}

function drawCrashes(random: Random, members: number, faultMs: number): RingIncident[] {
  return Array.from({ length: Math.ceil(faultMs / (8 * minuteMs)) }, () => ({
    type: 'crash',
    atMs: between(random, 0, faultMs - 1),
    member: between(random, 0, members - 1),
    silently: chance(random, 0.3),
    downMs: between(random, 0, 120) * secondMs,
  }));
}

function drawPublications(random: Random, members: number, faultMs: number): RingIncident[] {
  const publications: RingIncident[] = [];
  for (let atMs = 1; atMs < faultMs; atMs += between(random, 100, 20 * secondMs))
    publications.push({ type: 'publish', atMs, member: between(random, 0, members - 1) });
  return publications;
}

function drawSpeed(random: Random): LinkSpeed {
  return {
    latencyMs: pick(random, [1, 20, 80, 400, 2_000]),
    jitterMs: pick(random, [0, 5, 300]),
    bytesPerMs: pick(random, [2, 20, 1_000, 100_000]),
  };
}
