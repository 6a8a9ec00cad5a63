import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { AdmissionOutcome } from '../../src/admission/admission.js';
import { AdmissionClosedError } from '../../src/admission/errors.js';
import { limits } from '../../src/config/limits.js';
import { deferred } from '../../src/lib/abort.js';
import { ClientSession } from '../../src/relay/client/client-session.js';
import type { StoredEvent } from '../../src/store/event-store.js';
import { FakeOutbox, plainEvent, sessionWorld, storedEvent } from './fakes.js';

const id64 = (digit: string) => digit.repeat(64);

describe('EVENT', () => {
  it.each<[AdmissionOutcome, boolean, string]>([
    [{ type: 'stored' }, true, ''],
    [{ type: 'ephemeral' }, true, ''],
    [
      { type: 'held', reason: "purgatory: won't be served until git data arrives" },
      true,
      "purgatory: won't be served until git data arrives",
    ],
    [
      { type: 'known', reason: 'duplicate: already have this event' },
      true,
      'duplicate: already have this event',
    ],
    [
      { type: 'superseded', reason: 'duplicate: have a newer version of this event' },
      false,
      'duplicate: have a newer version of this event',
    ],
    [{ type: 'refused', reason: 'blocked: not wanted' }, false, 'blocked: not wanted'],
  ])('answers %j with OK %s', async (outcome, accepted, reason) => {
    const world = sessionWorld();
    world.admission.decide = async () => outcome;
    const { send, outbox } = world.client();
    send('EVENT', plainEvent(1));
    await world.settle();
    expect(outbox.frames).toEqual([['OK', plainEvent(1).id, accepted, reason]]);
  });

  it('answers OK only once the outcome stands', async () => {
    const world = sessionWorld();
    const outcome = deferred<AdmissionOutcome>();
    world.admission.decide = () => outcome.promise;
    const { send, outbox } = world.client();
    send('EVENT', plainEvent(1));
    await world.settle();
    expect(outbox.frames).toEqual([]);
    outcome.resolve({ type: 'stored' });
    await world.settle();
    expect(outbox.frames).toHaveLength(1);
  });

  it('says `error:` when the store fails', async () => {
    const world = sessionWorld();
    world.admission.decide = async () => {
      throw new Error('disk full');
    };
    const { send, outbox } = world.client();
    send('EVENT', plainEvent(1));
    await world.settle();
    expect(outbox.frames).toEqual([['OK', plainEvent(1).id, false, 'error: the event could not be stored']]);
  });

  it('takes no authentication event', async () => {
    const world = sessionWorld();
    const { send, outbox } = world.client();
    send('EVENT', plainEvent(1, { kind: 22242 }));
    await world.settle();
    expect(outbox.frames[0]?.slice(2)).toEqual([false, expect.stringMatching(/^invalid: /)]);
    expect(world.admission.submitted).toEqual([]);
  });

  it('tells a client what the end cut off, and reports no fault', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
    const world = sessionWorld();
    world.admission.decide = async () => {
      throw new AdmissionClosedError();
    };
    const outbox = new FakeOutbox();
    const session = new ClientSession({ ...world.services, logger }, outbox, 'local', () => {});
    session.receive(JSON.stringify(['EVENT', plainEvent(1)]));
    await world.settle();
    expect(outbox.frames).toEqual([['OK', plainEvent(1).id, false, 'error: the event could not be stored']]);
    expect(lines).toEqual([]);
  });

  it('takes 60 events a minute from a client, and then as time passes', async () => {
    const world = sessionWorld();
    const { send, outbox } = world.client();
    for (let number = 0; number < 61; number += 1) send('EVENT', plainEvent(number));
    await world.settle();
    const refused = outbox.ofType('OK').filter(([, , accepted]) => accepted === false);
    expect(refused).toEqual([
      ['OK', plainEvent(60).id, false, 'rate-limited: at most 60 events a minute; wait a minute'],
    ]);
    await world.clock.advance(1_000);
    send('EVENT', plainEvent(60));
    send('EVENT', plainEvent(61));
    await world.settle();
    expect(world.admission.submitted).toHaveLength(61);
    const other = world.client();
    other.send('EVENT', plainEvent(62));
    await world.settle();
    expect(world.admission.submitted).toHaveLength(62);
  });

  it('counts a tag of a single letter as so many bytes of what its address publishes', async () => {
    const tags = Array.from({ length: 100 }, (_, at) => ['t', `${at}`]);
    const eventBytesPerMinuteMax = 2 * tags.length * limits.addressEventBytesPerIndexedTag;
    const world = sessionWorld({ accounts: { eventBytesPerMinuteMax } });
    const { send } = world.client('192.0.2.1');
    for (let number = 0; number < 3; number += 1) send('EVENT', plainEvent(number, { tags }));
    // Other tags count by their bytes.
    const other = sessionWorld({ accounts: { eventBytesPerMinuteMax } });
    const client = other.client('192.0.2.1');
    for (let number = 0; number < 3; number += 1)
      client.send('EVENT', plainEvent(number, { tags: tags.map(([, at]) => ['tag', `${at}`]) }));
    await world.settle();
    await other.settle();
    expect([world.admission.submitted.length, other.admission.submitted.length]).toEqual([2, 3]);
  });

  it('asks not to be read while too much is on its way', async () => {
    const world = sessionWorld({ settings: { eventsInFlightMax: 2, eventsInFlightBytesMax: 100_000 } });
    const outcomes = [deferred<AdmissionOutcome>(), deferred<AdmissionOutcome>()];
    const waiting = [...outcomes];
    world.admission.decide = () => waiting.shift()?.promise ?? Promise.reject(new Error('one too many'));
    const { send, session } = world.client();
    send('EVENT', plainEvent(1));
    await world.settle();
    expect(session.blocked).toBe(false);
    send('EVENT', plainEvent(2));
    await world.settle();
    expect(session.blocked).toBe(true);
    outcomes[0]?.resolve({ type: 'stored' });
    await world.settle();
    expect(session.blocked).toBe(false);
  });

  it('is read on, in the same turn, while admission has room', async () => {
    const world = sessionWorld();
    const { send, session } = world.client();
    send('EVENT', plainEvent(1));
    expect(session.blocked).toBe(false);
    await world.settle();
  });

  it('asks not to be read while the bytes on their way are too many, or admission has no room', async () => {
    const world = sessionWorld({ settings: { eventsInFlightBytesMax: 1_000 } });
    const outcome = deferred<AdmissionOutcome>();
    world.admission.decide = () => outcome.promise;
    const { send, session } = world.client();
    send('EVENT', plainEvent(1, { content: 'x'.repeat(1_000) }));
    await world.settle();
    expect(session.blocked).toBe(true);
    outcome.resolve({ type: 'stored' });
    await world.settle();
    expect(session.blocked).toBe(false);
    const room = deferred<void>();
    world.admission.room = room.promise;
    send('EVENT', plainEvent(2));
    await world.settle();
    expect(session.blocked).toBe(true);
    room.resolve();
    await world.settle();
    expect(session.blocked).toBe(false);
  });
});

describe('what cannot be read', () => {
  const event = plainEvent(1);
  it.each<[string, string, unknown]>([
    ['{', 'NOTICE', undefined],
    ['{}', 'NOTICE', undefined],
    ['[]', 'NOTICE', undefined],
    ['["HELLO"]', 'NOTICE', undefined],
    ['["EVENT"]', 'NOTICE', undefined],
    [JSON.stringify(['EVENT', { ...event, sig: 'no' }]), 'OK', event.id],
    [JSON.stringify(['AUTH', { ...event, sig: 'no' }]), 'OK', event.id],
    ['["REQ","a"]', 'CLOSED', 'a'],
    ['["REQ","a",{"ids":["xyz"]}]', 'CLOSED', 'a'],
    ['["COUNT","a",{"ids":["xyz"]}]', 'CLOSED', 'a'],
    ['["REQ",5,{}]', 'NOTICE', undefined],
    ['["CLOSE",5]', 'NOTICE', undefined],
    ['["NEG-OPEN","a",{},5]', 'NEG-ERR', 'a'],
    ['["NEG-OPEN","a",{},"xx"]', 'NEG-ERR', 'a'],
    ['["NEG-MSG","a"]', 'NEG-ERR', 'a'],
  ])('%s is answered by %s', async (frame, type, subject) => {
    const world = sessionWorld();
    const { session, outbox } = world.client();
    session.receive(frame);
    await world.settle();
    expect(outbox.frames).toHaveLength(1);
    const [answer, ...rest] = outbox.frames[0] ?? [''];
    expect(answer).toBe(type);
    if (subject !== undefined) expect(rest[0]).toBe(subject);
    expect(rest.at(-1)).toMatch(/^invalid: /);
  });

  it.each([
    ['["REQ","a",{"search":"x"}]', 'CLOSED'],
    ['["REQ","a",{"kinds":[1]},{"#clone":["x"]}]', 'CLOSED'],
    ['["COUNT","a",{"&t":["x"]}]', 'CLOSED'],
    ['["NEG-OPEN","a",{"search":"x"},"61"]', 'NEG-ERR'],
  ])('%s, which a relay may leave out, is answered as unsupported', async (frame, type) => {
    const world = sessionWorld();
    const { session, outbox } = world.client();
    session.receive(frame);
    await world.settle();
    expect(outbox.frames).toEqual([[type, 'a', expect.stringMatching(/^unsupported: /)]]);
  });

  it('refuses a subscription id of more than 250 characters', async () => {
    const world = sessionWorld();
    const { send, outbox } = world.client();
    send('REQ', 'x'.repeat(250), { limit: 0 });
    send('REQ', 'x'.repeat(251), { limit: 0 });
    await world.settle();
    expect(outbox.frames.map(([type]) => type).sort()).toEqual(['EOSE', 'NOTICE']);
  });

  it('ends the open subscription that an invalid REQ would have replaced', async () => {
    const world = sessionWorld();
    const { send, outbox } = world.client();
    send('REQ', 'a', { kinds: [1] });
    await world.settle();
    send('REQ', 'a', { search: 'x' });
    world.admission.announce(plainEvent(1));
    await world.settle();
    expect(outbox.frames.map(([type]) => type)).toEqual(['EOSE', 'CLOSED']);
    expect(world.hub.size).toBe(0);
  });
});

describe('REQ', () => {
  async function filled(count: number, options: Parameters<typeof sessionWorld>[0] = {}) {
    const world = sessionWorld(options);
    for (let number = 1; number <= count; number += 1) await world.store.put(plainEvent(number)).written;
    return { ...world, ...world.client() };
  }

  it('sends what is stored, newest first, then EOSE, then what comes', async () => {
    const { send, outbox, settle, admission } = await filled(2);
    send('REQ', 'a', { kinds: [1] });
    await settle();
    admission.announce(plainEvent(3));
    admission.announce(plainEvent(4, { kind: 2 }));
    await settle();
    expect(outbox.frames.map(([type]) => type)).toEqual(['EVENT', 'EVENT', 'EOSE', 'EVENT']);
    expect(outbox.eventIds('a')).toEqual([2, 1, 3].map((number) => plainEvent(number).id));
  });

  it('sends a live event once to a subscription with several filters, and to every subscription', async () => {
    const { send, outbox, settle, admission } = await filled(0);
    send('REQ', 'a', { kinds: [1] }, { authors: [id64('a')] });
    send('REQ', 'b"\\', { limit: 0 });
    await settle();
    admission.announce(plainEvent(1));
    await settle();
    expect(outbox.ofType('EVENT').map(([, subscription]) => subscription)).toEqual(['a', 'b"\\']);
  });

  it('sends no event whose time is over, stored or live', async () => {
    const { send, outbox, settle, clock, store, admission } = await filled(0);
    const expiration = String(Math.floor(clock.now() / 1000) + 10);
    const expiring = plainEvent(1, { tags: [['expiration', expiration]] });
    await store.put(expiring).written;
    send('REQ', 'before', {});
    await settle();
    await clock.advance(10_000);
    send('REQ', 'after', {});
    await settle();
    admission.announce(plainEvent(2, { kind: 20_001, tags: [['expiration', expiration]] }));
    await settle();
    expect(outbox.eventIds('before')).toEqual([expiring.id]);
    expect(outbox.eventIds('after')).toEqual([]);
  });

  it.each<[string, object, number]>([
    ['no limit', {}, 4],
    ['a limit', { limit: 2 }, 2],
    ['a limit above the greatest', { limit: 100 }, 5],
    ['limit 0', { limit: 0 }, 0],
    ['more ids than the default limit', { ids: [1, 2, 3, 4, 5].map((n) => plainEvent(n).id) }, 5],
    ['an empty list', { kinds: [] }, 0],
    ['an empty range of time', { since: 5, until: 4 }, 0],
  ])('answers a filter with %s with the right number of events', async (_name, filter, count) => {
    const { send, outbox, settle } = await filled(7, {
      settings: { filterEventsDefault: 4, filterEventsMax: 5 },
    });
    send('REQ', 'a', filter);
    await settle();
    expect(outbox.frames.map(([type]) => type)).toEqual([...Array(count).fill('EVENT'), 'EOSE']);
  });

  it('replaces a subscription with the same id, and ends it at CLOSE', async () => {
    const { send, outbox, settle, admission, hub } = await filled(0);
    send('REQ', 'a', { kinds: [1] });
    await settle();
    send('REQ', 'a', { kinds: [2] });
    await settle();
    admission.announce(plainEvent(1));
    admission.announce(plainEvent(2, { kind: 2 }));
    await settle();
    expect(outbox.eventIds('a')).toEqual([plainEvent(2).id]);
    send('CLOSE', 'a');
    admission.announce(plainEvent(3, { kind: 2 }));
    await settle();
    expect(outbox.eventIds('a')).toHaveLength(1);
    expect(hub.size).toBe(0);
  });

  it('never runs a REQ that was closed while it waited for its turn', async () => {
    const { send, outbox, settle, hub } = await filled(1);
    send('REQ', 'a', {});
    send('CLOSE', 'a');
    await settle();
    expect(outbox.frames).toEqual([]);
    expect(hub.size).toBe(0);
  });

  it('refuses what is above the number of open subscriptions', async () => {
    const { send, outbox, settle } = await filled(0, { settings: { subscriptionsMax: 2 } });
    send('REQ', 'a', {});
    send('REQ', 'b', {});
    send('REQ', 'c', {});
    send('REQ', 'a', { limit: 0 });
    await settle();
    expect(outbox.ofType('CLOSED')).toEqual([['CLOSED', 'c', expect.stringMatching(/^rate-limited: /)]]);
    expect(outbox.ofType('EOSE')).toHaveLength(2);
  });

  it('refuses what is above the number of open subscriptions of an address', async () => {
    const { client, settle } = sessionWorld({ settings: { addressSubscriptionsMax: 3 } });
    const [one, two, other, local] = [
      client('192.0.2.1'),
      client('192.0.2.1'),
      client('192.0.2.2'),
      client(),
    ];
    const refused: (readonly unknown[])[] = [];
    const open = async ({ send, outbox }: ReturnType<typeof client>, ...ids: string[]) => {
      for (const id of ids) send('REQ', id, { limit: 0 });
      await settle();
      refused.push(outbox.ofType('CLOSED').map(([, id]) => id));
    };
    await open(one, 'a', 'b', 'a');
    await open(two, 'c', 'd');
    await open(other, 'e', 'f', 'g');
    await open(local, 'h');
    one.session[Symbol.dispose]();
    await open(two, 'i', 'j', 'k');
    expect(refused).toEqual([[], ['d'], [], [], ['d', 'k']]);
    expect(two.outbox.ofType('CLOSED')[0]?.[2]).toMatch(/^rate-limited: at most 3 .* from one address/);
  });

  it('refuses what is above the number of filters of open subscriptions of an address', async () => {
    const { client, settle } = sessionWorld({ settings: { addressFiltersMax: 5 } });
    const [one, two, other] = [client('192.0.2.1'), client('192.0.2.1'), client('192.0.2.2')];
    const open = (id: string, filters: number) => ['REQ', id, ...new Array(filters).fill({ limit: 0 })];
    one.send(...open('a', 3));
    one.send(...open('a', 2));
    two.send(...open('b', 4));
    two.send(...open('c', 3));
    other.send(...open('d', 5));
    one.session[Symbol.dispose]();
    two.send(...open('e', 2));
    two.send(...open('f', 1));
    await settle();
    expect(two.outbox.ofType('CLOSED')).toEqual(
      ['b', 'f'].map((id) => [
        'CLOSED',
        id,
        'rate-limited: at most 5 filters in open subscriptions from one address; close others first',
      ]),
    );
    for (const { outbox } of [one, other]) expect(outbox.ofType('CLOSED')).toEqual([]);
  });

  it('says so when the query fails, and ends the subscription', async () => {
    const failing = async function* (): AsyncGenerator<readonly StoredEvent[]> {
      yield [storedEvent(plainEvent(1))];
      throw new Error('unreadable');
    };
    const { send, outbox, settle, hub } = await filled(0, { store: { query: failing } });
    send('REQ', 'a', {});
    await settle();
    expect(outbox.frames.slice(1)).toEqual([['CLOSED', 'a', 'error: the query failed']]);
    expect(hub.size).toBe(0);
  });

  it('closes a subscription for which more live events come than may be held back', async () => {
    const end = deferred<void>();
    const endless = async function* (): AsyncGenerator<readonly StoredEvent[]> {
      await end.promise;
      yield [];
    };
    const { send, outbox, settle, admission, hub } = await filled(0, {
      store: { query: endless },
      settings: { liveBufferEventsMax: 2 },
    });
    send('REQ', 'a', {});
    await settle();
    for (const number of [1, 2, 3]) admission.announce(plainEvent(number));
    await settle();
    expect(outbox.frames).toEqual([['CLOSED', 'a', expect.stringMatching(/^error: /)]]);
    expect(hub.size).toBe(0);
    end.resolve();
    await settle();
    expect(outbox.frames).toHaveLength(1);
  });

  it('waits for a client that reads slowly, and gives up when it goes', async () => {
    const { send, outbox, settle, session } = await filled(3);
    outbox.full = false;
    send('REQ', 'a', {});
    outbox.full = true;
    await settle();
    expect(outbox.frames).toEqual([]);
    outbox.full = false;
    await settle();
    expect(outbox.frames).toHaveLength(4);
    outbox.full = true;
    send('REQ', 'b', {});
    await settle();
    session[Symbol.dispose]();
    outbox.goAway();
    await settle();
    expect(outbox.frames).toHaveLength(4);
  });

  it('runs a bounded number of queries at once, and asks not to be read when too many wait', async () => {
    const gates = Array.from({ length: 5 }, () => deferred<void>());
    let started = 0;
    const gated = async function* (): AsyncGenerator<readonly StoredEvent[]> {
      const gate = gates[started];
      started += 1;
      await gate?.promise;
      yield [];
    };
    const { send, outbox, settle, session } = await filled(0, {
      store: { query: gated },
      settings: { queriesRunningMax: 2, requestsQueuedMax: 3 },
    });
    for (const id of ['a', 'b', 'c', 'd', 'e']) send('REQ', id, {});
    await settle();
    expect(started).toBe(2);
    expect(session.blocked).toBe(true);
    gates[0]?.resolve();
    await settle();
    expect(started).toBe(3);
    expect(session.blocked).toBe(false);
    for (const gate of gates) gate.resolve();
    await settle();
    expect(outbox.ofType('EOSE')).toHaveLength(5);
  });

  it('gives every client its turn', async () => {
    const order: string[] = [];
    const world = sessionWorld({
      store: {
        countInTurns: async ([filter]) => {
          order.push(filter?.authors?.[0]?.[0] ?? '');
          return 0;
        },
      },
    });
    const [first, second] = [world.client(), world.client()];
    for (let asked = 0; asked < 3; asked += 1) first.send('COUNT', 'a', { authors: [id64('1')] });
    second.send('COUNT', 'a', { authors: [id64('2')] });
    await world.settle();
    expect(order).toEqual(['1', '2', '1', '1']);
  });
});

describe('COUNT, AUTH and the end', () => {
  it('counts', async () => {
    const world = sessionWorld();
    await world.store.put(plainEvent(1)).written;
    const { send, outbox } = world.client();
    send('COUNT', 'a', { kinds: [1] }, { kinds: [2] });
    await world.settle();
    expect(outbox.frames).toEqual([['COUNT', 'a', { count: 1 }]]);
  });

  it('answers a count that fails with CLOSED', async () => {
    const countInTurns = async () => {
      throw new Error('unreadable');
    };
    const world = sessionWorld({ store: { countInTurns } });
    const { send, outbox } = world.client();
    send('COUNT', 'a', {});
    await world.settle();
    expect(outbox.frames).toEqual([['CLOSED', 'a', 'error: the query failed']]);
  });

  it('closes subscriptions and answers the events in hand when it ends', async () => {
    const world = sessionWorld();
    const outcome = deferred<AdmissionOutcome>();
    world.admission.decide = () => outcome.promise;
    const { send, outbox, session } = world.client();
    send('REQ', 'a', {});
    await world.settle();
    send('EVENT', plainEvent(1));
    const ended = session.end('error: the relay is shutting down');
    expect(outbox.frames.at(-1)).toEqual(['CLOSED', 'a', 'error: the relay is shutting down']);
    send('REQ', 'b', {});
    outcome.resolve({ type: 'stored' });
    await ended;
    expect(outbox.frames.at(-1)).toEqual(['OK', plainEvent(1).id, true, '']);
    expect(world.hub.size).toBe(0);
  });
});
