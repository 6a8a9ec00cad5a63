import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { collected } from './support/answers.js';
import { hex32, makeEvent } from './support/events.js';

const now = 1_700_000_000;
const clock = new VirtualClock(now * 1_000);
const author = hex32('author');
const heldReason = 'held: its git data is missing';

/** So many tags of values that no other event has, of each of the names in turn. */
function manyTags(version: number, count: number, names: readonly string[] = ['e', 't']): string[][] {
  return Array.from({ length: count }, (_, at) => [names[at % names.length]!, `${version} ${at}`]);
}

/** A version of one addressable event. */
function versionOf(version: number, tags: number, names?: readonly string[]): NostrEvent {
  const all = [['d', 'repo'], ...manyTags(version, tags, names)];
  return makeEvent({ kind: 30_617, created_at: now + version, tags: all });
}

/** How much the index grows by that, when it has what the first events take. */
function growth(opened: OpenedStore, work: () => void): number {
  for (let at = 0; at < 2; at += 1) opened.store.put(makeEvent({ content: `${at}`, pubkey: hex32('first') }));
  const before = opened.stats().indexBytes;
  work();
  return opened.stats().indexBytes - before;
}

describe('the terms of refused events', () => {
  it('are few, however many tags an event has', () => {
    const opened = createMemoryStore({ clock });
    const grown = growth(opened, () => {
      for (let version = 0; version < 100; version += 1)
        opened.refused.add(versionOf(version, 5_000), heldReason);
    });
    expect(opened.refused.size).toBe(100);
    // With all of them it would be 10 MB.
    expect(grown).toBeLessThan(500_000);
  });

  it('are those by which refused events are looked for', () => {
    const { refused } = createMemoryStore({ clock });
    const event = versionOf(1, 12, ['a', 'A', 'e', 'E', 'q', 'p']);
    refused.add(event, 'blocked: for a test');
    const filters: Filter[] = [
      { ids: [event.id] },
      { kinds: [event.kind], authors: [author], '#d': ['repo'] },
      ...['#a', '#A', '#e', '#E', '#q'].map((key, at) => ({ [key]: [`1 ${at}`] })),
    ];
    for (const filter of filters) expect(collected(refused, filter)).toEqual([event.id]);
  });

  it('are the first where there are too many, and the event is found by what it is all the same', () => {
    const { refused } = createMemoryStore({ clock });
    const event = versionOf(1, 1_000, ['e']);
    refused.add(event, 'blocked: for a test');
    const found = (filter: Filter) => collected(refused, filter).length;
    // Author, kind, both, address and `d` come before them.
    const last = limits.refusedTermsPerEventMax - 6;
    expect([found({ '#e': [`1 ${last}`] }), found({ '#e': [`1 ${last + 1}`] })]).toEqual([1, 0]);
    for (const filter of [{}, { ids: [event.id] }, { kinds: [event.kind] }, { authors: [author] }])
      expect(found(filter)).toBe(1);
  });

  it('are few also of events that were stored with many, once these are replaced', () => {
    const opened = createMemoryStore({ clock });
    const { store, refused } = opened;
    const versions = Array.from({ length: 100 }, (_, version) => versionOf(version, 10_000));
    const grown = growth(opened, () => {
      for (const event of versions) store.put(event);
    });
    // With all of theirs it would be 20 MB. Those of rows that are gone are swept by and by.
    expect(grown).toBeLessThan(8_000_000);
    expect(refused.size).toBe(99);
    for (const { id } of versions.slice(0, 99)) expect(refused.reasonFor(id)).toBe('superseded');
    const replaced = versions.slice(0, 99).map(({ id }) => id);
    for (const filter of [{}, { authors: [author] }, { kinds: [30_617] }])
      expect(collected(refused, filter)).toEqual(replaced.toSorted());
    expect(store.count([{ '#t': ['99 1'] }])).toBe(1);
    expect(store.count([{ '#t': ['98 1'] }])).toBe(0);
  });

  it('lead to the older versions when the newest goes', () => {
    const { store, refused } = createMemoryStore({ clock });
    const versions = [1, 2, 3].map((version) => versionOf(version, 200));
    for (const event of versions) store.put(event);
    store.remove(versions[2]!.id);
    const { acceptable } = store.removeExpired();
    expect(acceptable.toSorted()).toEqual([versions[0]!.id, versions[1]!.id].toSorted());
    expect(refused.reasonFor(versions[2]!.id)).toBe('removed');
    expect(refused.size).toBe(1);
  });

  it('stay those of a deletion request that has expired, for its effect stays', () => {
    const time = new VirtualClock(now * 1_000);
    const { store } = createMemoryStore({ clock: time });
    const notes = Array.from({ length: 100 }, (_, at) => makeEvent({ content: `${at}` }));
    const tags = [...notes.map(({ id }) => ['e', id]), ['expiration', String(now + 10)]];
    store.put(makeEvent({ kind: 5, tags }));
    time.jump(20_000);
    expect(store.removeExpired().removed).toHaveLength(1);
    expect(store.put(notes[99]!).status).toBe('deleted');
  });

  it('are bounded in sum: the oldest give way, each sort keeps its share', () => {
    const time = new VirtualClock(now * 1_000);
    // 10 terms each.
    const { store, refused } = createMemoryStore({ clock: time, refusedTermsMax: 400 });
    const versions = Array.from({ length: 60 }, (_, version) => versionOf(version, 5));
    for (const event of versions) {
      store.put(event);
      time.jump(1_000);
    }
    expect(refused.size).toBe(40);
    expect(refused.reasonFor(versions[18]!.id)).toBeUndefined();
    const others = Array.from({ length: 60 }, (_, at) =>
      makeEvent({ created_at: now - at, tags: manyTags(at, 7, ['e']) }),
    );
    for (const event of others) {
      refused.add(event, 'blocked: for a test');
      time.jump(1_000);
    }
    const superseded = versions.filter(({ id }) => refused.reasonFor(id) === 'superseded');
    const blocked = others.filter(({ id }) => refused.reasonFor(id) !== undefined);
    expect(superseded).toEqual(versions.slice(29, 59));
    expect(blocked).toEqual(others.slice(50));
  });

  it('are as few after a restart, with the log and with the snapshot', async () => {
    const path = await mkdtemp(join(tmpdir(), 'graspd-terms-'));
    try {
      const first = await openLevelStore({ path, clock });
      for (let version = 0; version < 30; version += 1) {
        first.refused.add(versionOf(version, 5_000), heldReason);
        const { kind, created_at, tags } = versionOf(version, 3_000);
        first.store.put(makeEvent({ kind, created_at, tags, pubkey: hex32('other') }));
      }
      await first.store.flush();
      const ids = collected(first.refused, {});
      expect(ids).toHaveLength(59);
      await first.store[Symbol.asyncDispose]();
      for (const isFromLog of [false, true]) {
        if (isFromLog) await rm(join(path, 'index.snapshot'));
        const again = await openLevelStore({ path, clock });
        expect(collected(again.refused, {})).toEqual(ids);
        expect(collected(again.refused, { authors: [hex32('other')] })).toHaveLength(29);
        if (isFromLog) expect(again.stats().indexBytes).toBeLessThan(2_500_000);
        await again.store[Symbol.asyncDispose]();
      }
    } finally {
      await rm(path, { recursive: true });
    }
  });
});
