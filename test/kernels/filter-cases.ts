import type { NostrEvent } from 'nostr-tools/core';
import { matchFilter, type Filter as RivalFilter } from 'nostr-tools/filter';
import type { Filter } from '../../src/nostr/filter.js';
import type { FilteredEvent } from '../../src/nostr/filter-match.js';

/**
 * What nostr-tools says, which mutates neither and reads no other field of an event; but it takes a bound of 0 for
 * none, where NIP-01 knows no such exception.
 */
export const matchesByNostrTools = (wanted: Filter, given: FilteredEvent): boolean =>
  (wanted.until !== 0 || given.created_at <= 0) && matchFilter(wanted as RivalFilter, given as NostrEvent);

export const ascending = (handles: readonly number[]): number[] => [...handles].sort((a, b) => a - b);

export const note: FilteredEvent = {
  id: 'a1',
  pubkey: 'b2',
  kind: 1,
  created_at: 100,
  tags: [['e', 'x', 'wss://relay'], ['t', 'git'], ['t', 'nostr'], ['e'], [], ['client', 'y']],
};

/** Corner cases of NIP-01: what they are, the filter, whether it matches the note. */
export const filterCases: readonly [string, Filter, boolean][] = [
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
  ['since 0', { since: 0 }, true],
  ['until 0', { until: 0 }, false],
  ['a tag value', { '#e': ['x'] }, true],
  ['the third element of a tag', { '#e': ['wss://relay'] }, false],
  ['two tags', { '#e': ['x'], '#t': ['nostr'] }, true],
  ['two tags, one of which it lacks', { '#e': ['x'], '#t': ['rust'] }, false],
  ['two values of one tag, once', { '#t': ['git', 'nostr'] }, true],
  ['a tag of another letter case', { '#E': ['x'] }, false],
  [
    'everything at once',
    { ids: ['a1'], authors: ['b2'], kinds: [1], '#e': ['x'], since: 1, until: 200 },
    true,
  ],
  ['everything, but another kind', { ids: ['a1'], authors: ['b2'], kinds: [2], '#e': ['x'] }, false],
];
