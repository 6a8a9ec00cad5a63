import type { NostrEvent } from 'nostr-tools/core';
import { matchFilters, type Filter as RivalFilter } from 'nostr-tools/filter';
import type { FilterMatcher, Kernels } from '../src/kernels/kernels.js';
import { createReferenceKernels } from '../src/kernels/reference/kernels.js';
import { createWasmKernels } from '../src/kernels/wasm/kernels.js';
import { type Random, randomInteger, seededRandom } from '../src/lib/random.js';
import type { Filter } from '../src/nostr/filter.js';
import type { FilteredEvent } from '../src/nostr/filter-match.js';
import { randomHex32 } from './data.js';
import { contender, type Scale, type Topic, type Work } from './topic.js';

/** Above this many filters a loop over them takes minutes. */
const rivalFiltersMax = 10_000;

/** Matching events against many open filters. */
export const matchTopic: Topic = {
  name: 'match',
  *works(scale: Scale) {
    for (const n of scale === 'full' ? [100, 1_000, 10_000, 100_000] : [1_000]) {
      yield matchWork(n, scale === 'full' ? 1_000 : 50);
      yield addWork(n);
    }
  },
};

type World = { readonly filters: readonly Filter[]; readonly events: readonly FilteredEvent[] };

/** What clients of a git relay ask for, and events of which some are asked for. */
function createWorld(filterCount: number, eventCount: number): World {
  const random = seededRandom(filterCount);
  const pick = <T>(list: readonly T[]): T => list[randomInteger(random, list.length)]!;
  const people = Array.from({ length: Math.max(20, filterCount / 5) }, () => randomHex32(random));
  const roots = Array.from({ length: filterCount }, () => randomHex32(random));
  const addresses = people.map((person, i) => `30617:${person}:repository-${i % 50}`);
  const kinds = [1617, 1618, 1621, 1622, 1630, 1631, 1632, 30617, 30618];
  const several = <T>(list: readonly T[], max: number): T[] =>
    Array.from({ length: 1 + randomInteger(random, max) }, () => pick(list));
  const shapes: readonly (() => Filter)[] = [
    () => ({ kinds: several(kinds, 4), authors: several(people, 5) }),
    () => ({ kinds: several(kinds, 4), '#a': several(addresses, 5) }),
    () => ({ '#e': several(roots, 20), since: 1_700_000_000 }),
    () => ({ kinds: several(kinds, 3), '#p': several(people, 2) }),
    () => ({ ids: several(roots, 10) }),
    () => ({ kinds: [1621], '#t': ['bug'], authors: several(people, 10) }),
  ];
  return {
    filters: Array.from({ length: filterCount }, () => pick(shapes)()),
    events: Array.from({ length: eventCount }, () => ({
      id: randomHex32(random),
      pubkey: random.next() < 0.5 ? pick(people) : randomHex32(random),
      kind: pick(kinds),
      created_at: 1_700_000_000 + randomInteger(random, 1e7),
      tags: randomTags(random, { roots, people, addresses }),
    })),
  };
}

type Named = {
  readonly roots: readonly string[];
  readonly people: readonly string[];
  readonly addresses: readonly string[];
};

/** Five tags, most of which nobody asks for. */
function randomTags(random: Random, { roots, people, addresses }: Named): string[][] {
  const known = (list: readonly string[]): string =>
    random.next() < 0.3 ? list[randomInteger(random, list.length)]! : randomHex32(random);
  return [
    ['a', known(addresses)],
    ['e', known(roots), 'wss://relay.example', 'root'],
    ['p', known(people)],
    ['t', random.next() < 0.1 ? 'bug' : 'question'],
    ['subject', 'It does not build'],
  ];
}

function fill(kernels: Kernels, filters: readonly Filter[]): FilterMatcher {
  const matcher = kernels.createFilterMatcher();
  for (const filter of filters) matcher.add(filter);
  return matcher;
}

function matchWork(n: number, eventCount: number): Work {
  const { filters, events } = createWorld(n, eventCount);
  const json = JSON.stringify(events);
  // Strings that come fresh from the wire were never hashed; each run gets new ones.
  const prepare = () => JSON.parse(json) as FilteredEvent[];
  const count = (matcher: FilterMatcher) => (given: readonly FilteredEvent[]) =>
    given.reduce((sum, event) => sum + matcher.match(event).length, 0);
  const wasm = fill(createWasmKernels(), filters);
  const contenders = [contender({ name: 'wasm', role: 'candidate', prepare, run: count(wasm) })];
  if (n <= rivalFiltersMax) {
    const reference = fill(createReferenceKernels(), filters);
    const subscriptions = filters.map((filter) => [filter as RivalFilter]);
    const countRival = (given: readonly FilteredEvent[]) =>
      given.reduce((sum, event) => {
        return sum + subscriptions.filter((each) => matchFilters(each, event as NostrEvent)).length;
      }, 0);
    contenders.push(
      contender({ name: 'typescript', role: 'reference', slow: true, prepare, run: count(reference) }),
      contender({ name: 'nostr-tools', role: 'rival', slow: true, prepare, run: countRival }),
    );
  }
  return { name: 'an event against n filters', n, units: eventCount, contenders };
}

/** One filter more and one less, while n are open. */
function addWork(n: number): Work {
  const { filters } = createWorld(n, 0);
  const matcher = fill(createWasmKernels(), filters);
  let next = 0;
  const run = () => matcher.remove(matcher.add(filters[next++ % n]!));
  return {
    name: 'add and remove a filter beside n',
    n,
    contenders: [contender({ name: 'wasm', role: 'candidate', run })],
  };
}
