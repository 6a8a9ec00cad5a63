import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { Address } from '../../src/nostr/address.js';
import type { PolicyContext } from '../../src/policy/policy-context.js';
import { StoredRelations } from '../../src/policy/stored-relations.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { event, key } from './world.js';

/** A store of one article, which counts how often it is asked for one. */
function storeWith(identifier: string) {
  const asked: Address[] = [];
  const hasAt = (address: Address) => {
    asked.push(address);
    return address.identifier === identifier;
  };
  const context = {
    store: { kindOf: () => undefined, hasAt, some: () => false },
    directory: { isAnnounced: () => false },
  };
  return { asked, relations: new StoredRelations(context as unknown as PolicyContext) };
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
    const { asked, relations } = storeWith('none');
    const tags = Array.from({ length: 500 }, (_, number) => ['a', `10002:${key(1)}:${number}`]);
    expect(relations.isRelatedToStored(event(key(2), 1, tags))).toBe(false);
    expect(asked).toEqual([{ kind: 10_002, pubkey: key(1), identifier: '' }]);
  });

  it('are those of kinds that have addresses', () => {
    const { asked, relations } = storeWith('');
    const tags = [1, 5, 1621, 20_001].map((kind) => ['a', `${kind}:${key(1)}:`]);
    expect(relations.isRelatedToStored(event(key(2), 1, tags))).toBe(false);
    expect(asked).toEqual([]);
  });

  it('hold the event when one of these is stored, and not when only a later one is', () => {
    expect(storeWith('999').relations.isRelatedToStored(referring(1_200))).toBe(true);
    expect(storeWith('1000').relations.isRelatedToStored(referring(1_200))).toBe(false);
  });
});

describe('what refers to an event', () => {
  /** A store of one event that refers to an article, and so many younger ones that do and are refused. */
  function storeWithRefused(many: number, kind = 1) {
    const { store, refused } = createMemoryStore({ clock: new VirtualClock() });
    const article = event(key(1), 30_023, [['d', 'article']]);
    const tags = [['a', `30023:${key(1)}:article`]];
    store.put(event(key(2), kind, tags));
    for (let number = 0; number < many; number += 1)
      refused.add(event(key(3), 1, tags), 'blocked: for a test');
    const context = { store, directory: { isAnnounced: () => false } };
    return { article, relations: new StoredRelations(context as unknown as PolicyContext) };
  }

  it('is looked for among so many rows', () => {
    // Each of the six lists that may have it takes some to be looked up.
    const lookUps = 6 * 8;
    const few = storeWithRefused(limits.referringRowsMax - lookUps);
    expect(few.relations.isRelatedToStored(few.article)).toBe(true);
    const many = storeWithRefused(limits.referringRowsMax);
    expect(many.relations.isRelatedToStored(many.article)).toBe(false);
  });

  it('is something that may be hung on', () => {
    const deleted = storeWithRefused(0, 5);
    expect(deleted.relations.isRelatedToStored(deleted.article)).toBe(false);
    const related = storeWithRefused(0);
    expect(related.relations.isRelatedToStored(related.article)).toBe(true);
  });
});
