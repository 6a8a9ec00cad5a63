import type { Clock } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { between, chance, pick, sample } from '../random.js';
import type { Behaviour } from './behaviour.js';
import * as caps from './behaviours/caps.js';
import * as manners from './behaviours/manners.js';
import * as negentropy from './behaviours/negentropy.js';
import * as walls from './behaviours/walls.js';

/** What the traits of a relay draw from. */
export type Surroundings = {
  readonly random: Random;
  readonly clock: Clock;
  /** Whether faults that end are still on. */
  readonly faultsOn: () => boolean;
  /** Events that relays push where nobody asked for them. */
  readonly unasked: readonly NostrEvent[];
};

type Trait = (surroundings: Surroundings) => Behaviour;

/** How relays differ in negentropy: one of these each. */
const negentropyTraits: readonly Trait[] = [
  () => negentropy.withoutNegentropy('silence'),
  () => negentropy.withoutNegentropy('notice'),
  () => negentropy.withoutNegentropy('closed'),
  () => negentropy.withoutNegentropy('disabled'),
  ({ random }) => negentropy.negentropyItemsMax(between(random, 5, 100), 'element'),
  ({ random }) => negentropy.negentropyItemsMax(between(random, 5, 100), 'text'),
  ({ random }) => negentropy.negentropyItemsMax(between(random, 5, 100), 'bare'),
  ({ random }) => negentropy.negentropyFrames(between(random, 4_096, 10_000)),
  ({ random }) => negentropy.breaksNegentropy(between(random, 0, 3), 'error'),
  ({ random }) => negentropy.breaksNegentropy(between(random, 0, 3), 'garbage'),
  ({ random }) => negentropy.breaksNegentropy(between(random, 0, 3), 'silence'),
  ({ random }) => negentropy.inventsIds(random, between(random, 1, 40)),
];

/** Limits, published or not. Results are never capped below the deepest second of the world. */
const capTraits: readonly Trait[] = [
  ({ random }) => caps.capsResults(between(random, resultsCapMin, 60), chance(random, 0.5)),
  ({ random }) => caps.capsAnswers(between(random, 3 * resultsCapMin, 80)),
  ({ random }) => caps.capsSubscriptions(between(random, 2, 10), style(random), chance(random, 0.6)),
  ({ random }) => caps.capsFilters(between(random, 1, 5), style(random), chance(random, 0.6)),
  ({ random }) => caps.capsIds(between(random, 1, 50), pick(random, ['closed', 'notice', 'truncate'])),
  ({ random }) => caps.capsMessages(between(random, 4_000, 20_000)),
  () => caps.exclusiveUntil(),
  () => caps.exclusiveUntil(),
];

/** The least that a relay of the field finds for a filter; no second of the world is deeper. */
export const resultsCapMin = 10;

const mannerTraits: readonly Trait[] = [
  ({ random }) => manners.withholds(between(random, 5, 50) / 100),
  ({ random }) => manners.spoils(between(random, 5, 50) / 100, 'signature'),
  ({ random }) => manners.spoils(between(random, 5, 50) / 100, 'content'),
  ({ random, unasked }) => manners.sendsUnasked(random, unasked),
  ({ random }) => manners.talksNonsense(random),
  () => manners.repeats(),
  ({ random }) => manners.unsorted(random),
  () => manners.ignoresLimitZero(),
];

const wallTraits: readonly Trait[] = [
  ({ clock, random }) => walls.limitsRate(clock, between(random, 8, 30), 'notice'),
  ({ clock, random }) => walls.limitsRate(clock, between(random, 8, 30), 'closed'),
  ({ random }) => walls.authWall(random, 'at-connect', true),
  ({ random }) => walls.authWall(random, 'at-request', true),
  ({ random, faultsOn }) => walls.crashes(between(random, 3, 60), between(random, 1, 10), faultsOn),
];

/** Relays of which nothing can be expected, but that they do no harm. */
const hopelessTraits: readonly Trait[] = [
  ({ random }) => walls.authWall(random, 'at-request', false),
  () => walls.mute(true),
  () => walls.mute(false),
  () => walls.hangsUp(),
  () => manners.withoutEose(),
  () => manners.ignoresUntil(),
  ({ random }) => manners.endless(random, between(random, 20, 500), pick(random, [0, 400_000])),
];

function style(random: Random): caps.RefusalStyle {
  return pick(random, ['closed', 'notice']);
}

/** The traits of one relay as it might be met in the field: mostly correct, with a few of all there are. */
export function drawBehaviours(surroundings: Surroundings): Behaviour[] {
  const { random } = surroundings;
  const traits: Trait[] = [];
  if (chance(random, 0.12)) traits.push(pick(random, hopelessTraits));
  if (chance(random, 0.35)) traits.push(pick(random, wallTraits));
  if (chance(random, 0.4)) traits.push(...sample(random, capTraits, between(random, 1, 2)));
  if (chance(random, 0.5)) traits.push(pick(random, negentropyTraits));
  if (chance(random, 0.4)) traits.push(...sample(random, mannerTraits, between(random, 1, 2)));
  return traits.map((trait) => trait(surroundings));
}
