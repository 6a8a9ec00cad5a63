import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { Filter } from '../../src/nostr/filter.js';
import type { PolicyContext } from '../../src/policy/policy-context.js';
import { StoredRelations } from '../../src/policy/stored-relations.js';
import { event, key } from './world.js';

/** A store of one article, which counts how often it is asked for one. */
function storeWith(identifier: string) {
  const asked: string[] = [];
  const looks: Filter[] = [];
  const some = (filter: Filter) => {
    looks.push(filter);
    const wanted = filter['#d']?.[0];
    if (wanted !== undefined) asked.push(wanted);
    return wanted === identifier;
  };
  const context = {
    store: { has: () => false, some, count: () => 0 },
    directory: { isAnnounced: () => false },
  };
  return { asked, looks, relations: new StoredRelations(context as unknown as PolicyContext) };
}

/** An event that refers to so many articles. */
function referring(addresses: number) {
  const pubkey = key(1);
  return event(
    key(2),
    1,
    Array.from({ length: addresses }, (_, number) => ['a', `30023:${pubkey}:${number}`]),
  );
}

describe('addresses of an event that are looked up', () => {
  it('are 1,000 at most', () => {
    const { asked, relations } = storeWith('none');
    expect(relations.isRelatedToStored(referring(1_200))).toBe(false);
    expect(asked.length).toBe(limits.addressLookupsMax);
    expect(asked.length).toBe(1_000);
  });

  it('are looked up once, however often and however a replaceable one is named', () => {
    const { relations, looks } = storeWith('none');
    const tags = Array.from({ length: 500 }, (_, number) => ['a', `10002:${key(1)}:${number}`]);
    expect(relations.isRelatedToStored(event(key(2), 1, tags))).toBe(false);
    expect(looks.filter(({ kinds = [] }) => kinds.includes(10_002))).toHaveLength(1);
  });

  it('hold the event when one of these is stored, and not when only a later one is', () => {
    expect(storeWith('999').relations.isRelatedToStored(referring(1_200))).toBe(true);
    expect(storeWith('1000').relations.isRelatedToStored(referring(1_200))).toBe(false);
  });
});
