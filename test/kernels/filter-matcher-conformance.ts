import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KernelUsageError } from '../../src/kernels/errors.js';
import type { FilterMatcher, Kernels } from '../../src/kernels/kernels.js';
import type { Filter } from '../../src/nostr/filter.js';
import type { FilteredEvent } from '../../src/nostr/filter-match.js';
import { event, filter } from './arbitraries.js';
import { ascending, filterCases, matchesByNostrTools, note } from './filter-cases.js';

function expectSame(matcher: FilterMatcher, open: ReadonlyMap<number, Filter>, given: FilteredEvent): void {
  const wanted = [...open].filter(([, each]) => matchesByNostrTools(each, given)).map(([handle]) => handle);
  expect(ascending(matcher.match(given))).toEqual(ascending(wanted));
}

export function filterMatcherConformance(create: () => Kernels): void {
  const kernels = create();

  it.each(filterCases)('%s', (_, wanted, matches) => {
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
          const open = new Map<number, Filter>();
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
    const open = new Map<number, Filter>();
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
