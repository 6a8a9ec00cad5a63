import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Random, randomInteger, seededRandom } from '../../src/lib/random.js';
import type { WorkTurns } from '../../src/lib/turns/turn-scheduler.js';
import { formatAddress } from '../../src/nostr/address.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import type { EventStore, StoredEvent } from '../../src/store/event-store.js';
import type { FaultyEvent } from '../../src/store/faulty-rows.js';
import type { FollowedStore } from '../../src/store/following/follow-log.js';
import type { Followed, TailTimes } from '../../src/store/following/log-follower.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';
import { SteppedTurns } from '../support/work-turns.js';
import { idsOf } from './support/answers.js';
import { hex32, makeEvent } from './support/events.js';
import { MemoryLog, type Writer } from './support/memory-log.js';

const now = 1_700_000_000;
const authors = Array.from({ length: 3 }, (_, at) => hex32(`author ${at}`));
const kinds = [1, 5, 0, 10_002, 30_617];
const identifiers = ['', 'a'];

function pick<T>(random: Random, list: readonly T[]): T {
  return list[randomInteger(random, list.length)]!;
}

function randomEvent(random: Random, known: readonly NostrEvent[], clock: VirtualClock): NostrEvent {
  if (known.length > 0 && random.next() < 0.15) return pick(random, known);
  const pubkey = pick(random, authors);
  const kind = pick(random, kinds);
  const seconds = Math.floor(clock.now() / 1000);
  const tags: string[][] = [];
  if (kind >= 30_000) tags.push(['d', pick(random, identifiers)]);
  if (random.next() < 0.5) tags.push(['t', pick(random, ['x', 'y'])]);
  if (random.next() < 0.2) tags.push(['expiration', String(seconds + randomInteger(random, 30) - 2)]);
  if (kind === 5) {
    if (known.length > 0) tags.push(['e', pick(random, known).id], ['e', pick(random, known).id]);
    const address = { kind: pick(random, kinds), pubkey, identifier: pick(random, identifiers) };
    if (random.next() < 0.5) tags.push(['a', formatAddress(address)]);
  }
  const created_at = now + randomInteger(random, 50);
  return makeEvent({ pubkey, kind, tags, created_at, content: String(randomInteger(random, 50)) });
}

function randomFilter(random: Random): Filter {
  const filter: Filter = {};
  if (random.next() < 0.4) filter.authors = [pick(random, authors)];
  if (random.next() < 0.5) filter.kinds = [pick(random, kinds), pick(random, kinds)];
  if (random.next() < 0.3) filter['#t'] = ['x'];
  if (random.next() < 0.3) filter.since = now + randomInteger(random, 50);
  if (random.next() < 0.3) filter.limit = 1 + randomInteger(random, 5);
  return filter;
}

/** All that an observer is told, which must go together at each step. */
class Watched {
  readonly ids = new Set<string>();

  constructor(store: EventStore) {
    for (const id of store.ids({})) this.ids.add(id);
    store.observe({
      added: (event) => {
        expect(this.ids.has(event.id)).toBe(false);
        this.ids.add(event.id);
        expect(store.has(event.id)).toBe(true);
      },
      removed: (event) => {
        expect(this.ids.delete(event.id)).toBe(true);
        expect(store.has(event.id)).toBe(false);
      },
    });
  }
}

/** What a follower's answers to `advance` and `removeExpired` amount to. */
class Told {
  readonly ids: Set<string>;

  constructor(store: EventStore) {
    this.ids = new Set(store.ids({}));
  }

  take({ added = [], removed }: Pick<Followed, 'removed'> & Partial<Followed>): void {
    // An event may come, leave and come again: which came first the lists do not say.
    const balance = new Map<string, number>();
    for (const { id } of added) balance.set(id, (balance.get(id) ?? 0) + 1);
    for (const { id } of removed) balance.set(id, (balance.get(id) ?? 0) - 1);
    for (const [id, change] of balance) {
      const count = (this.ids.has(id) ? 1 : 0) + change;
      expect([0, 1]).toContain(count);
      if (count === 1) this.ids.add(id);
      else this.ids.delete(id);
    }
  }
}

describe('a store that follows what another writes', () => {
  let path: string;
  let clock: VirtualClock;
  let log: MemoryLog;
  let writer: Writer;

  const folder = (name: string) => join(path, name);
  const sorted = (ids: Iterable<string>) => [...ids].sort();

  async function openWriter(): Promise<Writer> {
    writer = await log.writer(path, { clock });
    return writer;
  }

  async function advanceToEnd(follower: FollowedStore, take?: (followed: Followed) => void): Promise<void> {
    for (let hasMore = true; hasMore; ) {
      const followed = await follower.advance();
      take?.(followed);
      hasMore = followed.position < followed.end;
    }
  }

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'graspd-follow-'));
    clock = new VirtualClock(now * 1000);
    log = new MemoryLog();
    await openWriter();
  });

  afterEach(async () => {
    await writer.store[Symbol.asyncDispose]();
    await rm(path, { recursive: true, force: true });
  });

  async function answersOf(store: EventStore, filters: readonly Filter[][]): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (const all of filters) answers.push(await idsOf(store, all), store.count(all));
    return answers;
  }

  /** Random changes of all sorts by a writer, which a follower takes over now and then. */
  async function follow(seed: number): Promise<void> {
    const random = seededRandom(seed);
    const known: NostrEvent[] = [];
    log = new MemoryLog();
    log.segmentsPerPiece = 1 + randomInteger(random, 4);
    clock = new VirtualClock(now * 1000);
    const own = await log.writer(folder(`writer ${seed}`), { clock });
    const change = () => {
      const roll = random.next();
      if (roll < 0.75) {
        const event = randomEvent(random, known, clock);
        known.push(event);
        own.store.put(event);
      } else if (roll < 0.8) clock.jump(randomInteger(random, 4) * 1000);
      else if (roll < 0.85) own.store.remove(pick(random, known)?.id ?? '');
      else if (roll < 0.9) own.store.takeAway([pick(random, known)?.id ?? ''], 'not wanted');
      else if (roll < 0.95) own.store.removeExpired();
      else own.refused.add(randomEvent(random, [], clock), 'invalid: no');
    };
    known.push(randomEvent(random, [], clock));
    for (let step = 0; step < 20; step += 1) change();
    await own.store.flush();

    const turns: WorkTurns = {
      get isOver() {
        return random.next() < 0.2;
      },
      next: () => new Promise((resolve) => setImmediate(resolve)),
      spend() {},
    };
    const followerPath = folder(`follower ${seed}`);
    let follower = await log.follower(followerPath, { clock, turns });
    let watched = new Watched(follower.store);
    let told = new Told(follower.store);
    const compare = async () => {
      // What has expired goes by asking, on both sides; and is told of in later turns.
      const ids = sorted(follower.store.ids({}));
      await settle();
      expect(sorted(watched.ids)).toEqual(ids);
      told.take(follower.store.removeExpired());
      expect(sorted(told.ids)).toEqual(ids);
    };
    for (let step = 0; step < 60; step += 1) {
      change();
      if (random.next() < 0.5) await own.store.flush();
      if (random.next() < 0.3) {
        // What is changed between its reads and its turns must not matter.
        log.between = async () => {
          if (random.next() < 0.7) return;
          change();
          await own.store.flush();
        };
        const advancing = follower.advance();
        if (random.next() < 0.3) change();
        follower.store.count([{}]);
        const followed = await advancing;
        log.between = async () => {};
        told.take(followed);
        // Told is what its body was read of, and parsed as it was put.
        for (const { event } of followed.added) expect(known).toContainEqual(event);
        await compare();
      }
      if (random.next() < 0.1) {
        await own.store.flush();
        await advanceToEnd(follower, (followed) => told.take(followed));
        await compare();
        const filters = Array.from({ length: 4 }, () => [randomFilter(random), randomFilter(random)]);
        expect(await answersOf(follower.store, filters)).toEqual(await answersOf(own.store, filters));
        expect(own.store.size).toBe(follower.store.size);
        await own.store.flush();
        await advanceToEnd(follower, (followed) => told.take(followed));
        // A follower that is at the end of the log misses nothing by its compaction.
        if (random.next() < 0.5) await own.compact();
        if (random.next() < 0.3) {
          await follower[Symbol.asyncDispose]();
          follower = await log.follower(followerPath, { clock, turns });
          watched = new Watched(follower.store);
          told = new Told(follower.store);
        }
      }
    }
    await own.store.flush();
    await advanceToEnd(follower, (followed) => told.take(followed));
    await compare();
    // What the follower left serves whoever writes next as the writer's own would.
    await follower[Symbol.asyncDispose]();
    const next = await log.writer(followerPath, { clock });
    expect(log.readFrom).toBeGreaterThan(1);
    expect(next.stats().logRecords).toBe((await log.sizeThrough(Number.MAX_SAFE_INTEGER)).records);
    expect(sorted(next.store.ids({}))).toEqual(sorted(own.store.ids({})));
    for (const { id } of known) expect(next.refused.reasonFor(id)).toBe(own.refused.reasonFor(id));
    await next.store[Symbol.asyncDispose]();
    await own.store[Symbol.asyncDispose]();
  }

  it('answers as that one does, and tells of each change once', async () => {
    await fc.assert(fc.asyncProperty(fc.nat(), follow), { numRuns: 40, seed: 11 });
  });

  it('takes nothing itself', async () => {
    await using follower = await log.follower(folder('follower'), { clock });
    const { store } = follower;
    const event = makeEvent();
    for (const change of [
      () => store.put(event),
      () => store.remove(event.id),
      () => store.takeAway([event.id], 'not wanted'),
    ])
      expect(change).toThrow(expect.objectContaining({ code: 'store_follows' }));
    expect(store.preview(event)).toBe('stored');
    expect(store.unwritten()).toBeUndefined();
    await store.flush();
  });

  it('is told that it was left behind when what it missed was merged away, and not before', async () => {
    const follower = await log.follower(folder('follower'), { clock });
    const put = async (content: string) => await writer.store.put(makeEvent({ kind: 0, content })).written;
    const times = Array.from({ length: 4 }, (_, at) => makeEvent({ kind: 0, created_at: now + at }));
    for (const event of times.slice(0, 2)) await writer.store.put(event).written;
    await advanceToEnd(follower);
    await writer.compact();
    expect((await follower.advance()).added).toEqual([]);
    for (const event of times.slice(2)) await writer.store.put(event).written;
    await writer.compact();
    await writer.compact();
    await put('later');
    await expect(follower.advance()).rejects.toMatchObject({ code: 'store_left_behind', retryable: false });
    expect(follower.store.ids({})).toEqual([times[1]!.id]);
    await follower[Symbol.asyncDispose]();
    await using anew = await log.follower(folder('follower'), { clock });
    expect(sorted(anew.store.ids({}))).toEqual(sorted(writer.store.ids({})));
  });

  it('is told that it was left behind where a segment is missing or the database was set back', async () => {
    const events = Array.from({ length: 4 }, (_, at) => makeEvent({ content: String(at) }));
    for (const event of events.slice(0, 3)) await writer.store.put(event).written;
    await using gap = await log.follower(folder('gap'), { clock });
    await using setBack = await log.follower(folder('set back'), { clock });
    log.segmentBytes.delete(3);
    await expect(setBack.advance()).rejects.toMatchObject({ code: 'store_left_behind' });
    await using damaged = await log.follower(folder('damaged'), { clock });
    log.segmentBytes.set(3, Buffer.from('damaged'));
    expect(await damaged.advance()).toMatchObject({ added: [], removed: [] });
    await writer.store.put(events[3]!).written;
    await expect(damaged.advance()).rejects.toMatchObject({ code: 'store_left_behind' });
    expect((await gap.advance()).added.map(({ id }) => id)).toEqual([events[3]!.id]);
  });

  it('tells nothing of an event that left before it was read, nor has it in an answer', async () => {
    const [gone, stays] = [makeEvent({ content: 'gone' }), makeEvent({ content: 'stays' })];
    const openFollower = (name: string) => log.follower(folder(name), { clock });
    await using follower = await openFollower('follower');
    const shortLived = await openFollower('short-lived');
    log.segmentsPerPiece = 1;
    await writer.store.put(gone).written;
    await writer.store.put(stays).written;
    await writer.store.takeAway([gone.id], 'not wanted').written;
    const first = await follower.advance();
    expect(first).toMatchObject({ added: [], removed: [] });
    expect(first.position).toBeLessThan(first.end);
    expect(follower.store.has(gone.id)).toBe(false);
    const pieces: Followed[] = [];
    await advanceToEnd(follower, (followed) => pieces.push(followed));
    expect(pieces.flatMap(({ added }) => added.map(({ id }) => id))).toEqual([stays.id]);
    expect(pieces.flatMap(({ removed }) => removed)).toEqual([]);
    // One that is closed in between leaves the row for whoever reads on.
    expect(await shortLived.advance()).toEqual(first);
    await shortLived[Symbol.asyncDispose]();
    const next = await log.writer(folder('short-lived'), { clock });
    expect(log.readFrom).toBe(2);
    expect(next.refused.reasonFor(gone.id)).toBe('not wanted');
    await next.store[Symbol.asyncDispose]();
  });

  it('leaves an event out of an answer whose body is gone already, and takes that for no damage', async () => {
    const faults: FaultyEvent[] = [];
    const [gone, damaged] = [makeEvent({ content: 'gone' }), makeEvent({ content: 'damaged' })];
    await writer.store.put(gone).written;
    const { sequence } = writer.store.put(damaged);
    await writer.store.flush();
    const onFault = (event: FaultyEvent) => void faults.push(event);
    await using follower = await log.follower(folder('follower'), { clock, onFault });
    await writer.store.takeAway([gone.id], 'not wanted').written;
    log.bodyBytes.set(sequence!, Buffer.from('damaged'));
    expect(await idsOf(follower.store, [{}])).toEqual([]);
    expect(await follower.store.get(gone.id)).toBeUndefined();
    expect(faults.map(({ id, fault }) => ({ id, fault }))).toEqual([{ id: damaged.id, fault: 'damaged' }]);
    expect((await follower.advance()).removed.map(({ id }) => id)).toEqual([gone.id]);
  });

  it('has nothing that has expired by its own clock, and hands the next writer what the log has', async () => {
    const expiring = makeEvent({ tags: [['expiration', String(now + 10)]] });
    const request = makeEvent({
      kind: 5,
      tags: [
        ['expiration', String(now + 10)],
        ['e', hex32('x')],
      ],
    });
    await writer.store.put(expiring).written;
    await writer.store.put(request).written;
    const ahead = new VirtualClock((now + 20) * 1000);
    const follower = await log.follower(folder('follower'), { clock: ahead });
    expect(follower.store.count([{}])).toBe(0);
    expect(sorted(follower.store.removeExpired().removed.map(({ id }) => id))).toEqual(
      sorted([expiring.id, request.id]),
    );
    expect(follower.store.removeExpired().removed).toEqual([]);
    await follower[Symbol.asyncDispose]();
    expect(await readdir(folder('follower'))).toEqual(['index.snapshot']);
    const next = await log.writer(folder('follower'), { clock });
    expect(sorted(next.store.ids({}))).toEqual(sorted([expiring.id, request.id]));
    clock.jump(20_000);
    await next.store[Symbol.asyncDispose]();
  });

  it('has the reason of the writer in the end for what expired by its own clock before', async () => {
    const expiring = makeEvent({ tags: [['expiration', String(now + 10)]] });
    await writer.store.put(expiring).written;
    const ahead = new VirtualClock((now + 20) * 1000);
    const follower = await log.follower(folder('follower'), { clock: ahead });
    expect(follower.store.removeExpired().removed).toHaveLength(1);
    await writer.store.takeAway([expiring.id], 'not wanted').written;
    expect((await follower.advance()).removed).toEqual([]);
    await follower[Symbol.asyncDispose]();
    const next = await log.writer(folder('follower'), { clock });
    expect(log.readFrom).toBe(3);
    expect(next.refused.reasonFor(expiring.id)).toBe('not wanted');
    await next.store[Symbol.asyncDispose]();
  });

  it('lets go of what expires in as many turns as that takes, unless the log tells of it first', async () => {
    const events = Array.from({ length: 3 }, (_, at) =>
      makeEvent({ content: `${at}`, tags: [['expiration', String(now + 10)]] }),
    );
    for (const event of events) await writer.store.put(event).written;
    const turns = new SteppedTurns();
    const ahead = new VirtualClock((now + 20) * 1000);
    const follower = await log.follower(folder('follower'), { clock: ahead, turns });
    const told: string[] = [];
    follower.store.observe({ added: () => {}, removed: ({ id }) => told.push(id) });
    expect(follower.store.count([{}])).toBe(0);
    expect(told).toHaveLength(1);
    const unwanted = events.find(({ id }) => !told.includes(id))!;
    await writer.store.takeAway([unwanted.id], 'not wanted').written;
    const advancing = follower.advance();
    await settle();
    expect(told[1]).toBe(unwanted.id);
    await turns.finish();
    expect((await advancing).removed.map(({ id }) => id)).toEqual([unwanted.id]);
    expect(sorted(told)).toEqual(sorted(events.map(({ id }) => id)));
    const { removed } = follower.store.removeExpired();
    expect(sorted(removed.map(({ id }) => id))).toEqual(sorted([told[0]!, told[2]!]));
    await follower[Symbol.asyncDispose]();
    const next = await log.writer(folder('follower'), { clock });
    expect(sorted(next.store.ids({}))).toEqual(sorted([told[0]!, told[2]!]));
    expect(next.refused.reasonFor(unwanted.id)).toBe('not wanted');
    await next.store[Symbol.asyncDispose]();
  });

  it('tells of none that expired on its way', async () => {
    await using follower = await log.follower(folder('follower'), {
      clock: new VirtualClock((now + 20) * 1000),
    });
    await writer.store.put(makeEvent({ tags: [['expiration', String(now + 10)]] })).written;
    expect(await follower.advance()).toMatchObject({ added: [], removed: [] });
    expect(follower.store.removeExpired().removed).toEqual([]);
    expect(follower.store.size).toBe(0);
  });

  it('reads once more for all that ask while it reads', async () => {
    await using follower = await log.follower(folder('follower'), { clock });
    let reads = 0;
    log.between = async () => {
      reads += 1;
      await new Promise((resolve) => setImmediate(resolve));
    };
    await Promise.all(Array.from({ length: 5 }, () => follower.advance()));
    expect(reads).toBe(2);
    log.between = async () => {
      throw new Error('away');
    };
    const both = [follower.advance(), follower.advance()];
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    log.between = async () => {};
    const event = makeEvent();
    await writer.store.put(event).written;
    expect((await follower.advance()).added.map(({ id }: StoredEvent) => id)).toEqual([event.id]);
  });

  it('takes a long log over in pieces, and each in turns', async () => {
    log.segmentsPerPiece = 1_000;
    let turnsTaken = 0;
    const turns: WorkTurns = {
      isOver: true,
      async next() {
        turnsTaken += 1;
      },
      spend() {},
    };
    await using follower = await log.follower(folder('follower'), { clock, turns });
    const content = 'x'.repeat(60_000);
    for (let at = 0; at < 60; at += 1)
      await writer.store.put(makeEvent({ content: `${content}${at}` })).written;
    const counts: number[] = [];
    await advanceToEnd(follower, ({ added }) => counts.push(added.length));
    expect(counts).toEqual([31, 29]);
    expect(turnsTaken).toBe(60);
  });

  it('tells of each piece that has something how long it took to be read and to be folded in', async () => {
    const times: TailTimes[] = [];
    const turns: WorkTurns = { isOver: true, next: () => clock.advance(2), spend() {} };
    const onTailed = (its: TailTimes) => times.push(its);
    await using follower = await log.follower(folder('follower'), { clock, turns, onTailed });
    await writer.store.put(makeEvent()).written;
    log.between = () => clock.advance(7);
    await follower.advance();
    await follower.advance();
    expect(times).toEqual([{ readMs: 7, foldMs: 2 }]);
  });

  it('shows a replaceable event at any moment, for its versions follow each other in one turn', async () => {
    log.segmentsPerPiece = 1_000;
    const versions = Array.from({ length: 9 }, (_, at) => makeEvent({ kind: 0, created_at: now + at }));
    await writer.store.put(versions[0]!).written;
    const counts: number[] = [];
    const turns: WorkTurns = {
      isOver: true,
      async next() {
        counts.push(follower.store.count([{ kinds: [0] }]));
      },
      spend() {},
    };
    await using follower = await log.follower(folder('follower'), { clock, turns });
    for (const event of versions.slice(1)) {
      await writer.store.put(event).written;
      // So that the body of each is read before it goes.
      await advanceToEnd(follower);
    }
    expect(counts).toEqual(versions.slice(1).map(() => 1));
  });

  it('changes nothing any more when it was closed', async () => {
    const follower = await log.follower(folder('follower'), { clock });
    await writer.store.put(makeEvent()).written;
    let ends: PromiseLike<void> | undefined;
    log.between = async () => {
      ends = follower[Symbol.asyncDispose]();
    };
    await expect(follower.advance()).rejects.toMatchObject({ code: 'store_closed' });
    await ends;
    expect(follower.store.size).toBe(0);
    await expect(follower.advance()).rejects.toMatchObject({ code: 'store_closed' });
  });
});
