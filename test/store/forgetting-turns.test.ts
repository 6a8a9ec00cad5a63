import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { BusyClock } from './support/busy-clock.js';
import { hex32, makeEvent } from './support/events.js';

const now = 1_700_000_000;
const alice = hex32('alice');
const atOnce = limits.refusedForgottenAtOnceMax;
const dayMs = 86_400_000;

const turn = () => new Promise((resolve) => setImmediate(resolve));
const busyClock = (msPerLook: number) => new BusyClock(now * 1_000, msPerLook);
/** A slice has room for one piece of work. */
const oneAPiece = limits.backgroundSliceMsMax;

const newest = makeEvent({ kind: 10_002, pubkey: alice, created_at: now });
const older = Array.from({ length: 2 * atOnce + 2 }, (_, at) => ({
  ...newest,
  ...{ id: hex32(`older ${at}`), created_at: now - 1 - at },
}));
const deletion = makeEvent({ kind: 5, pubkey: alice, created_at: now, tags: [['e', newest.id]] });

function withOlderVersions({ store, refused }: OpenedStore): { forgotten: string[] } {
  store.put(newest);
  for (const event of older) expect(store.put(event).status).toBe('superseded');
  const forgotten: string[] = [];
  refused.observe({ added: () => {}, forgotten: ({ id }) => forgotten.push(id) });
  return { forgotten };
}

/** How many are forgotten in each turn until none is. */
async function perTurn(forgotten: readonly string[]): Promise<number[]> {
  const counts: number[] = [];
  for (let before = forgotten.length; ; before = forgotten.length) {
    await turn();
    await turn();
    if (forgotten.length === before) return counts;
    counts.push(forgotten.length - before);
  }
}

describe('older versions of what goes', () => {
  it('are forgotten so many at once, and acceptable again in as many turns as that takes', async () => {
    const opened = createMemoryStore({ clock: busyClock(oneAPiece) });
    const { forgotten } = withOlderVersions(opened);
    const { store, refused } = opened;
    const { acceptable } = store.put(deletion);
    // The one that goes stands in the list as well.
    expect(acceptable).toHaveLength(atOnce - 1);
    expect(forgotten.length).toBeLessThanOrEqual(2 * atOnce);
    for (const count of await perTurn(forgotten)) expect(count).toBeLessThanOrEqual(2 * atOnce);
    const later = store.removeExpired().acceptable;
    expect(new Set([...acceptable, ...later])).toEqual(new Set(older.map(({ id }) => id)));
    expect([acceptable.length + later.length, forgotten.length]).toEqual([older.length, older.length]);
    expect(refused.reasonFor(newest.id)).toBe('deleted');
    expect(store.put(older[1]!).status).toBe('stored');
  });

  it('of many that a deletion request names share what is forgotten at once', async () => {
    const { store, refused } = createMemoryStore({ clock: busyClock(oneAPiece) });
    const version = (identifier: number, age: number) =>
      makeEvent({
        ...{ kind: 30_023, pubkey: alice, created_at: now - age, tags: [['d', `${identifier}`]] },
        id: hex32(`${identifier} ${age}`),
      });
    const versions = Array.from({ length: 20 }, (_, identifier) => version(identifier, 0));
    for (const event of versions) store.put(event);
    for (const identifier of versions.keys())
      for (let age = 1; age <= atOnce / 10; age += 1) store.put(version(identifier, age));
    const size = refused.size;
    const tags = versions.map(({ id }) => ['e', id]);
    const { acceptable } = store.put(makeEvent({ kind: 5, pubkey: alice, created_at: now, tags }));
    expect(acceptable.length).toBeLessThanOrEqual(atOnce);
    while (refused.size > versions.length) await turn();
    expect(store.removeExpired().acceptable.length + acceptable.length).toBe(size);
  });

  it('are all forgotten when the store is closed before that', async () => {
    const path = await mkdtemp(join(tmpdir(), 'graspd-forgetting-'));
    const clock = busyClock(oneAPiece);
    try {
      const opened = await openLevelStore({ path, clock });
      withOlderVersions(opened);
      opened.store.put(deletion);
      expect(opened.refused.size).toBeGreaterThan(1);
      await opened.store[Symbol.asyncDispose]();
      const { store, refused } = await openLevelStore({ path, clock });
      expect([refused.size, refused.reasonFor(newest.id)]).toEqual([1, 'deleted']);
      await store[Symbol.asyncDispose]();
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  });
});

describe('what is remembered as refused', () => {
  const events = Array.from({ length: 100 }, (_, at) => ({ ...newest, id: hex32(`refused ${at}`) }));
  const withRefused = (msPerLook: number) => {
    const clock = busyClock(msPerLook);
    const { refused } = createMemoryStore({ clock });
    for (const event of events) refused.add(event, 'blocked: for a test');
    const forgotten: string[] = [];
    refused.observe({ added: () => {}, forgotten: ({ id }) => forgotten.push(id) });
    return { clock, refused, forgotten };
  };

  it('is forgotten in as many turns as that takes when its time is over', async () => {
    const { clock, refused, forgotten } = withRefused(1);
    clock.jump(8 * dayMs);
    const sliceMax = 2 * limits.backgroundSliceMsMax;
    expect(refused.removeExpired()).toBeLessThanOrEqual(sliceMax);
    // What begins again meanwhile is the same.
    refused.removeExpired();
    for (const count of await perTurn(forgotten)) expect(count).toBeLessThanOrEqual(2 * sliceMax);
    expect([forgotten.length, refused.size]).toEqual([events.length, 0]);
  });

  it('is forgotten for its reason a piece at a time, but what is refused for another by then', async () => {
    const { refused } = withRefused(oneAPiece);
    const many = Array.from({ length: atOnce }, (_, at) => ({ ...newest, id: hex32(`more ${at}`) }));
    for (const event of many) refused.add(event, 'blocked: for a test');
    const sizes: number[] = [];
    for await (const ids of refused.forgetInTurns({}, (reason) => reason.startsWith('blocked'))) {
      sizes.push(ids.length);
      if (sizes.length > 1) continue;
      for (const event of [...events, ...many]) refused.add(event, 'restricted: for a test');
    }
    expect(sizes).toEqual([atOnce]);
    expect(refused.size).toBe(events.length + many.length);
  });
});
