import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { toHex } from '../../src/lib/bytes.js';
import { formatAddress } from '../../src/nostr/address.js';
import { eventJson, type NostrEvent } from '../../src/nostr/event.js';
import { encodeBody } from '../../src/nostr/event-body.js';
import type { Filter, TagKey } from '../../src/nostr/filter.js';
import type { EventStore } from '../../src/store/event-store.js';
import type { OpenedStore, StoreOptions } from '../../src/store/opened-store.js';
import type { RefusedIndex } from '../../src/store/refused/refused-index.js';
import { hasRealEvents, realEvents } from '../support/real-events.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { collected, idsOf } from './support/answers.js';
import { hex32, makeEvent } from './support/events.js';

/** How a suite gets at an implementation; `reopen` is there when it keeps what it is given. */
export type StoreHarness = {
  open(options: StoreOptions): Promise<OpenedStore>;
  /** Closes the store and opens the same one again. */
  reopen?(store: EventStore, options: StoreOptions): Promise<OpenedStore>;
  cleanUp(): Promise<void>;
};

const now = 1_700_000_000;

/** What every store does, whatever it keeps its events in. */
export function describeEventStore(name: string, makeHarness: () => StoreHarness): void {
  describe(name, () => {
    const alice = hex32('alice');
    const bob = hex32('bob');
    let harness: StoreHarness;
    let clock: VirtualClock;
    let opened: OpenedStore;
    let store: EventStore;
    let refused: RefusedIndex;

    beforeEach(async () => {
      harness = makeHarness();
      clock = new VirtualClock(now * 1000);
      opened = await harness.open({ clock });
      ({ store, refused } = opened);
    });

    afterEach(async () => {
      await store[Symbol.asyncDispose]();
      await harness.cleanUp();
    });

    const statusOf = (event: NostrEvent) => store.put(event).status;

    it('tells the kind of what is stored, and of nothing else', () => {
      const issue = makeEvent({ kind: 1621, created_at: now });
      const old = makeEvent({ kind: 30617, pubkey: alice, created_at: now - 1, tags: [['d', 'a']] });
      const newer = makeEvent({ kind: 30617, pubkey: alice, created_at: now, tags: [['d', 'a']] });
      const unwanted = makeEvent({ kind: 7, created_at: now });
      for (const event of [issue, old, newer]) store.put(event);
      refused.add(unwanted, 'blocked: not wanted');
      const kinds = [issue, old, newer, unwanted, makeEvent({ kind: 1 })].map(({ id }) => store.kindOf(id));
      expect(kinds).toEqual([1621, undefined, 30617, undefined, undefined]);
    });

    it('tells whether something stands at an address, whatever was refused or replaced there', () => {
      const place = { kind: 30023, pubkey: alice, identifier: 'a' };
      const list = { kind: 10002, pubkey: alice, identifier: '' };
      const article = (created_at: number, ...tags: string[][]) =>
        makeEvent({ kind: 30023, pubkey: alice, created_at, tags });
      refused.add(article(now - 2, ['d', 'a']), 'blocked: not wanted');
      expect([store.hasAt(place), store.hasAt(list)]).toEqual([false, false]);
      for (const created_at of [now - 1, now]) store.put(article(created_at, ['d', 'a'], ['d', 'b']));
      store.put(article(now));
      store.put(makeEvent({ kind: 10002, pubkey: alice, created_at: now }));
      const others = [{ identifier: 'b' }, { pubkey: '2'.repeat(64) }, { kind: 30024 }];
      expect([place, list, { ...place, identifier: '' }].map((each) => store.hasAt(each))).toEqual([
        true,
        true,
        true,
      ]);
      expect(others.map((other) => store.hasAt({ ...place, ...other }))).toEqual([false, false, false]);
      store.put(makeEvent({ kind: 5, pubkey: alice, created_at: now, tags: [['a', `30023:${alice}:a`]] }));
      expect(store.hasAt(place)).toBe(false);
    });

    it('does not take an event for what it would have become before something changed', async () => {
      const old = makeEvent({ kind: 30617, pubkey: alice, created_at: now - 1, tags: [['d', 'a']] });
      expect(store.preview(old)).toBe('stored');
      store.put(makeEvent({ kind: 30617, pubkey: alice, created_at: now, tags: [['d', 'a']] }));
      expect(statusOf(old)).toBe('superseded');
      const deleted = makeEvent({ kind: 1, pubkey: alice, created_at: now });
      expect(store.preview(deleted)).toBe('stored');
      store.put(makeEvent({ kind: 5, pubkey: alice, created_at: now, tags: [['e', deleted.id]] }));
      expect(statusOf(deleted)).toBe('deleted');
      const expiring = makeEvent({ kind: 1, created_at: now, tags: [['expiration', `${now + 5}`]] });
      expect(store.preview(expiring)).toBe('stored');
      await clock.advance(5_000);
      expect(statusOf(expiring)).toBe('expired');
      const gone = makeEvent({ kind: 1, content: 'gone', created_at: now });
      expect(statusOf(gone)).toBe('stored');
      expect(store.preview(gone)).toBe('duplicate');
      store.remove(gone.id);
      expect(store.preview(gone)).toBe('stored');
    });

    it('keeps the bytes of an event that come with it', async () => {
      const event = makeEvent({
        kind: 1621,
        created_at: now,
        content: 'ü "quoted"',
        tags: [['t', '\ud800']],
      });
      await store.put(event, encodeBody(event)).written;
      expect((await store.get(event.id))?.json).toBe(eventJson(event));
      if (harness.reopen === undefined) return;
      opened = await harness.reopen(store, { clock });
      ({ store, refused } = opened);
      expect((await store.get(event.id))?.json).toBe(eventJson(event));
    });

    it('tells the ids of what matches, at once and in turns, without what left meanwhile', async () => {
      const events = Array.from({ length: 9 }, (_, at) =>
        makeEvent({ created_at: now - at, kind: at % 2 === 0 ? 1621 : 1111, tags: [['e', hex32(at % 3)]] }),
      );
      for (const event of events) store.put(event);
      const roots = events.filter(({ kind }) => kind === 1621).map(({ id }) => id);
      expect(store.ids({ kinds: [1621] }).sort()).toEqual([...roots].sort());
      expect(store.ids({ kinds: [1621], '#e': [hex32(0)] }).sort()).toEqual([roots[0], roots[3]].sort());
      expect(store.ids({ '#e': [hex32(9)] })).toEqual([]);
      const ofThree: Filter = { kinds: [1621], '#e': [hex32(0)] };
      expect([store.ids(ofThree, 3)?.length, store.ids(ofThree, 2)]).toEqual([2, undefined]);
      const turns: (readonly string[])[] = [];
      for await (const ids of store.idsInTurns({ kinds: [1621] }, 2)) {
        turns.push(ids);
        if (turns.length === 1) store.remove(roots[3] as string);
        if (turns.length === 1) store.put(makeEvent({ created_at: now - 5, kind: 1621 }));
      }
      expect(turns.flat()).toEqual([roots[0], roots[1], roots[2], roots[4]]);
      expect(Math.max(...turns.map((ids) => ids.length))).toBeLessThanOrEqual(2);
    });

    it('tells the author of what is stored', () => {
      const note = makeEvent({ pubkey: bob });
      expect(store.authorOf(note.id)).toBeUndefined();
      store.put(note);
      expect(store.authorOf(note.id)).toBe(bob);
    });

    it('tells what is stored, and how much, as its observers are told', () => {
      const usage = () => {
        const found: unknown[] = [];
        store.forEachKept((event) => found.push(event));
        return found;
      };
      const told: unknown[] = [];
      store.observe({
        added: ({ pubkey, kind }, bytes) => told.push({ pubkey, kind, bytes }),
        removed: ({ pubkey, kind, bytes }) => told.push({ pubkey, kind, bytes }),
      });
      const note = makeEvent({ pubkey: alice, kind: 1, content: 'x'.repeat(1_000) });
      store.put(note);
      expect(usage()).toEqual([{ pubkey: alice, kind: 1, bytes: 2_048 }]);
      store.put(makeEvent({ pubkey: alice, kind: 5, created_at: now, tags: [['e', note.id]] }));
      expect(usage()).toEqual([{ pubkey: alice, kind: 5, bytes: 512 }]);
      expect(told).toEqual(expect.arrayContaining([...usage(), { pubkey: alice, kind: 1, bytes: 2_048 }]));
      expect(told.length).toBe(3);
    });

    it('keeps its reasons few, whatever refused events put into them', () => {
      for (let number = 0; number < 1_000; number += 1) {
        const event = makeEvent({ kind: 30_618, content: `${number}` });
        refused.add(event, `invalid: 'refs/${number}'x' is no head or tag`);
      }
      const plain = makeEvent({ content: 'plain' });
      refused.add(plain, 'blocked: a reason of its own');
      expect(refused.reasonFor(plain.id)).toBe('blocked: a reason of its own');
      const quoted = makeEvent({ content: 'quoted' });
      refused.add(quoted, "invalid: 'a' is no head or tag");
      expect(refused.reasonFor(quoted.id)).toBe("invalid: '…' is no head or tag");
    });

    it('numbers events in the order in which they were put', async () => {
      const events = [3, 1, 2].map((created_at) => makeEvent({ created_at }));
      const before = store.lastSequence;
      const given = events.map((event) => store.put(event).sequence as number);
      expect(given).toEqual([...given].sort((a, b) => a - b));
      expect(given[0]).toBeGreaterThan(before);
      expect(store.lastSequence).toBe(given[2]);
      expect(store.put(events[0]!).sequence).toBeUndefined();
      await store.flush();
      for (const [at, { id }] of events.entries()) expect((await store.get(id))?.sequence).toBe(given[at]);
    });

    it('stores an event once and gives it back unchanged', async () => {
      const event = makeEvent({
        tags: [['e', hex32(1)], ['x'], [], ['t', 'two', 'three']],
        content: 'quotes " \\ \n \u2028 emoji \u{1f600} lone \ud800 end',
      });
      expect(await store.get(event.id)).toBeUndefined();
      const result = store.put(event);
      expect(result).toMatchObject({ status: 'stored', removed: [] });
      expect(store.has(event.id)).toBe(true);
      expect((await store.get(event.id))?.event).toEqual(event);
      await result.written;
      const stored = await store.get(event.id);
      expect(stored?.id).toBe(event.id);
      expect(stored?.json).toBe(JSON.stringify(event));
      expect(stored?.event).toEqual(event);
      expect(statusOf(event)).toBe('duplicate');
      expect(store.size).toBe(1);
    });

    it('answers for ids that are none', async () => {
      expect(store.has('x')).toBe(false);
      expect(await store.get('Z'.repeat(64))).toBeUndefined();
      expect(store.remove('').removed).toBe(false);
      expect(await idsOf(store, [{ ids: ['nothing'] }])).toEqual([]);
    });

    it('keeps the newest replaceable event, on a tie that of the lowest id, in any order', () => {
      const [low, high] = [makeEvent({ kind: 0, content: 'a' }), makeEvent({ kind: 0, content: 'b' })].sort(
        (a, b) => (a.id < b.id ? -1 : 1),
      ) as [NostrEvent, NostrEvent];
      const newer = makeEvent({ kind: 0, created_at: now + 1 });
      expect(statusOf(high)).toBe('stored');
      const result = store.put(low);
      expect(result.status).toBe('stored');
      expect(result.removed).toEqual([
        { id: high.id, kind: 0, pubkey: high.pubkey, created_at: high.created_at, bytes: 512 },
      ]);
      expect(statusOf(high)).toBe('superseded');
      expect(statusOf(newer)).toBe('stored');
      expect(store.preview(low)).toBe('superseded');
      expect(store.size).toBe(1);
      expect(refused.reasonFor(high.id)).toBe('superseded');
      expect(refused.size).toBe(2);
    });

    it('keeps addressable events apart by author, kind and d', () => {
      const at = (pubkey: string, kind: number, d: string[][], content = '') =>
        makeEvent({ pubkey, kind, tags: d, content });
      expect(statusOf(at(alice, 30_617, [['d', 'a']]))).toBe('stored');
      expect(statusOf(at(alice, 30_617, [['d', 'b']]))).toBe('stored');
      expect(statusOf(at(alice, 30_618, [['d', 'a']]))).toBe('stored');
      expect(statusOf(at(bob, 30_617, [['d', 'a']]))).toBe('stored');
      expect(statusOf(at(bob, 30_617, []))).toBe('stored');
      expect(statusOf(at(bob, 30_617, [['d', '']], 'x'))).toMatch(/stored|superseded/);
      expect(store.size).toBe(5);
    });

    it('does not store ephemeral and expired events', () => {
      expect(statusOf(makeEvent({ kind: 22_242 }))).toBe('ephemeral');
      expect(statusOf(makeEvent({ kind: 22_242, tags: [['expiration', '1']] }))).toBe('expired');
      expect(statusOf(makeEvent({ tags: [['expiration', String(now)]] }))).toBe('expired');
      expect(statusOf(makeEvent({ tags: [['expiration', String(now + 1)]] }))).toBe('stored');
      expect(store.size).toBe(1);
      expect(refused.size).toBe(2);
    });

    it('forgets that older versions were superseded when the newest goes', async () => {
      const version = (at: number, d = 'a', ...tags: string[][]) =>
        makeEvent({ kind: 30_617, pubkey: alice, created_at: now + at, tags: [['d', d], ...tags] });
      const versions = [version(1), version(2), version(3)];
      const other = [version(1, 'b'), version(2, 'b')];
      for (const event of [...versions, ...other]) store.put(event);
      const late = version(0);
      expect(statusOf(late)).toBe('superseded');
      if (harness.reopen !== undefined) ({ store, refused } = await harness.reopen(store, { clock }));
      const remembered = () =>
        [...versions, late, ...other].map(({ id }) => refused.reasonFor(id) !== undefined);
      expect(remembered()).toEqual([true, true, false, true, true, false]);
      const request = makeEvent({ kind: 5, pubkey: alice, created_at: now, tags: [['e', versions[2]!.id]] });
      const result = store.put(request);
      const ids = [versions[0]!.id, versions[1]!.id, late.id];
      expect([...result.acceptable].sort()).toEqual(ids.sort());
      expect(remembered()).toEqual([false, false, true, false, true, false]);
      if (harness.reopen !== undefined) ({ store, refused } = await harness.reopen(store, { clock }));
      expect(remembered()).toEqual([false, false, true, false, true, false]);

      expect(statusOf(version(4, 'a', ['expiration', `${now + 10}`]))).toBe('stored');
      expect(statusOf(versions[1]!)).toBe('superseded');
      await clock.advance(11_000);
      expect(store.removeExpired().acceptable).toEqual([versions[1]!.id]);
      expect(statusOf(versions[1]!)).toBe('stored');

      // A request for the address deletes the older ones too.
      const forAddress = makeEvent({
        kind: 5,
        pubkey: alice,
        created_at: now + 5,
        tags: [['a', formatAddress({ kind: 30_617, pubkey: alice, identifier: 'b' })]],
      });
      expect(store.put(forAddress).acceptable).toEqual([]);
      expect(remembered().slice(4)).toEqual([true, true]);
    });

    it('keeps out what was deleted when the request expires, for good', async () => {
      const request = (at: number, ...tags: string[][]) =>
        makeEvent({ kind: 5, pubkey: alice, created_at: at, tags: [...tags, ['expiration', `${now + 10}`]] });
      const note = makeEvent({ pubkey: alice, created_at: now });
      const address = { kind: 30_617, pubkey: alice, identifier: 'a' };
      const announced = (at: number) =>
        makeEvent({ kind: 30_617, pubkey: alice, created_at: at, tags: [['d', 'a']] });
      const requests = [request(now, ['e', note.id]), request(now + 1, ['a', formatAddress(address)])];
      for (const event of requests) expect(statusOf(event)).toBe('stored');
      await clock.advance(11_000);
      expect(store.removeExpired().removed.map(({ kind }) => kind)).toEqual([5, 5]);
      for (const afterwards of ['at once', 'later', 'after a restart']) {
        if (afterwards === 'later') await clock.advance(30 * 24 * 3_600_000);
        if (afterwards === 'after a restart' && harness.reopen !== undefined)
          ({ store, refused } = await harness.reopen(store, { clock, refusedIdsMax: 1 }));
        refused.removeExpired();
        for (let at = 0; at < 3; at += 1)
          refused.add(makeEvent({ content: `${afterwards} ${at}` }), 'blocked: no');
        expect(requests.map(statusOf), afterwards).toEqual(['expired', 'expired']);
        expect(statusOf(note), afterwards).toBe('deleted');
        expect(statusOf(announced(now + 1)), afterwards).toBe('deleted');
        expect(await idsOf(store, [{ kinds: [5] }])).toEqual([]);
        expect(requests.map(({ id }) => refused.reasonFor(id))).toEqual(['expired', 'expired']);
      }
      expect(statusOf(announced(now + 2))).toBe('stored');
    });

    it('removes what expires', async () => {
      const event = makeEvent({ tags: [['expiration', String(now + 10)]] });
      store.put(event);
      store.put(makeEvent({ content: 'stays' }));
      expect(store.removeExpired().removed).toEqual([]);
      clock.jump(10_000);
      const { removed, written } = store.removeExpired();
      expect(removed.map(({ id }) => id)).toEqual([event.id]);
      await written;
      expect(store.has(event.id)).toBe(false);
      expect(refused.reasonFor(event.id)).toBe('expired');
      expect(await idsOf(store, [{}])).toHaveLength(1);
    });

    it('lets go of what expires also after an observer threw', () => {
      let throws = true;
      store.observe({
        added: () => {
          if (throws) throw new RangeError('tripped in an observer');
        },
        removed: () => {},
      });
      const brief = makeEvent({ created_at: now, tags: [['expiration', String(now + 10)]] });
      expect(() => store.put(brief)).toThrow(RangeError);
      throws = false;
      clock.jump(10_000);
      expect(store.has(brief.id)).toBe(false);
    });

    it('answers nothing with what has expired, and reports it once', async () => {
      const events = Array.from({ length: 3 }, (_, at) => makeEvent({ content: `lasting ${at}`, kind: 7 }));
      const brief = makeEvent({ created_at: now + 5, tags: [['expiration', String(now + 10)]], kind: 7 });
      for (const event of [...events, brief]) store.put(event);
      const told: string[] = [];
      store.observe({ added: () => {}, removed: ({ id }) => told.push(id) });
      clock.jump(9_000);
      expect(store.count([{ kinds: [7] }])).toBe(4);
      clock.jump(1_000);
      const filter: Filter = { kinds: [7], since: now + 1 };
      expect(store.some(filter)).toBe(false);
      expect(told).toEqual([brief.id]);
      expect([store.count([{ kinds: [7] }]), store.count([filter]), store.size]).toEqual([3, 0, 3]);
      expect(collected(store, { kinds: [7] })).toEqual(events.map(({ id }) => id).sort());
      expect(await idsOf(store, [{ limit: 1 }])).toEqual([events.map(({ id }) => id).sort()[0]]);
      expect([store.has(brief.id), await store.get(brief.id), store.preview(brief)]).toEqual([
        false,
        undefined,
        'expired',
      ]);
      const { removed, written } = store.removeExpired();
      await written;
      expect(removed.map(({ id }) => id)).toEqual([brief.id]);
      expect(store.removeExpired().removed).toEqual([]);
      expect(told).toEqual([brief.id]);
    });

    it.each<[string, (store: EventStore) => unknown]>([
      ['some', (store) => store.some({ kinds: [1] })],
      ['count', (store) => store.count([{ kinds: [1] }])],
      ['size', (store) => store.size],
      ['has', (store) => store.has(makeEvent({ tags: [['expiration', String(now + 1)]] }).id)],
      ['ids', (store) => store.ids({ kinds: [1] }).length],
      ['collect', (store) => collected(store, { kinds: [1] }).length],
    ])('lets go what is due before it answers %s', (_name, ask) => {
      store.put(makeEvent({ tags: [['expiration', String(now + 1)]] }));
      expect(Boolean(ask(store))).toBe(true);
      clock.jump(1_000);
      expect(Boolean(ask(store))).toBe(false);
    });

    it('deletes by id and address what is of the same author, before and after it came', () => {
      const note = makeEvent({ pubkey: alice });
      const foreign = makeEvent({ pubkey: bob });
      const old = makeEvent({ pubkey: alice, kind: 30_617, tags: [['d', 'x:y']], created_at: now });
      const newer = makeEvent({ pubkey: alice, kind: 30_617, tags: [['d', 'x:y']], created_at: now + 1 });
      const late = makeEvent({ pubkey: alice, content: 'comes after its deletion' });
      const a = formatAddress({ kind: 30_617, pubkey: alice, identifier: 'x:y' });
      const request = makeEvent({
        pubkey: alice,
        kind: 5,
        created_at: now,
        tags: [
          ['e', note.id],
          ['e', foreign.id],
          ['e', late.id],
          ['a', a],
        ],
      });
      for (const event of [note, foreign, old]) store.put(event);
      const { removed } = store.put(request);
      expect(removed.map(({ id }) => id).sort()).toEqual([note.id, old.id].sort());
      expect(statusOf(note)).toBe('deleted');
      expect(statusOf(late)).toBe('deleted');
      expect(statusOf(old)).toBe('deleted');
      expect(statusOf(newer)).toBe('stored');
      expect(store.has(foreign.id)).toBe(true);
      expect(refused.reasonFor(note.id)).toBe('deleted');
    });

    it('lets nobody delete a deletion request', () => {
      const request = makeEvent({ kind: 5, tags: [['e', hex32(1)]] });
      store.put(request);
      const { removed } = store.put(makeEvent({ kind: 5, tags: [['e', request.id]] }));
      expect(removed).toEqual([]);
      expect(store.has(request.id)).toBe(true);
      const early = makeEvent({ kind: 5, content: 'named before it came' });
      store.put(makeEvent({ kind: 5, tags: [['e', early.id]] }));
      expect(statusOf(early)).toBe('stored');
    });

    it('removes by id and remembers it as removed', async () => {
      const event = makeEvent();
      store.put(event);
      const { removed, written } = store.remove(event.id);
      await written;
      expect(removed).toBe(true);
      expect(await store.get(event.id)).toBeUndefined();
      expect(refused.reasonFor(event.id)).toBe('removed');
      expect(statusOf(event)).toBe('stored');
      expect(refused.reasonFor(event.id)).toBeUndefined();
      await store.flush();
      expect((await store.get(event.id))?.event).toEqual(event);
    });

    it('takes away several at once, remembers them with the reason, and makes nothing acceptable again', async () => {
      const older = makeEvent({ kind: 30_617, tags: [['d', 'a']], created_at: now - 10 });
      const newer = makeEvent({ kind: 30_617, tags: [['d', 'a']], created_at: now - 5 });
      const note = makeEvent();
      const kept = makeEvent({ content: 'kept' });
      for (const event of [older, newer, note, kept]) store.put(event);
      const told: string[] = [];
      store.observe({ added: () => {}, removed: ({ id }, remains) => told.push(`${id} ${remains}`) });
      const { removed, written } = store.takeAway([newer.id, hex32(77), note.id], 'blocked: by the operator');
      await written;
      expect(removed.map(({ id, kind }) => [id, kind])).toEqual([
        [newer.id, 30_617],
        [note.id, note.kind],
      ]);
      expect(told).toEqual([`${newer.id} id`, `${note.id} id`]);
      expect(store.count([{}])).toBe(1);
      expect(await store.get(note.id)).toBeUndefined();
      expect(refused.reasonFor(note.id)).toBe('blocked: by the operator');
      expect(refused.reasonFor(older.id)).toBe('superseded');
      expect(store.removeExpired().acceptable).toEqual([]);
      expect(store.takeAway([note.id], 'again').removed).toEqual([]);
      expect(statusOf(note)).toBe('stored');
    });

    it('answers newest first, ties by lowest id, each event once, each limit by itself', async () => {
      const events = Array.from({ length: 30 }, (_, at) =>
        makeEvent({ created_at: now + (at % 7), kind: at % 3, pubkey: hex32(at), content: String(at) }),
      );
      for (const event of events) store.put(event);
      const sorted = [...events].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
      expect(await idsOf(store, [{}])).toEqual(sorted.map(({ id }) => id));
      expect(await idsOf(store, [{ limit: 4 }, { limit: 2 }, { kinds: [1], limit: 0 }])).toEqual(
        sorted.slice(0, 4).map(({ id }) => id),
      );
      expect(await idsOf(store, [{ limit: 0 }])).toEqual([]);
      expect(await idsOf(store, [])).toEqual([]);
      expect(await idsOf(store, [{ kinds: [] }])).toEqual([]);
      expect(await idsOf(store, [{ since: now + 2, until: now + 3 }])).toHaveLength(
        events.filter(({ created_at }) => created_at === now + 2 || created_at === now + 3).length,
      );
      expect(store.count([{ kinds: [1] }, { kinds: [1, 2] }, { limit: 1, kinds: [1] }])).toBe(20);
    });

    it('answers the state at the call, and survives what happens meanwhile', async () => {
      const events = Array.from({ length: 1_000 }, (_, at) =>
        makeEvent({ created_at: now + at, content: String(at) }),
      );
      for (const event of events) store.put(event);
      const answer = store.query([{}]);
      store.put(makeEvent({ created_at: now + 5_000 }));
      for (const event of events.slice(0, 500)) store.remove(event.id);
      const ids: string[] = [];
      for await (const chunk of answer) ids.push(...chunk.map(({ id }) => id));
      expect(ids).toEqual(
        events
          .slice(500)
          .reverse()
          .map(({ id }) => id),
      );
    });

    it('collects into the kernels what they then seal', () => {
      const events = Array.from({ length: 5_000 }, (_, at) =>
        makeEvent({ content: String(at), created_at: at }),
      );
      for (const event of events) store.put(event);
      const builder = createReferenceKernels().createRecordSet();
      store.collect({ since: 100 }, builder);
      const set = builder.seal();
      expect(set.size).toBe(4_900);
      expect(set.timestampAt(0)).toBe(100n);
      expect(toHex(set.idAt(4_899))).toBe(events.at(-1)?.id);
    });

    it('collects stored and refused events apart', () => {
      const old = makeEvent({ kind: 0, tags: [['t', 'x']] });
      const newer = makeEvent({ kind: 0, created_at: now + 1, tags: [['t', 'x']] });
      store.put(old);
      store.put(newer);
      refused.add(makeEvent({ tags: [['t', 'y']] }), 'blocked: author');
      expect(collected(store, { '#t': ['x'] })).toEqual([newer.id]);
      expect(collected(refused, { '#t': ['x'] })).toEqual([old.id]);
      expect(collected(refused, {})).toHaveLength(2);
    });

    it('forgets the refused events of an author that have such a reason, and says which', async () => {
      const author = hex32(4);
      const stored = makeEvent({ pubkey: author });
      store.put(stored);
      store.takeAway([stored.id], 'blocked: author');
      const others = Array.from({ length: 40 }, (_, at) =>
        makeEvent({ pubkey: at % 2 === 0 ? author : hex32(5), content: `${at}` }),
      );
      for (const [at, event] of others.entries())
        refused.add(event, at % 4 === 0 ? 'removed' : 'blocked: author');
      const forgotten: string[] = [];
      const isSuch = (reason: string) => reason === 'blocked: author';
      for await (const ids of refused.forgetInTurns({ authors: [author] }, isSuch)) forgotten.push(...ids);
      const such = others.filter((_, at) => at % 4 === 2).map(({ id }) => id);
      expect(forgotten.sort()).toEqual([stored.id, ...such].sort());
      for (const id of forgotten) expect(refused.reasonFor(id)).toBeUndefined();
      expect(refused.size).toBe(30);
    });

    it('remembers refused events by filter, with a reason, until they expire or are forgotten', () => {
      const event = makeEvent({ tags: [['a', 'address']] });
      refused.add(event, 'no repository');
      refused.add(event, 'blocked: author');
      expect(refused.reasonFor(event.id)).toBe('blocked: author');
      expect(store.has(event.id)).toBe(false);
      expect(store.count([{}])).toBe(0);
      expect(refused.matching({ '#a': ['address'] }, { visits: 10 })).toEqual([event.id]);
      expect(refused.matching({ '#a': ['address'] }, { visits: 0 })).toBeUndefined();
      expect(refused.matching({ '#a': ['address'] }, { visits: 10 }, new Set(['blocked: author']))).toEqual(
        [],
      );
      const search = refused.search({ '#a': ['address'] });
      expect(search.next({ visits: 10 })).toEqual({ ids: [event.id], isDone: true });
      refused.delete(event.id);
      expect(refused.reasonFor(event.id)).toBeUndefined();
      expect(refused.matching({}, { visits: 10 })).toEqual([]);
      refused.add(event, 'again');
      clock.jump(6 * 86_400_000);
      expect(refused.removeExpired()).toBe(0);
      clock.jump(86_400_000);
      expect(refused.removeExpired()).toBe(1);
      expect(refused.size).toBe(0);
    });

    it('finds an event that was refused before once, wherever a turn ends', async () => {
      const events = Array.from({ length: 12 }, (_, n) => makeEvent({ created_at: 1_000 - n }));
      for (const event of events) {
        refused.add(event, 'blocked: not yet');
        store.put(event);
      }
      for (const idsPerTurn of [1, 2, 3, 5]) {
        for (const filter of [{}, { authors: [events[0]!.pubkey] }, { kinds: [events[0]!.kind] }]) {
          const found: string[] = [];
          for await (const ids of store.idsInTurns(filter, idsPerTurn)) for (const id of ids) found.push(id);
          expect(found).toEqual(events.map(({ id }) => id));
        }
      }
    });

    it('stores a refused event when it is put, and does not refuse a stored one', () => {
      const event = makeEvent();
      refused.add(event, 'unknown repository');
      expect(statusOf(event)).toBe('stored');
      expect(refused.size).toBe(0);
      refused.add(event, 'too late');
      expect(refused.size).toBe(0);
      expect(store.has(event.id)).toBe(true);
    });

    it('keeps the refused events below their limit: the oldest give way', async () => {
      const other = makeHarness();
      const small = await other.open({ clock, refusedIdsMax: 3 });
      const events = Array.from({ length: 5 }, (_, at) => makeEvent({ kind: 0, created_at: now + at }));
      for (const event of events) {
        small.store.put(event);
        clock.jump(1_000);
      }
      expect(small.refused.size).toBe(3);
      expect(small.refused.reasonFor(events[0]!.id)).toBeUndefined();
      expect(small.refused.reasonFor(events[3]!.id)).toBe('superseded');
      await small.store[Symbol.asyncDispose]();
      await other.cleanUp();
    });

    it('keeps a share of the refused events for each sort: no flood pushes all others out', async () => {
      const other = makeHarness();
      const idsMax = 40;
      const small = await other.open({ clock, refusedIdsMax: idsMax });
      const profiles = Array.from({ length: idsMax }, (_, at) =>
        makeEvent({ kind: 0, created_at: now + at, pubkey: hex32('often renamed') }),
      );
      for (const event of profiles) {
        small.store.put(event);
        clock.jump(1_000);
      }
      const remembered = () => profiles.filter(({ id }) => small.refused.reasonFor(id) === 'superseded');
      expect(remembered()).toHaveLength(idsMax - 1);
      const flood = (reason: string) => {
        for (let at = 0; at < 3 * idsMax; at += 1) {
          small.refused.add(makeEvent({ content: `${reason} ${at}`, pubkey: hex32(at) }), reason);
          clock.jump(1_000);
        }
      };
      flood('blocked: no repository');
      expect(remembered()).toEqual(profiles.slice(9, idsMax - 1));
      flood('expired');
      expect(remembered()).toEqual(profiles.slice(19, idsMax - 1));
      const ids = small.refused.matching({}, { visits: 100_000 }) ?? [];
      const reasons = ids.map((id) => small.refused.reasonFor(id));
      expect(
        ['superseded', 'expired', 'blocked: no repository'].map(
          (name) => reasons.filter((reason) => reason === name).length,
        ),
      ).toEqual([20, 10, 10]);
      await small.store[Symbol.asyncDispose]();
      await other.cleanUp();
    });

    it('forgets the authors of what it forgets', async () => {
      const other = makeHarness();
      const options = { clock, refusedIdsMax: 100 };
      let small = await other.open(options);
      const flood = (from: number): number => {
        for (let at = from; at < from + 8_000; at += 1) {
          const event = makeEvent({ id: hex32(at), pubkey: hex32(`author ${at}`) });
          small.refused.add(event, 'blocked: no repository');
        }
        return small.stats().indexBytes;
      };
      const [first, second] = [flood(0), flood(8_000)];
      expect(second).toBeLessThan(first * 1.02);
      const reopened = await other.reopen?.(small.store, options);
      if (reopened !== undefined) small = reopened;
      const kept = makeEvent({ pubkey: hex32('author 15999') });
      small.store.put(kept);
      expect(flood(16_000)).toBeLessThan(first * 1.02);
      expect(await idsOf(small.store, [{ authors: [kept.pubkey] }])).toEqual([kept.id]);
      expect((await small.store.get(kept.id))?.event.pubkey).toBe(kept.pubkey);
      const last = hex32('author 23999');
      expect(small.refused.matching({ authors: [last] }, { visits: 10 })).toEqual([hex32(23_999)]);
      await small.store[Symbol.asyncDispose]();
      await other.cleanUp();
    });

    it.skipIf(!hasRealEvents)(
      'keeps the real events that the rules keep, found by all they have',
      async () => {
        const put = realEvents().filter((event) => store.put(event).status === 'stored');
        const stored = put.filter(({ id }) => store.has(id));
        await store.flush();
        expect(stored.length).toBeGreaterThan(2_000);
        expect(store.size).toBe(stored.length);
        const reopened = await harness.reopen?.(store, { clock });
        if (reopened !== undefined) ({ store, refused } = reopened);
        const seen = new Map<string, NostrEvent>();
        for await (const chunk of store.query([{}])) for (const one of chunk) seen.set(one.id, one.event);
        expect(seen.size).toBe(stored.length);
        for (const event of stored) {
          expect(seen.get(event.id)).toEqual(event);
          const { pubkey, kind, created_at: at, id } = event;
          const within = { since: at, until: at };
          const filters: Filter[] = [
            { ids: [id] },
            { authors: [pubkey], ...within },
            { kinds: [kind], ...within },
          ];
          for (const [letter, value] of event.tags) {
            if (letter?.length === 1 && /[A-Za-z]/.test(letter) && value !== undefined) {
              filters.push({ [`#${letter}` as TagKey]: [value], ...within });
            }
          }
          for (const filter of filters) expect(collected(store, filter)).toContain(id);
        }
      },
    );
  });
}
