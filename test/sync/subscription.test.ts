import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8Length } from '../../src/lib/bytes.js';
import { announcementsTopic, type SubscriptionContent, type Topic } from '../../src/sync/topics/layers.js';
import {
  batchesOf,
  type OpenSubscription,
  type PackingLimits,
  packSubscriptions,
  rebuildStep,
} from '../../src/sync/topics/subscription.js';
import { pubkey } from './support/events.js';

fc.configureGlobal({ seed: 20260101 });

const limits: PackingLimits = { tagsPerFilter: 100, filtersPerSubscription: 10, messageBytes: 60_000 };

const address = (number: number): Topic => `30617:${pubkey(number)}:repo-${number}`;
const root = (number: number): Topic => pubkey(number);

const topicArb = fc.oneof(fc.constant(announcementsTopic), fc.nat(400).map(address), fc.nat(400).map(root));
const topicsArb = fc.uniqueArray(topicArb, { maxLength: 600 });
const limitsArb: fc.Arbitrary<PackingLimits> = fc.record({
  tagsPerFilter: fc.integer({ min: 1, max: 100 }),
  filtersPerSubscription: fc.integer({ min: 1, max: 20 }),
  messageBytes: fc.integer({ min: 1_000, max: 60_000 }),
});

describe('packing (docs/sync.md §3)', () => {
  it('asks for a batch of addresses under #a, #A and #q, and for roots under #e, #E and #q', () => {
    const [packed] = packSubscriptions([announcementsTopic, address(1), root(2)], limits);
    expect(packed?.filters).toEqual([
      { kinds: [30617, 30618] },
      { '#a': [address(1)] },
      { '#A': [address(1)] },
      { '#q': [address(1)] },
      { '#e': [root(2)] },
      { '#E': [root(2)] },
      { '#q': [root(2)] },
    ]);
  });

  it('covers every topic, once, within the limits, and never sends an empty list', () => {
    fc.assert(
      fc.property(topicsArb, limitsArb, (topics, within) => {
        const packed = packSubscriptions(topics, within);
        const covered = new Set(packed.flatMap((each) => each.topics));
        expect(covered).toEqual(new Set(topics));
        for (const { filters, topics: own } of packed) {
          expect(filters.length).toBeGreaterThan(0);
          expect(filters.length).toBeLessThanOrEqual(within.filtersPerSubscription);
          for (const filter of filters) {
            for (const values of Object.values(filter)) {
              expect((values as unknown[]).length).toBeGreaterThan(0);
              expect((values as unknown[]).length).toBeLessThanOrEqual(Math.max(2, within.tagsPerFilter));
            }
          }
          const frame = JSON.stringify([
            'REQ',
            'l1234',
            ...filters.map((filter) => ({ ...filter, limit: 0 })),
          ]);
          if (own.length > 1) expect(utf8Length(frame)).toBeLessThanOrEqual(within.messageBytes);
        }
      }),
    );
  });

  it('has at most 100 values in a filter', () => {
    const topics = Array.from({ length: 250 }, (_, number) => root(number));
    const filters = packSubscriptions(topics, limits).flatMap((each) => each.filters);
    const lengths = filters.map((filter) => (Object.values(filter)[0] as string[]).length);
    expect(Math.max(...lengths)).toBe(100);
  });

  it('packs a run that several subscriptions held into at most as many: the first covers the first of them', () => {
    fc.assert(
      fc.property(topicsArb, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (topics, sizes) => {
        const pieces: Topic[][] = [];
        for (let at = 0, turn = 0; at < topics.length; turn += 1) {
          const size = sizes[turn % sizes.length] as number;
          pieces.push(topics.slice(at, at + size));
          at += size;
        }
        const before = pieces.flatMap((piece) => packSubscriptions(piece, limits));
        const after = packSubscriptions(topics, limits);
        expect(after.length).toBeLessThanOrEqual(before.length);
        const first = new Set(after[0]?.topics);
        for (const topic of before[0]?.topics ?? []) expect(first.has(topic)).toBe(true);
      }),
    );
  });
});

describe('batches of catch-up', () => {
  it('hold each topic once, and each of their filters fits in a message', () => {
    const topics = Array.from({ length: 250 }, (_, number) => address(number));
    const batches = batchesOf(topics, { ...limits, messageBytes: 5_000 });
    expect(batches.flat()).toEqual(topics);
    for (const batch of batches) expect(utf8Length(JSON.stringify({ '#a': batch }))).toBeLessThan(5_000);
  });
});

describe('a rebuild (docs/sync.md §3): new ones are opened before old ones are closed', () => {
  /** Plays a rebuild with one place beyond what was open; returns whether every topic was confirmed at all times. */
  function play(old: SubscriptionContent[], target: SubscriptionContent[], places: number): boolean {
    let id = 0;
    let open: OpenSubscription[] = old.map((each) => ({ ...each, id: `o${id++}`, status: 'confirmed' }));
    let left = target;
    const wanted = new Set(target.flatMap((each) => each.topics));
    for (let step = 0; step < 1_000; step += 1) {
      const rebuild = {
        old: open.filter((each) => each.id.startsWith('o')),
        fresh: open.filter((each) => each.id.startsWith('n')),
        target: left,
      };
      const { open: opened, close } = rebuildStep(rebuild, places - open.length);
      open = open.filter((each) => !close.includes(each.id));
      const confirmed = new Set(
        open.filter((each) => each.status === 'confirmed').flatMap((each) => each.topics),
      );
      for (const topic of wanted) if (!confirmed.has(topic)) return false;
      open = [...open, ...opened.map((each) => ({ ...each, id: `n${id++}`, status: 'opening' as const }))];
      if (open.length > places) return false;
      left = left.slice(opened.length);
      if (opened.length === 0 && close.length === 0) {
        const waiting = open.find((each) => each.status === 'opening');
        if (waiting === undefined) return left.length === 0 && rebuild.old.length === 0;
        open = open.map((each) => (each === waiting ? { ...each, status: 'confirmed' as const } : each));
      }
    }
    return false;
  }

  it('ends, misses no topic at any time, and needs one place more than was open', () => {
    fc.assert(
      fc.property(topicsArb, fc.integer({ min: 1, max: 40 }), (topics, size) => {
        fc.pre(topics.length > 0);
        const old: SubscriptionContent[] = [];
        for (let at = 0; at < topics.length; at += size) {
          old.push(...packSubscriptions(topics.slice(at, at + size), limits));
        }
        expect(play(old, packSubscriptions(topics, limits), old.length + 1)).toBe(true);
      }),
    );
  });
});
