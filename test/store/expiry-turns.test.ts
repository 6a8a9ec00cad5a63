import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { OpenedStore, StoreOptions } from '../../src/store/opened-store.js';
import { BusyClock } from './support/busy-clock.js';
import { hex32, makeEvent } from './support/events.js';

const now = 1_700_000_000;
const alice = hex32('alice');
const expiring = ['expiration', `${now + 10}`];
const count = 300;
/** What fits into a slice, where a look at the clock takes a millisecond. */
const perTurn = limits.backgroundSliceMsMax + 2;

const turn = () => new Promise((resolve) => setImmediate(resolve));
const notes = Array.from({ length: count }, (_, at) =>
  makeEvent({ kind: 7, tags: [expiring], content: `${at}` }),
);
const lasting = makeEvent({ kind: 7, content: 'stays' });

let clock: BusyClock;
let opened: OpenedStore;
let told: string[];

function fill(events: readonly NostrEvent[], options: Partial<StoreOptions> = {}, msPerLook = 1): void {
  clock = new BusyClock(now * 1_000, msPerLook);
  opened = createMemoryStore({ clock, ...options });
  for (const event of events) opened.store.put(event);
  told = toldOf(opened);
}

function toldOf({ store }: OpenedStore): string[] {
  const ids: string[] = [];
  store.observe({ added: () => {}, removed: ({ id }) => ids.push(id) });
  return ids;
}

async function answered({ store }: OpenedStore, kind: number): Promise<string[]> {
  const ids: string[] = [];
  for await (const events of store.query([{ kinds: [kind] }])) ids.push(...events.map(({ id }) => id));
  return ids;
}

/** Has turns go by until all that expired was let go of; each lets go of no more than fits into a slice. */
async function letGo(total: number): Promise<void> {
  for (let before = told.length; before < total; before = told.length) {
    await turn();
    expect(told.length - before).toBeLessThanOrEqual(perTurn);
  }
}

describe('what expires in the same second', () => {
  beforeEach(() => fill([...notes, lasting]));

  it('is in no answer any more, and is let go of in as many turns as that takes', async () => {
    const { store, refused } = opened;
    clock.jump(10_000);
    expect(store.count([{ kinds: [7] }])).toBe(1);
    expect(told.length).toBeLessThanOrEqual(perTurn);
    const last = notes.find(({ id }) => !told.includes(id))!;
    expect([store.size, store.has(last.id), store.kindOf(last.id)]).toEqual([1, false, undefined]);
    expect([store.some({ ids: [last.id] }), store.ids({ kinds: [7] })]).toEqual([false, [lasting.id]]);
    expect([store.preview(last), refused.reasonFor(last.id)]).toEqual(['expired', 'expired']);
    expect(store.remove(last.id).removed).toBe(false);
    expect(await answered(opened, 7)).toEqual([lasting.id]);
    await letGo(count);
    expect(told).toHaveLength(count);
    expect(new Set(told)).toEqual(new Set(notes.map(({ id }) => id)));
    expect([store.size, refused.size]).toEqual([1, count]);
    expect(new Set(store.removeExpired().removed.map(({ id }) => id))).toEqual(new Set(told));
    expect(store.removeExpired().removed).toEqual([]);
  });

  it('is out of all answers in a few turns where it is very much', async () => {
    const atOnce = 2 * limits.expiredHiddenAtOnceMax;
    const many = Array.from({ length: atOnce + count }, (_, at) =>
      makeEvent({ kind: 7, tags: [expiring], id: hex32(`many ${at}`) }),
    );
    fill([...many, lasting], {}, limits.backgroundSliceMsMax);
    clock.jump(10_000);
    expect(opened.store.count([{ kinds: [7] }])).toBe(count + 1);
    await turn();
    await turn();
    expect(opened.store.size).toBe(1);
    expect(await answered(opened, 7)).toEqual([lasting.id]);
    expect(many.filter(({ id }) => opened.store.has(id))).toEqual([]);
    expect(told.length).toBeLessThan(many.length);
  });

  it('leaves a query that is under way', async () => {
    clock.jump(9_000);
    const found: number[] = [];
    for await (const events of opened.store.query([{ kinds: [7] }])) {
      found.push(events.length);
      clock.jump(1_000);
    }
    // The chunk that was being read while the first was sent is the last.
    expect(found.length).toBeLessThanOrEqual(2);
    expect(told.length).toBeLessThan(count);
  });

  it('is let go of whatever else is made of it meanwhile', async () => {
    const { store, refused } = opened;
    clock.jump(10_000);
    expect(store.size).toBe(1);
    const waiting = notes.filter(({ id }) => !told.includes(id));
    for (const note of waiting) {
      refused.delete(note.id);
      refused.add(note, 'blocked: for a test');
      expect(store.put(note).status).toBe('expired');
    }
    refused.deleteRefusedFor(() => true);
    // The clock was wrong.
    clock.jump(-10_000);
    expect(store.put(waiting.at(-1)!).status).toBe('expired');
    expect(store.size).toBe(1);
    await letGo(count);
    expect(new Set(told).size).toBe(count);
    expect(told).toHaveLength(count);
    expect(waiting.every(({ id }) => refused.reasonFor(id) === 'expired')).toBe(true);
    refused.delete(waiting[0]!.id);
    expect(store.put(waiting[0]!).status).toBe('stored');
  });

  it('counts as what is kept, for who begins to count meanwhile', async () => {
    clock.jump(10_000);
    let kept = 0;
    opened.store.forEachKept(() => {
      kept += 1;
    });
    expect(kept + told.length).toBe(count + 1);
  });
});

describe('of what expires in the same second', () => {
  it('deletion requests keep their effect all along', async () => {
    const deleted = notes.map((_, at) => makeEvent({ pubkey: alice, content: `deleted ${at}` }));
    fill(deleted.map(({ id }) => makeEvent({ kind: 5, pubkey: alice, tags: [['e', id], expiring] })));
    clock.jump(10_000);
    const allDeleted = () => deleted.every((event) => opened.store.preview(event) === 'deleted');
    expect(allDeleted()).toBe(true);
    expect(told.length).toBeLessThan(count);
    expect(await answered(opened, 5)).toEqual([]);
    await letGo(count);
    expect([told.length, allDeleted()]).toEqual([count, true]);
  });

  it('versions give way to older ones at once, and take nothing from newer ones', async () => {
    const version = (at: number, identifier: number, ...tags: string[][]) =>
      makeEvent({ kind: 30_617, pubkey: alice, created_at: at, tags: [['d', `${identifier}`], ...tags] });
    fill(notes.map((_, identifier) => version(now, identifier, expiring)));
    const { store } = opened;
    clock.jump(10_000);
    const others = notes.map((_, identifier) => version(now + (identifier % 2 === 0 ? 1 : -1), identifier));
    expect(others.every((event) => store.put(event).status === 'stored')).toBe(true);
    expect(told.length).toBeLessThan(count);
    await letGo(count);
    expect(others.every(({ id }) => store.has(id))).toBe(true);
    expect([told.length, store.size]).toEqual([count, count]);
  });

  it('no more of what was refused before is forgotten in a turn than it takes the place of', async () => {
    fill([...notes, lasting], { refusedIdsMax: count });
    const { store, refused } = opened;
    for (let at = 0; at < count; at += 1) refused.add(makeEvent({ content: `${at}` }), 'blocked: for a test');
    let forgotten = 0;
    refused.observe({
      added: () => {},
      forgotten: () => {
        forgotten += 1;
      },
    });
    clock.jump(10_000);
    expect(store.size).toBe(1);
    expect(forgotten).toBeLessThanOrEqual(perTurn);
    await letGo(count);
    expect(refused.size).toBe(count);
  });

  it('nothing comes back, and nothing is left, after a stop before all of it was let go of', async () => {
    const path = await mkdtemp(join(tmpdir(), 'graspd-expiry-'));
    try {
      clock = new BusyClock(now * 1_000);
      opened = await openLevelStore({ path, clock });
      for (const event of [...notes, lasting]) opened.store.put(event);
      await opened.store.flush();
      told = toldOf(opened);
      clock.jump(10_000);
      expect(opened.store.size).toBe(1);
      await opened.store[Symbol.asyncDispose]();
      const before = told.length;
      expect(before).toBeLessThan(count);
      opened = await openLevelStore({ path, clock });
      expect(opened.stats().storedEvents).toBe(count + 1 - before);
      told = toldOf(opened);
      expect(await answered(opened, 7)).toEqual([lasting.id]);
      await letGo(count - before);
      expect(opened.store.removeExpired().removed).toHaveLength(count - before);
      expect([opened.refused.size, opened.stats().storedEvents]).toEqual([count, 1]);
      await opened.store[Symbol.asyncDispose]();
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  });
});
