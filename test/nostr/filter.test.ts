import fc from 'fast-check';
import { matchFilter } from 'nostr-tools/filter';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { type Filter, InvalidFilterError, isEmptyFilter, parseFilter } from '../../src/nostr/filter.js';
import { compileFilters } from '../../src/nostr/filter-match.js';

const hexA = 'a'.repeat(64);

describe('parseFilter', () => {
  it('reads every field of NIP-01 and drops repeated values', () => {
    const filter = {
      ids: [hexA, hexA],
      authors: [hexA],
      kinds: [1, 1, 2],
      since: 0,
      until: 9,
      limit: 0,
      '#e': ['x'],
      '#A': [],
    };
    expect(parseFilter(filter)).toEqual({ ...filter, ids: [hexA], kinds: [1, 2] });
  });

  it.each([
    ['no object', 5],
    ['a list', []],
    ['null', null],
    ['ids that are no list', { ids: hexA }],
    ['a short id', { ids: ['aa'] }],
    ['an upper-case author', { authors: [hexA.toUpperCase()] }],
    ['a kind that is text', { kinds: ['1'] }],
    ['a kind out of range', { kinds: [65536] }],
    ['a fractional since', { since: 1.5 }],
    ['a negative until', { until: -1 }],
    ['a limit that is text', { limit: '5' }],
    ['a tag value that is no text', { '#e': [1] }],
    ['a tag of two letters', { '#ab': ['x'] }],
    ['an unknown key', { search: 'x' }],
    ['too many values', { '#e': Array.from({ length: limits.filterListItemsMax + 1 }, (_, n) => `${n}`) }],
  ])('refuses %s', (_, value) => {
    expect(() => parseFilter(value)).toThrow(InvalidFilterError);
  });
});

describe('compileFilters', () => {
  const letters = fc.constantFrom('a', 'b', 'c');
  const event = fc.record({
    id: letters,
    pubkey: letters,
    kind: fc.integer({ min: 0, max: 2 }),
    created_at: fc.integer({ min: 1, max: 4 }),
    tags: fc.array(fc.array(letters, { maxLength: 3 }), { maxLength: 3 }),
    content: fc.constant(''),
    sig: fc.constant(''),
  });
  const some = <T>(values: fc.Arbitrary<T>) => fc.array(values, { maxLength: 2 });
  const filter = fc.record(
    {
      ids: some(letters),
      authors: some(letters),
      kinds: some(fc.integer({ min: 0, max: 2 })),
      since: fc.integer({ min: 0, max: 5 }),
      until: fc.integer({ min: 1, max: 5 }),
      limit: fc.integer({ min: 0, max: 5 }),
      '#a': some(letters),
      '#b': some(letters),
    },
    { requiredKeys: [] },
  );

  it('agrees with nostr-tools', () => {
    fc.assert(
      fc.property(filter, event, (f, e) => compileFilters([f as Filter])(e) === matchFilter(f as Filter, e)),
      { numRuns: 3000, seed: 1 },
    );
  });

  it('takes `until: 0` for a bound', () => {
    const late = { id: 'a', pubkey: 'a', kind: 1, created_at: 1, tags: [], content: '', sig: '' };
    expect(compileFilters([{ until: 0 }])(late)).toBe(false);
    expect(compileFilters([{ until: 0 }])({ ...late, created_at: 0 })).toBe(true);
  });
});

describe('isEmptyFilter', () => {
  it.each([
    [{}, false],
    [{ limit: 0 }, false],
    [{ kinds: [] }, true],
    [{ kinds: [1], '#e': [] }, true],
    [{ since: 2, until: 1 }, true],
    [{ since: 1, until: 1 }, false],
  ] satisfies [Filter, boolean][])('%j: %s', (filter, empty) => {
    expect(isEmptyFilter(filter)).toBe(empty);
  });
});
