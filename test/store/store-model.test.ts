import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Random, randomInteger, seededRandom } from '../../src/lib/random.js';
import { formatAddress } from '../../src/nostr/address.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { collected, collectedInTurns, idsOf } from './support/answers.js';
import { hex32, makeEvent } from './support/events.js';
import { ModelStore } from './support/model.js';

const now = 1_700_000_000;
const authors = Array.from({ length: 4 }, (_, at) => hex32(`author ${at}`));
const kinds = [1, 5, 0, 10_002, 30_617, 30_618, 22_242];
const identifiers = ['', 'a', 'b:c'];
const values = ['x', 'y', 'z', ''];

function pick<T>(random: Random, list: readonly T[]): T {
  return list[randomInteger(random, list.length)]!;
}

function randomEvent(random: Random, known: readonly NostrEvent[], times: number): NostrEvent {
  if (known.length > 0 && random.next() < 0.15) return pick(random, known);
  const pubkey = pick(random, authors);
  const kind = pick(random, kinds);
  const tags: string[][] = [];
  if (kind >= 30_000) tags.push(['d', pick(random, identifiers)]);
  while (random.next() < 0.6) tags.push([pick(random, ['t', 'p', 'T', 'long', '1']), pick(random, values)]);
  if (random.next() < 0.1) tags.push(['expiration', String(now + randomInteger(random, 100) - 20)]);
  if (kind === 5) {
    if (known.length > 0) tags.push(['e', pick(random, known).id], ['e', pick(random, known).id]);
    const address = {
      kind: pick(random, kinds),
      pubkey: pick(random, authors),
      identifier: pick(random, identifiers),
    };
    if (random.next() < 0.5) tags.push(['a', formatAddress(address)]);
  }
  const created_at = now + randomInteger(random, times);
  return makeEvent({ pubkey, kind, tags, created_at, content: String(randomInteger(random, 50)) });
}

function randomFilter(random: Random, known: readonly NostrEvent[], times: number): Filter {
  const filter: Filter = {};
  const some = <T>(list: readonly T[]): T[] => [...new Set([pick(random, list), pick(random, list)])];
  if (random.next() < 0.15 && known.length > 0) filter.ids = some(known).map(({ id }) => id);
  if (random.next() < 0.3) filter.authors = some(authors);
  if (random.next() < 0.4) filter.kinds = some(kinds);
  if (random.next() < 0.3) filter['#t'] = some(values);
  if (random.next() < 0.15) filter['#p'] = some(values);
  if (random.next() < 0.05) filter['#d'] = some(identifiers);
  if (random.next() < 0.2) filter.since = now + randomInteger(random, times);
  if (random.next() < 0.2) filter.until = now + randomInteger(random, times);
  if (random.next() < 0.3) filter.limit = randomInteger(random, 6);
  return filter;
}

async function compareAnswers(
  { store, refused }: OpenedStore,
  model: ModelStore,
  filters: Filter[],
): Promise<void> {
  const ids = (events: readonly NostrEvent[]) => events.map(({ id }) => id);
  expect(await idsOf(store, filters)).toEqual(ids(model.matching(filters, true)));
  expect(store.count(filters)).toBe(model.matching(filters, false).length);
  expect(await store.countInTurns([...filters, ...filters])).toBe(model.matching(filters, false).length);
  for (const filter of filters) {
    const matches = ids(model.matching([filter], false)).sort();
    expect(store.some(filter)).toBe(matches.length > 0);
    expect(collected(store, filter)).toEqual(matches);
    expect(await collectedInTurns(store, filter, matches.length)).toEqual(matches);
    if (matches.length > 0) expect(await collectedInTurns(store, filter, matches.length - 1)).toBeUndefined();
  }
  expect(refused.size).toBe(model.refused.size);
}

/** Runs random puts, removals and questions through the store and the model. */
async function runAgainstModel(
  opened: OpenedStore,
  seed: number,
  steps: number,
  times: number,
): Promise<ModelStore> {
  const random = seededRandom(seed);
  const model = new ModelStore();
  const known: NostrEvent[] = [];
  for (let step = 0; step < steps; step += 1) {
    const event = randomEvent(random, known, times);
    known.push(event);
    const expected = model.put(event, now);
    const result = opened.store.put(event);
    expect(result.status).toBe(expected.status);
    expect(result.removed.map(({ id }) => id).sort()).toEqual(expected.removed.sort());
    if (step % 10 === 9) {
      const filters = Array.from({ length: 1 + randomInteger(random, 3) }, () =>
        randomFilter(random, known, times),
      );
      await compareAnswers(opened, model, filters);
    }
  }
  for (const [id, reason] of model.refused) expect(opened.refused.reasonFor(id)).toBe(reason);
  return model;
}

describe('the store beside a plain array', () => {
  it('decides and answers alike for random events and filters', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.constantFrom(1, 5, 1_000),
        fc.constantFrom(7, 30, 50_000),
        async (seed, times, rowsPerTurn) => {
          const opened = createMemoryStore({ clock: new VirtualClock(now * 1000), rowsPerTurn });
          await runAgainstModel(opened, seed, 150, times);
        },
      ),
      { numRuns: 25, seed: 7 },
    );
  });

  it('stays right while rows die by the thousand and are swept', async () => {
    const clock = new VirtualClock(now * 1000);
    const opened = createMemoryStore({ clock, refusedIdsMax: 50 });
    const random = seededRandom(3);
    const newest = new Map<string, NostrEvent>();
    const model = new ModelStore();
    for (let step = 0; step < 12_000; step += 1) {
      const d = String(randomInteger(random, 700));
      const tags = [
        ['d', d],
        ['t', pick(random, values)],
        ['r', String(step)],
      ];
      const event = makeEvent({ kind: 30_617, tags, created_at: now + step, pubkey: pick(random, authors) });
      opened.store.put(event);
      newest.set(event.pubkey + d, event);
      if (step % 1_500 !== 0) continue;
      model.events = [...newest.values()];
      expect(await idsOf(opened.store, [{}])).toEqual(model.matching([{}], false).map(({ id }) => id));
      for (const value of values) {
        const filter: Filter = { '#t': [value], authors: [authors[1]!] };
        expect(opened.store.count([filter])).toBe(model.matching([filter], false).length);
      }
    }
    expect(opened.refused.size).toBe(50);
    // Without sweeping, the index would hold 12,000 rows.
    expect(opened.stats().indexBytes).toBeLessThan(4_000_000);
  });

  it('goes through long lists in turns', async () => {
    const opened = createMemoryStore({ clock: new VirtualClock(now * 1000) });
    const random = seededRandom(11);
    const events = Array.from({ length: 9_000 }, (_, at) =>
      makeEvent({
        created_at: now + randomInteger(random, 500),
        kind: at % 2,
        pubkey: hex32(at),
        tags: [['t', String(at % 3)]],
      }),
    );
    for (const event of events) opened.store.put(event);
    const model = new ModelStore();
    model.events = events;
    for (const filters of [
      [{}],
      [{ kinds: [1] }, { '#t': ['0', '2'] }],
      [{ '#t': ['1'], kinds: [0], limit: 700 }],
    ]) {
      expect(await idsOf(opened.store, filters)).toEqual(model.matching(filters, true).map(({ id }) => id));
    }
  });
});
