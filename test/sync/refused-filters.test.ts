import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter, TagKey } from '../../src/nostr/filter.js';
import { retryCandidates } from '../../src/policy/retry-candidates.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import {
  announcementsTopic,
  authorTopic,
  everythingTopic,
  filtersOf,
  type Layer,
  layers,
  type Topic,
} from '../../src/sync/topics/layers.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { addressOf, announcement, event, pubkey } from './support/events.js';

const topicOf: Readonly<Record<Layer, Topic>> = {
  everything: everythingTopic,
  announcements: announcementsTopic,
  repository: addressOf(announcement('repo', [])),
  root: pubkey(1),
  author: authorTopic(pubkey(2)),
};

/** An event that a filter asks for. */
function matching(filter: Filter): NostrEvent {
  const tags = (Object.keys(filter) as (keyof Filter)[])
    .filter((key): key is TagKey => key.startsWith('#'))
    .map((key) => [key.slice(1), filter[key]![0]!]);
  const { kinds = [1], authors = [pubkey(3)] } = filter;
  return event({ kind: kinds[0]!, pubkey: authors[0]!, tags });
}

/** Whether a refused event that a filter asks for is found by it. */
function isFound(filter: Filter): boolean {
  const { refused } = createMemoryStore({ clock: new VirtualClock() });
  const wanted = filter.ids === undefined ? matching(filter) : { ...event(), id: filter.ids[0]! };
  refused.add(wanted, 'blocked: for a test');
  return refused.matching(filter, { visits: 10 })?.[0] === wanted.id;
}

describe('a refused event is found', () => {
  it.each(layers)('by each filter that sync reconciles, lest it be asked for again: %s', (layer) => {
    const filters = filtersOf(layer, [topicOf[layer]]);
    expect(filters.length).toBeGreaterThan(0);
    for (const filter of filters) expect(isFound(filter), JSON.stringify(filter)).toBe(true);
  });

  it('by each filter for what may be acceptable when another event is stored', () => {
    const referring = event({
      tags: [
        ['e', pubkey(4)],
        ['a', `30023:${pubkey(5)}:article`],
        ['a', `10002:${pubkey(5)}:`],
      ],
    });
    const filters = [announcement('repo', []), referring].flatMap(retryCandidates);
    expect(filters.some((filter) => filter['#d'] !== undefined)).toBe(true);
    for (const filter of filters) expect(isFound(filter), JSON.stringify(filter)).toBe(true);
  });
});
