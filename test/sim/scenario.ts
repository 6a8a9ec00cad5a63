import { type Random, seededRandom } from '../../src/lib/random.js';
import type { FailureClass } from '../../src/network/failure-class.js';
import { defaultSyncSettings, type SyncSettings } from '../../src/sync/settings.js';
import type { Durability } from './daemon/disk.js';
import type { NetworkFaults, Reachability } from './network/network.js';
import type { LinkSpeed } from './network/pipe.js';
import { between, chance, fork, pick, sample } from './random.js';
import type { EverythingStyle } from './relay/behaviours/grasp.js';
import type { RelayPlan } from './world/cast.js';
import { drawUniverse, type Universe, type UniverseSize } from './world/universe.js';

/** Something that happens to the world at a time, in milliseconds after the start. */
export type Incident = { readonly atMs: number } & (
  | { readonly type: 'unreachable'; readonly url: string; readonly as: Reachability; readonly forMs: number }
  | { readonly type: 'connections-lost'; readonly url: string; readonly silently: boolean }
  | { readonly type: 'clock-jump'; readonly byMs: number }
  | { readonly type: 'crash' | 'restart'; readonly downMs: number }
  /** The machine fails; what was written for less than `unwrittenMs` and not forced to the disk is lost. */
  | { readonly type: 'power-failure'; readonly unwrittenMs: number; readonly downMs: number }
);

/** All that a seed decides before the first step; what follows has a generator of its own. */
export type Scenario = {
  readonly seed: number;
  readonly startMs: number;
  readonly universe: Universe;
  /** For how long faults happen, and how long the world may take afterwards until nothing is missing. */
  readonly faultMs: number;
  readonly quietMs: number;
  /** Whether the quiet time is lived through even when nothing is missing any more. */
  readonly full: boolean;
  readonly bootstrap: readonly RelayPlan[];
  /** Relays that nobody ever reaches. */
  readonly unreachable: readonly RelayPlan[];
  /** As they are met in the field, all correct, or all correct and large, with published limits. */
  readonly relayKinds: 'field' | 'correct' | 'large';
  /** By URL, those that support GRASP, and how they take the question for everything. */
  readonly graspRelays: ReadonlyMap<string, EverythingStyle>;
  readonly networkFaults: NetworkFaults;
  readonly incidents: readonly Incident[];
  readonly settings: SyncSettings;
  readonly hasIdentity: boolean;
  readonly durability: Durability;
  /** How the timers of our process fire: at their time, or early, late and together. */
  readonly timers: 'exact' | 'unruly';
  /** How many of all events make policy or verifier throw. */
  readonly trippingShare: number;
  /** The relays that send texts which are costly to read. */
  readonly wordyRelays: ReadonlySet<string>;
  readonly refusedIdsMax: number;
  /** Seeds of the generators that are drawn from while the world runs. */
  readonly networkSeed: number;
  readonly relaySeed: number;
  readonly processSeed: number;
  readonly speeds: ReadonlyMap<string, LinkSpeed>;
};

const secondMs = 1_000;
const hourMs = 3_600 * secondMs;
const dayMs = 24 * hourMs;
const startMs = Date.UTC(2026, 0, 1);

/** Draws the small worlds of which thousands are run. */
export function drawScenario(seed: number): Scenario {
  const random = seededRandom(seed);
  const faultMs = pick(random, [1, 4, 12, 30]) * hourMs;
  const hasBootstrap = chance(random, 0.7);
  const size: UniverseSize = {
    authors: between(random, 4, 10),
    relays: between(random, 2, 6),
    repositories: between(random, 2, 7),
    events: pick(random, [40, 100, 200, 400]),
    historySeconds: 40 * 86_400,
    liveSeconds: faultMs / secondMs,
    liveShare: pick(random, [0, 0.1, 0.3, 0.6]),
    rootShare: 0.25,
    directAnnouncementShare: hasBootstrap ? 0.05 : 0.8,
  };
  const universe = drawUniverse(fork(random), size, startMs / secondMs);
  const { relays } = universe.cast;
  const reached = relays.slice(1);
  const incidentRandom = fork(random);
  const drawn: Omit<Scenario, 'graspRelays' | 'durability' | 'timers' | 'trippingShare' | 'wordyRelays'> = {
    seed,
    startMs,
    universe,
    faultMs,
    // A dead relay waits for a day, then comes the daily catch-up; slow relays take hours more.
    quietMs: 60 * hourMs,
    full: chance(random, 0.2),
    bootstrap: hasBootstrap ? relays.slice(0, 1) : [],
    unreachable: chance(random, 0.3) ? sample(random, reached, 1) : [],
    relayKinds: chance(random, 0.15) ? 'correct' : 'field',
    networkFaults: {
      lossChance: pick(random, [0, 0.1, 0.6]),
      lossBytesMax: pick(random, [1_000, 30_000, 500_000]),
      silentLossChance: pick(random, [0, 0.3, 1]),
    },
    incidents: drawIncidents(incidentRandom, relays, faultMs),
    settings: drawSettings(fork(random)),
    hasIdentity: chance(random, 0.8),
    refusedIdsMax: chance(random, 0.1) ? 20 : 100_000,
    ...drawSeeds(fork(random)),
    speeds: drawSpeeds(fork(random), relays),
  };
  const graspRandom = fork(random);
  const everythingTopicsMin = pick(graspRandom, [300, 300, 10, 1]);
  const graspRelays = everythingTopicsMin < 300 ? drawGraspRelays(graspRandom, relays) : new Map();
  const diskRandom = fork(random);
  return {
    ...drawn,
    settings: { ...drawn.settings, everythingTopicsMin },
    graspRelays,
    durability: pick(diskRandom, ['sync', 'system'] as const),
    incidents: inOrder([...drawn.incidents, ...drawPowerFailures(diskRandom, faultMs)]),
    ...drawHostility(fork(random), relays),
  };
}

function drawHostility(
  random: Random,
  relays: readonly RelayPlan[],
): Pick<Scenario, 'timers' | 'trippingShare' | 'wordyRelays'> {
  const wordy = relays.filter(() => chance(random, 0.35));
  return {
    timers: chance(random, 0.7) ? 'unruly' : 'exact',
    trippingShare: pick(random, [0, 0, 0.02, 0.1]),
    wordyRelays: new Set(wordy.map(({ url }) => url)),
  };
}

/** A system gives to the disk what it has for half a minute at most, unless much is written. */
function drawPowerFailures(random: Random, faultMs: number): Incident[] {
  return Array.from({ length: pick(random, [0, 0, 1, 2, 3]) }, () => ({
    type: 'power-failure',
    atMs: chance(random, 0.5) ? between(random, 0, 120 * secondMs) : between(random, 0, faultMs),
    unwrittenMs: between(random, 0, 30 * secondMs),
    downMs: pick(random, [0, secondMs, hourMs]),
  }));
}

function inOrder(incidents: readonly Incident[]): Incident[] {
  return [...incidents].sort((a, b) => a.atMs - b.atMs);
}

function drawGraspRelays(random: Random, relays: readonly RelayPlan[]): Map<string, EverythingStyle> {
  const styles = ['answers', 'answers', 'answers', 'refuses REQ', 'refuses NEG-OPEN', 'is silent'] as const;
  const some = sample(random, relays, between(random, 1, relays.length));
  return new Map(some.map(({ url }) => [url, pick(random, styles)]));
}

/**
 * A day of a large world: 100 relays and 100,000 events; ten hours of faults, then quiet. The daily catch-up comes
 * after twelve hours instead of 24, so that one with every relay falls into the day.
 */
export function dayScenario(seed: number): Scenario {
  const random = seededRandom(seed);
  const size: UniverseSize = {
    authors: 2_000,
    relays: 100,
    repositories: 400,
    events: 100_000,
    historySeconds: 400 * 86_400,
    liveSeconds: 10 * 3_600,
    liveShare: 0.1,
    rootShare: 0.05,
    directAnnouncementShare: 0.01,
  };
  const universe = drawUniverse(fork(random), size, startMs / secondMs);
  const { relays } = universe.cast;
  return {
    seed,
    startMs,
    universe,
    faultMs: 10 * hourMs,
    quietMs: 14 * hourMs,
    full: true,
    bootstrap: relays.slice(0, 1),
    unreachable: [],
    relayKinds: 'large',
    graspRelays: new Map(),
    networkFaults: { lossChance: 0.05, lossBytesMax: 1_000_000, silentLossChance: 0.2 },
    incidents: drawIncidents(fork(random), relays.slice(0, 30), 10 * hourMs).filter(({ type }) => {
      return type === 'unreachable' || type === 'connections-lost';
    }),
    settings: { ...defaultSyncSettings, dailyIntervalMs: 12 * hourMs, dailyStaggerMs: 60 * secondMs },
    hasIdentity: true,
    durability: 'sync',
    timers: 'unruly',
    trippingShare: 0.001,
    wordyRelays: new Set(relays.slice(1, 5).map(({ url }) => url)),
    refusedIdsMax: 1_000_000,
    ...drawSeeds(fork(random)),
    speeds: drawSpeeds(fork(random), relays),
  };
}

function drawSeeds(random: Random): Pick<Scenario, 'networkSeed' | 'relaySeed' | 'processSeed'> {
  const seed = () => Math.floor(random.next() * 2 ** 32);
  return { networkSeed: seed(), relaySeed: seed(), processSeed: seed() };
}

function drawSpeeds(random: Random, relays: readonly RelayPlan[]): Map<string, LinkSpeed> {
  const speed = (): LinkSpeed => ({
    latencyMs: pick(random, [1, 20, 80, 400]),
    jitterMs: pick(random, [0, 5, 300]),
    bytesPerMs: pick(random, [20, 1_000, 100_000]),
  });
  return new Map(relays.map(({ url }) => [url, speed()]));
}

function drawSettings(random: Random): SyncSettings {
  return {
    ...defaultSyncSettings,
    batchWindowMs: pick(random, [200, 5_000]),
    tagsPerFilterMax: pick(random, [100, 100, 7, 1]),
    filtersPerConnectionMax: pick(random, [150, 150, 12, 6]),
    negentropyDisabled: chance(random, 0.1),
  };
}

function drawIncidents(random: Random, relays: readonly RelayPlan[], faultMs: number): Incident[] {
  const incidents: Incident[] = [];
  const at = () => between(random, 0, faultMs);
  for (const { url } of relays) {
    for (let count = pick(random, [0, 0, 1, 3]); count > 0; count--) {
      const forMs = pick(random, [10 * secondMs, 600 * secondMs, 3 * hourMs, 27 * hourMs]);
      const as = pick<FailureClass | 'black-hole'>(random, [
        'refused',
        'dns',
        'tls',
        'timeout',
        'black-hole',
      ]);
      incidents.push({ type: 'unreachable', atMs: at(), url, as, forMs });
    }
    for (let count = pick(random, [0, 0, 1, 5]); count > 0; count--) {
      incidents.push({ type: 'connections-lost', atMs: at(), url, silently: chance(random, 0.4) });
    }
  }
  for (let count = pick(random, [0, 0, 1, 2]); count > 0; count--) {
    const size = pick(random, [secondMs, hourMs, 2 * dayMs]);
    incidents.push({ type: 'clock-jump', atMs: at(), byMs: pick(random, [-1, 1]) * size });
  }
  for (let count = pick(random, [0, 0, 1, 2, 4]); count > 0; count--) {
    const type = pick(random, ['crash', 'crash', 'restart'] as const);
    // The first minutes are the busiest ones, so many a crash falls there.
    const atMs = chance(random, 0.5) ? between(random, 0, 120 * secondMs) : at();
    incidents.push({ type, atMs, downMs: pick(random, [0, secondMs, hourMs]) });
  }
  return inOrder(incidents);
}
