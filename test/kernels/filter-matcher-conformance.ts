import fc from 'fast-check';
import type { NostrEvent } from 'nostr-tools/core';
import { type Filter, matchFilter } from 'nostr-tools/filter';
import { expect, it } from 'vitest';
import { KernelUsageError } from '../../src/kernels/errors.js';
import type { FilterMatcher, KernelEvent, KernelFilter, Kernels } from '../../src/kernels/kernels.js';
import { event, filter } from './arbitraries.js';

/** What nostr-tools says; it mutates neither and reads no other field of an event. */
const matchesByNostrTools = (wanted: KernelFilter, given: KernelEvent): boolean =>
  matchFilter(wanted as Filter, given as NostrEvent);

const ascending = (handles: readonly number[]): number[] => [...handles].sort((a, b) => a - b);

function expectSame(
  matcher: FilterMatcher,
  open: ReadonlyMap<number, KernelFilter>,
  given: KernelEvent,
): void {
  const wanted = [...open].filter(([, each]) => matchesByNostrTools(each, given)).map(([handle]) => handle);
  expect(ascending(matcher.match(given))).toEqual(ascending(wanted));
}

const note: KernelEvent = {
  id: 'a1',
  pubkey: 'b2',
  kind: 1,
  created_at: 100,
  tags: [['e', 'x', 'wss://relay'], ['t', 'git'], ['t', 'nostr'], ['e'], [], ['client', 'y']],
};

const cases: readonly [string, KernelFilter, boolean][] = [
  ['an empty filter', {}, true],
  ['its id', { ids: ['z', 'a1'] }, true],
  ['a prefix of its id', { ids: ['a'] }, false],
  ['no ids', { ids: [] }, false],
  ['no authors beside its kind', { kinds: [1], authors: [] }, false],
  ['no kinds', { kinds: [] }, false],
  ['no tag values', { '#e': [] }, false],
  ['its author in capitals', { authors: ['B2'] }, false],
  ['its kind among others', { kinds: [7, 1, 1] }, true],
  ['since its time', { since: 100 }, true],
  ['since later', { since: 101 }, false],
  ['until its time', { until: 100 }, true],
  ['until earlier', { until: 99 }, false],
  ['since and until 0', { since: 0, until: 0 }, true],
  ['a tag value', { '#e': ['x'] }, true],
  ['the third element of a tag', { '#e': ['wss://relay'] }, false],
  ['two tags', { '#e': ['x'], '#t': ['nostr'] }, true],
  ['two tags, one of which it lacks', { '#e': ['x'], '#t': ['rust'] }, false],
  ['two values of one tag, once', { '#t': ['git', 'nostr'] }, true],
  ['a tag of another letter case', { '#E': ['x'] }, false],
  ['a tag name of more letters', { '#client': ['y'] }, true],
  [
    'everything at once',
    { ids: ['a1'], authors: ['b2'], kinds: [1], '#e': ['x'], since: 1, until: 200 },
    true,
  ],
  ['everything, but another kind', { ids: ['a1'], authors: ['b2'], kinds: [2], '#e': ['x'] }, false],
];

export function filterMatcherConformance(create: () => Kernels): void {
  const kernels = create();

  it.each(cases)('%s', (_, wanted, matches) => {
    using matcher = kernels.createFilterMatcher();
    const handle = matcher.add(wanted);
    expect(matcher.match(note)).toEqual(matches ? [handle] : []);
    expect(matchesByNostrTools(wanted, note)).toBe(matches);
  });

  it('agrees with nostr-tools while filters come and go', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: filter },
      { weight: 1, arbitrary: fc.nat().map((remove) => ({ remove })) },
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.array(event, { maxLength: 10 }),
        (steps, events) => {
          using matcher = kernels.createFilterMatcher();
          const open = new Map<number, KernelFilter>();
          for (const each of steps) {
            if ('remove' in each) {
              const handle = [...open.keys()][(each.remove as number) % Math.max(open.size, 1)];
              if (handle === undefined) continue;
              matcher.remove(handle);
              open.delete(handle);
            } else {
              open.set(matcher.add(each), each);
            }
          }
          expect(matcher.size).toBe(open.size);
          for (const given of events) expectSame(matcher, open, given);
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });

  it('finds the right ones of many filters with long lists', () => {
    using matcher = kernels.createFilterMatcher();
    const open = new Map<number, KernelFilter>();
    const numbers = (count: number, from: number, step: number): string[] =>
      Array.from({ length: count }, (_, i) => `v${from + i * step}`);
    for (let i = 0; i < 300; i++) {
      const wanted = {
        kinds: [i % 3],
        authors: numbers(200, i, 3),
        '#e': numbers(i % 7 === 0 ? 900 : 5, i, 2),
      };
      open.set(matcher.add(wanted), wanted);
    }
    for (let i = 0; i < 100; i++) {
      const tags = numbers(i, i, 5).map((value) => ['e', value]);
      expectSame(matcher, open, { id: '', pubkey: `v${i * 4}`, kind: i % 3, created_at: 1, tags });
    }
    for (const handle of [...open.keys()].filter((each) => each % 2 === 0)) {
      matcher.remove(handle);
      open.delete(handle);
    }
    const tags = numbers(2000, 0, 1).map((value) => ['e', value]);
    expectSame(matcher, open, { id: '', pubkey: 'v300', kind: 1, created_at: 1, tags });
  });

  it('does not see what happens to a filter after it was added', () => {
    using matcher = kernels.createFilterMatcher();
    const wanted = { kinds: [1] };
    const handle = matcher.add(wanted);
    wanted.kinds[0] = 2;
    expect(matcher.match(note)).toEqual([handle]);
    matcher.remove(handle);
    expect(matcher.match(note)).toEqual([]);
    expect(matcher.match({ ...note, kind: 2 })).toEqual([]);
  });

  it('gives handles again, and refuses those that are not in use', () => {
    using matcher = kernels.createFilterMatcher();
    const first = matcher.add({});
    const second = matcher.add({ kinds: [1] });
    expect(second).not.toBe(first);
    matcher.remove(first);
    expect(() => matcher.remove(first)).toThrow(KernelUsageError);
    expect(matcher.add({ kinds: [9] })).toBe(first);
    expect(matcher.match(note)).toEqual([second]);
    expect(matcher.size).toBe(2);
  });

  it('takes nothing after it was disposed', () => {
    const matcher = kernels.createFilterMatcher();
    matcher.add({});
    matcher[Symbol.dispose]();
    matcher[Symbol.dispose]();
    expect(() => matcher.match(note)).toThrow(KernelUsageError);
    expect(() => matcher.add({})).toThrow(KernelUsageError);
  });
}
