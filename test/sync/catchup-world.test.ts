import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import { announcement, comment, event, issue, pubkey, startSeconds } from './support/events.js';
import { emptyInformation, type FakeRelay } from './support/fake-relay.js';
import { World, type WorldOptions } from './support/world.js';

const url = 'wss://relay.example';
const other = 'wss://other.example';
const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

function worldOf(options: WorldOptions = {}): { world: World; relay: FakeRelay } {
  const world = new World({ ...options, settings: { bootstrapRelays: [url], ...options.settings } });
  return { world, relay: world.relay(url) };
}

function missing(world: World, events: readonly NostrEvent[]): number {
  return events.filter(({ id }) => !world.store.has(id)).length;
}

/** A repository with so many issues, from one day of the past. */
function repositoryWith(issues: number): { repository: NostrEvent; events: NostrEvent[] } {
  const repository = announcement('repo', [url]);
  const events = Array.from({ length: issues }, (_, number) =>
    issue(repository, { created_at: startSeconds - 80_000 + number }),
  );
  return { repository, events: [repository, ...events] };
}

describe('triggers (docs/sync.md §5)', () => {
  it('start: everything, at once after the warm-up, batch after batch without a fixed pause', async () => {
    const { world, relay } = worldOf();
    const repositories = Array.from({ length: 350 }, (_, number) => announcement(`repo-${number}`, [url]));
    relay.events.push(
      ...repositories,
      ...repositories.map((each) => issue(each, { created_at: 1_700_000_000 })),
    );
    world.start();
    await world.advance(30 * second);
    expect(missing(world, relay.events)).toBe(0);
    expect(world.lines('caught up with relay')[0]?.details.trigger).toBe('start');
    await world.stop();
  });

  it('reconnect: 10 s after, only what is not older than 3 days', async () => {
    const { world, relay } = worldOf();
    const { events } = repositoryWith(3);
    relay.events.push(...events);
    world.start();
    await world.advance(2 * minute);
    relay.connection.drop();
    const missed = issue(events[0] as NostrEvent, { created_at: startSeconds + 60 });
    relay.events.push(missed);
    const before = relay.messages('NEG-OPEN').length;
    await world.advance(9 * second);
    expect(relay.dials).toBe(2);
    expect(relay.messages('NEG-OPEN').length).toBe(before);
    await world.advance(3 * second);
    expect(missing(world, [missed])).toBe(0);
    const filters = relay
      .messages('NEG-OPEN')
      .slice(before)
      .map(([, , filter]) => filter as Filter);
    expect(filters.length).toBeGreaterThan(0);
    for (const { since } of filters) {
      expect(since).toBeGreaterThan(startSeconds - 3 * 86_400);
      expect(since).toBeLessThan(startSeconds - 3 * 86_400 + 300);
    }
    await world.stop();
  });

  it('reconnect: or since the last complete catch-up, if that is longer ago', async () => {
    const { world, relay } = worldOf({
      settings: { reconnectLookbackMs: minute, dailyIntervalMs: 20 * day },
    });
    world.start();
    await world.advance(hour);
    const complete = world.manager.status().relays[0]?.lastCompleteAt as number;
    expect(complete).toBeGreaterThanOrEqual(startSeconds);
    relay.connection.drop();
    await world.advance(minute);
    const last = relay.messages('NEG-OPEN').at(-1)?.[2] as Filter;
    expect(last.since).toBe(complete);
    await world.stop();
  });

  it('daily: every 24 h at a steady time, 5 min between relays, everything', async () => {
    const world = new World({ settings: { bootstrapRelays: [url, other] } });
    const relays = [world.relay(url), world.relay(other)];
    world.start();
    await world.advance(day - second);
    const before = relays.map((relay) => relay.messages('NEG-OPEN').length);
    await world.advance(2 * second);
    expect(
      relays.map((relay, index) => relay.messages('NEG-OPEN').length - (before[index] as number)),
    ).toEqual([1, 0]);
    await world.advance(5 * minute);
    expect(
      relays.map((relay, index) => relay.messages('NEG-OPEN').length - (before[index] as number)),
    ).toEqual([1, 1]);
    expect(relays[0]?.messages('NEG-OPEN').at(-1)?.[2]).not.toHaveProperty('since');
    await world.advance(day);
    expect(
      relays.map((relay, index) => relay.messages('NEG-OPEN').length - (before[index] as number)),
    ).toEqual([2, 2]);
    await world.stop();
  });

  it('daily: 60 s between batches', async () => {
    const { world, relay } = worldOf();
    relay.events.push(...repositoryWith(2).events);
    world.start();
    await world.advance(day - second);
    const before = relay.messages('NEG-OPEN').length;
    await world.advance(30 * second);
    expect(relay.messages('NEG-OPEN').length - before).toBe(1);
    await world.advance(minute);
    expect(relay.messages('NEG-OPEN').length - before).toBe(4);
    await world.advance(minute);
    expect(relay.messages('NEG-OPEN').length - before).toBe(7);
    await world.stop();
  });

  it('daily: waits for a relay that is away', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(day - hour);
    relay.connection.answersPings = false;
    const missed = announcement('missed', []);
    relay.events.push(missed);
    await world.advance(day);
    expect(missing(world, [missed])).toBe(0);
    await world.stop();
  });
});

describe('how much runs at a time (docs/sync.md §5)', () => {
  const isCatchup = ([type, , filter]: readonly unknown[]) =>
    type === 'NEG-OPEN' || (type === 'REQ' && (filter as Filter).limit !== 0);

  it('of all relays together, 16 batches that make progress, and 64 that make none', async () => {
    const relays = Array.from({ length: 120 }, (_, number) => `wss://relay-${number}.example`);
    const world = new World({ settings: { bootstrapRelays: relays, negentropyDisabled: true } });
    for (const each of relays) world.relay(each).script = (_, message) => isCatchup(message);
    world.start();
    const running = () =>
      relays
        .map((each) => world.relay(each))
        .reduce((sum, each) => sum + each.pages().length - each.messages('CLOSE').length, 0);
    await world.advance(9.9 * second);
    expect(relays.every((each) => world.relay(each).connection.isOpen)).toBe(true);
    expect(running()).toBe(limits.syncTransfersMax);
    for (let step = 0; step < 24; step += 1) {
      await world.advance(second);
      expect(running()).toBeLessThanOrEqual(limits.syncTransfersMax + limits.syncSlowTransfersMax);
    }
    expect(running()).toBe(limits.syncTransfersMax + limits.syncSlowTransfersMax);
    await world.stop();
  });

  it('of one relay four batches overlap, and one at a time when it shows strain', async () => {
    const { world, relay } = worldOf({ settings: { tagsPerFilterMax: 1, negentropyDisabled: true } });
    await world.submit(...Array.from({ length: 10 }, (_, number) => announcement(`repo-${number}`, [url])));
    // One topic a batch (announcements, ten repositories, their author), and none is ever answered.
    relay.script = (_, message) => isCatchup(message);
    const running = () => 12 - (world.manager.status().relays[0]?.queuedTopics ?? 0);
    world.start();
    await world.advance(20 * second);
    expect(running()).toBe(4);
    relay.script = (connection, message) => {
      if (isCatchup(message)) connection.send('CLOSED', message[1], 'error: not now');
      return isCatchup(message);
    };
    await world.advance(30 * second);
    relay.script = (_, message) => isCatchup(message);
    await world.advance(15 * second);
    expect(relay.connections.length).toBe(1);
    expect(running()).toBe(1);
    await world.stop();
  });

  it('a daily batch begins when none runs', async () => {
    const { world, relay } = worldOf({
      settings: { dailyIntervalMs: 20 * second, negentropyDisabled: true },
    });
    relay.script = (_, message) => isCatchup(message);
    world.start();
    await world.advance(34 * second);
    expect(world.manager.status().relays[0]?.queuedTopics).toBe(1);
    const asked = relay.connection.received.filter(isCatchup).length;
    expect(asked).toBe(1);
    relay.script = () => false;
    await world.advance(minute);
    expect(relay.connection.received.filter(isCatchup).length).toBeGreaterThanOrEqual(3);
    await world.stop();
  });
});

describe('negentropy (docs/sync.md §5)', () => {
  it('moves what is missing and not one event more, and a second catch-up moves none', async () => {
    const { world, relay } = worldOf();
    const { repository, events } = repositoryWith(1_500);
    await world.submit(repository, ...events.slice(1, 1_400));
    relay.events.push(...events);
    world.start();
    await world.advance(minute);
    expect(missing(world, events)).toBe(0);
    expect(relay.asks().flat().length).toBe(101);
    await world.advance(day + 10 * minute);
    expect(relay.asks().flat().length).toBe(101);
    await world.stop();
  });

  it('downloads neither what is stored nor what is remembered as refused, superseded or deleted', async () => {
    const { world, relay } = worldOf();
    const strangers = Array.from({ length: 20 }, (_, number) =>
      event({ kind: 30618, tags: [['d', `x-${number}`]] }),
    );
    const old = announcement('repo', [url], { created_at: 1_000 });
    const gone = issue(old);
    relay.events.push(...strangers, old, announcement('repo', [url]), gone);
    world.start();
    await world.advance(minute);
    await world.submit(event({ kind: 5, tags: [['e', gone.id]], created_at: startSeconds }));
    const asked = relay.asks().flat();
    expect(asked).toContain(strangers[0]?.id);
    expect(new Set(asked).size).toBe(asked.length);
    await world.advance(2 * day);
    expect(relay.asks().flat()).toEqual(asked);
    await world.stop();
  });

  it('asks for at most 300 ids at once', async () => {
    const { world, relay } = worldOf();
    relay.events.push(...repositoryWith(1_000).events);
    world.start();
    await world.advance(minute);
    expect(Math.max(...relay.asks().map((ids) => ids.length))).toBe(300);
    expect(missing(world, relay.events)).toBe(0);
    await world.stop();
  });

  it('an id that is listed and not served is asked once more, then left alone until the next day', async () => {
    const { world, relay } = worldOf();
    const { events } = repositoryWith(10);
    relay.events.push(...events);
    const hidden = events[3] as NostrEvent;
    const found = relay.found.bind(relay);
    relay.found = (filter) => found(filter).filter(({ id }) => filter.ids === undefined || id !== hidden.id);
    world.start();
    await world.advance(hour);
    const asks = () =>
      relay
        .asks()
        .flat()
        .filter((id) => id === hidden.id).length;
    expect(asks()).toBe(2);
    relay.connection.drop();
    await world.advance(hour);
    expect(asks()).toBe(2);
    expect(missing(world, events)).toBe(1);
    expect(relay.pages()).toEqual([]);
    await world.advance(day);
    expect(asks()).toBe(4);
    await world.stop();
  });

  it('an id is asked of one relay at a time, and of another only if that one does not serve it', async () => {
    const world = new World({ settings: { bootstrapRelays: [url, other] } });
    const { events } = repositoryWith(50);
    for (const relay of [world.relay(url), world.relay(other)]) relay.events.push(...events);
    const found = world.relay(url).found.bind(world.relay(url));
    world.relay(url).found = (filter) => (filter.ids === undefined ? found(filter) : []);
    world.start();
    await world.advance(10 * minute);
    expect(missing(world, events)).toBe(0);
    const asked = world.relay(other).asks().flat();
    expect(new Set(asked).size).toBe(asked.length);
    await world.stop();
  });

  it('an event with a wrong signature does not count as served, and condemns nothing', async () => {
    const world = new World({ settings: { bootstrapRelays: [url, other] } });
    const { events } = repositoryWith(5);
    for (const relay of [world.relay(url), world.relay(other)]) relay.events.push(...events);
    const found = world.relay(url).found.bind(world.relay(url));
    world.relay(url).found = (filter) => found(filter).map((each) => ({ ...each, sig: 'f'.repeat(128) }));
    world.start();
    await world.advance(10 * minute);
    expect(missing(world, events)).toBe(0);
    await world.stop();
  });

  it('runs several sessions over disjoint time ranges where the relay publishes that it takes them', async () => {
    const { world, relay } = worldOf();
    relay.information = {
      ...emptyInformation,
      maxSubscriptions: 40,
      maxMessageBytes: 131_072,
      hasLimitation: true,
    };
    const { repository, events } = repositoryWith(5_000);
    await world.submit(repository, ...events.slice(1, 4_900));
    relay.events.push(...events);
    world.start();
    await world.advance(minute);
    expect(missing(world, events)).toBe(0);
    const ranges = relay.messages('NEG-OPEN').flatMap(([, , filter]) => {
      const { '#a': a, since = 0, until } = filter as Filter;
      return a === undefined ? [] : [{ since, until }];
    });
    expect(ranges.length).toBe(4);
    const sorted = ranges.sort((a, b) => a.since - b.since);
    for (const [index, { until }] of sorted.entries()) {
      expect(until).toBe(
        sorted[index + 1] === undefined ? undefined : (sorted[index + 1]?.since as number) - 1,
      );
    }
    await world.stop();
  });
});

describe('"too many results" is answered by splitting the time range (docs/sync.md §5)', () => {
  it.each([
    ['with the cap in the 4th element', 'blocked: too many query results', 200],
    ['with the cap in its text', 'error: 1501 records, more than the limit of 200 records', undefined],
    ['without a cap', 'blocked: too many query results', undefined],
  ])('%s', async (_, reason, fourth) => {
    const { world, relay } = worldOf();
    const { repository, events } = repositoryWith(1_500);
    await world.submit(repository, ...events.slice(1, 1_000));
    relay.events.push(...events);
    relay.script = (connection, [type, id, filter]) => {
      if (type !== 'NEG-OPEN' || relay.found(filter as Filter).length <= 200) return false;
      connection.send('NEG-ERR', id, reason, ...(fourth === undefined ? [] : [fourth]));
      return true;
    };
    world.start();
    await world.advance(5 * minute);
    expect(missing(world, events)).toBe(0);
    expect(relay.asks().flat().length).toBe(501);
    expect(relay.pages()).toEqual([]);
    expect(world.manager.status().relays[0]?.negentropy).toBe('works');
    await world.stop();
  });

  it('blocked: for another reason is not a size problem', async () => {
    const { world, relay } = worldOf();
    relay.events.push(...repositoryWith(3).events);
    relay.script = (connection, [type, id]) => {
      if (type !== 'NEG-OPEN') return false;
      connection.send('NEG-ERR', id, 'blocked: not for you');
      return true;
    };
    world.start();
    await world.advance(5 * minute);
    expect(missing(world, relay.events)).toBe(0);
    expect(relay.messages('NEG-OPEN').length).toBe(1);
    await world.stop();
  });
});

describe('fallback to paged REQ/EOSE (docs/sync.md §5)', () => {
  const ways: [string, (relay: FakeRelay) => void][] = [
    ['NEG-ERR', (relay) => answerNegOpen(relay, (id) => ['NEG-ERR', id, 'error: negentropy disabled'])],
    [
      'NOTICE',
      (relay) => answerNegOpen(relay, () => ['NOTICE', 'ERROR: bad msg: unknown message type NEG-OPEN']),
    ],
    ['CLOSED', (relay) => answerNegOpen(relay, (id) => ['CLOSED', id, 'unsupported: no'])],
    ['silence', (relay) => answerNegOpen(relay, () => undefined)],
    ['nonsense', (relay) => answerNegOpen(relay, (id) => ['NEG-MSG', id, 'zz'])],
    ['a malformed message', (relay) => answerNegOpen(relay, (id) => ['NEG-MSG', id, '61ffff'])],
    ['another protocol version', (relay) => answerNegOpen(relay, (id) => ['NEG-MSG', id, '62'])],
  ];

  function answerNegOpen(relay: FakeRelay, answer: (id: string) => unknown[] | undefined): void {
    relay.script = (connection, [type, id]) => {
      if (!type.startsWith('NEG-')) return false;
      const message = type === 'NEG-OPEN' ? answer(id) : undefined;
      if (message !== undefined) connection.send(...message);
      return true;
    };
  }

  it.each(ways)('when NEG-OPEN is answered with %s', async (_, prepare) => {
    const { world, relay } = worldOf();
    relay.events.push(...repositoryWith(700).events);
    relay.pageMax = 100;
    prepare(relay);
    world.start();
    await world.advance(5 * minute);
    expect(missing(world, relay.events)).toBe(0);
    expect(relay.messages('NEG-OPEN').length).toBe(1);
    expect(relay.connection.isOpen).toBe(true);
    expect(world.manager.status().relays[0]).toMatchObject({ negentropy: 'unable', health: 'healthy' });
    expect(world.manager.status().relays[0]?.lastCompleteAt).toBeDefined();
    await world.stop();
  });

  it('what a relay cannot do is remembered, and tried again daily', async () => {
    const { world, relay } = worldOf();
    answerNegOpen(relay, (id) => ['NEG-ERR', id, 'error: negentropy disabled']);
    world.start();
    await world.advance(12 * hour);
    relay.connection.drop();
    await world.advance(11 * hour);
    expect(relay.messages('NEG-OPEN').length).toBe(1);
    await world.advance(2 * hour);
    expect(relay.messages('NEG-OPEN').length).toBe(2);
    await world.stop();
  });

  it('without negentropy at all, when the operator disables it', async () => {
    const { world, relay } = worldOf({ settings: { negentropyDisabled: true } });
    relay.events.push(...repositoryWith(20).events);
    world.start();
    await world.advance(minute);
    expect(missing(world, relay.events)).toBe(0);
    expect(relay.messages('NEG-OPEN')).toEqual([]);
    await world.stop();
  });

  it('a page that is one full second deep is passed without loss', async () => {
    const { world, relay } = worldOf({ settings: { negentropyDisabled: true } });
    const repository = announcement('repo', [url]);
    const deep = Array.from({ length: 700 }, () => issue(repository, { created_at: startSeconds - 9_999 }));
    const older = Array.from({ length: 100 }, (_, number) =>
      issue(repository, { created_at: 1_700_000_000 + number }),
    );
    relay.events.push(repository, ...deep, ...older);
    world.start();
    await world.advance(5 * minute);
    expect(missing(world, relay.events)).toBe(0);
    await world.stop();
  });

  it('ends with a relay that sends a page without end', async () => {
    const { world, relay } = worldOf({ settings: { negentropyDisabled: true } });
    const repository = announcement('repo', [url]);
    relay.script = (connection, [type, id, filter]) => {
      if (type !== 'REQ' || (filter as Filter).limit === 0) return false;
      for (let sent = 0; sent < 25_000; sent += 1) connection.send('EVENT', id, repository);
      return true;
    };
    world.start();
    await world.advance(2 * minute);
    expect(world.store.has(repository.id)).toBe(true);
    expect(world.submitted.length).toBeLessThan(20);
    await world.stop();
  });
});

describe('relays whose pages leave something out (docs/sync.md §5)', () => {
  it('one whose until is exclusive loses nothing, however many events a second has', async () => {
    const { world, relay } = worldOf({ settings: { negentropyDisabled: true } });
    const repository = announcement('repo', [url]);
    const events = Array.from({ length: 100 }, (_, at) =>
      issue(repository, { created_at: startSeconds - 9000 + Math.floor(at / 7), content: `${at}` }),
    );
    relay.events.push(repository, ...events);
    relay.pageMax = 10;
    relay.script = (connection, [type, id, ...filters]) => {
      const [filter] = filters as Filter[];
      if (type !== 'REQ' || filter?.until === undefined) return false;
      for (const each of relay.found({ ...filter, until: filter.until - 1 }))
        connection.send('EVENT', id, each);
      connection.send('EOSE', id);
      return true;
    };
    world.start();
    await world.advance(2 * minute);
    expect(missing(world, events)).toBe(0);
    expect(await world.metric('ngit_sync_deep_seconds_total', { relay: url })).toBeUndefined();
    await world.stop();
  });

  it('seconds that cannot be had are a warning, one a run, and counted', async () => {
    const { world, relay } = worldOf({ settings: { negentropyDisabled: true } });
    const { events } = repositoryWith(20);
    relay.events.push(...events);
    relay.pageMax = 10;
    relay.script = (connection, [type, id, filter]) => {
      if (type !== 'REQ' || (filter as Filter).until === undefined) return false;
      connection.send('EOSE', id);
      return true;
    };
    world.start();
    await world.advance(2 * minute);
    expect(await world.metric('ngit_sync_deep_seconds_total', { relay: url })).toBeGreaterThan(0);
    const lines = world.lines('relay may hold more in some seconds than it gives out in pages');
    expect(lines.every(({ level }) => level === 'warn')).toBe(true);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(3);
    await world.stop();
  });
});

describe('interrupted catch-up (docs/sync.md §5)', () => {
  it('resumes, and never marks done what was not stored', async () => {
    const { world, relay } = worldOf();
    const { events } = repositoryWith(1_000);
    relay.events.push(...events);
    let asks = 0;
    relay.script = (connection, [type, , filter]) => {
      if (type !== 'REQ' || (filter as Filter).ids === undefined) return false;
      asks += 1;
      // Every third ask finds the relay crashing.
      if (asks % 3 !== 0) return false;
      connection.drop();
      return true;
    };
    world.start();
    await world.advance(20 * second);
    expect(missing(world, events)).toBeGreaterThan(0);
    expect(world.manager.status().relays[0]?.lastCompleteAt).toBeUndefined();
    await world.advance(3 * hour);
    expect(missing(world, events)).toBe(0);
    await world.stop();
  });

  it('asks for nothing more on behalf of a batch whose time is over', async () => {
    const { world, relay } = worldOf();
    const { events } = repositoryWith(700);
    await world.submit(events[0] as NostrEvent);
    relay.events.push(...events);
    relay.script = (connection, [type, id, filter]) => {
      if (type !== 'REQ' || (filter as Filter).ids === undefined) return false;
      connection.send('CLOSED', id, 'rate-limited: always');
      return true;
    };
    world.start();
    // The batch has ten minutes at a time, and begins anew each time.
    let queued = 0;
    for (let passed = 0; passed < hour; passed += 10 * second) {
      await world.advance(10 * second);
      queued = Math.max(queued, (await world.metric('ngit_sync_queued_downloads')) ?? 0);
    }
    expect(relay.messages('NEG-OPEN').length).toBeGreaterThan(6);
    expect(queued).toBe(700);
    relay.script = () => false;
    await world.advance(10 * minute);
    expect(missing(world, events)).toBe(0);
    await world.stop();
  });

  it('is not held up by a repository that is gone meanwhile', async () => {
    const { world, relay } = worldOf();
    const gone = announcement('gone', [url]);
    const { repository, events } = repositoryWith(10);
    await world.submit(gone, repository);
    relay.events.push(...events);
    relay.script = (connection, [type, , filter]) => {
      if (type !== 'NEG-OPEN' || (filter as Filter)['#a'] === undefined || relay.dials > 1) return false;
      connection.drop();
      return true;
    };
    world.start();
    await world.advance(10 * second);
    await world.submit(event({ kind: 5, tags: [['e', gone.id]], created_at: startSeconds }));
    await world.advance(10 * minute);
    expect(missing(world, events)).toBe(0);
    await world.stop();
  });

  it('gives up a relay whose pages bring nothing that is kept, without end', async () => {
    const { world, relay } = worldOf({ settings: { negentropyDisabled: true } });
    let until = startSeconds;
    relay.script = (connection, [type, id, filter]) => {
      if (type !== 'REQ' || (filter as Filter).limit === 0) return false;
      until = Math.min(until, (filter as Filter).until ?? until) - 1;
      connection.send('EVENT', id, event({ kind: 30618, created_at: until, tags: [['d', 'x']] }));
      connection.send('EOSE', id);
      return true;
    };
    world.start();
    await world.advance(hour);
    expect(relay.pages().length).toBe(limits.pagesInVainMax);
    const said = world.lines('catch-up is incomplete; the rest is tried later');
    expect(said.map(({ details }) => details.batchesLeft)).toEqual([1]);
    await world.stop();
  });

  it('goes on with its pages where it was', async () => {
    const { world, relay } = worldOf({ settings: { negentropyDisabled: true } });
    const { events } = repositoryWith(1_000);
    relay.events.push(...events);
    relay.pageMax = 50;
    let pages = 0;
    relay.script = (connection, [type, , filter]) => {
      if (type !== 'REQ' || (filter as Filter)['#a'] === undefined || (filter as Filter).limit === 0)
        return false;
      pages += 1;
      if (pages % 8 !== 0) return false;
      connection.drop();
      return true;
    };
    world.start();
    await world.advance(3 * hour);
    expect(missing(world, events)).toBe(0);
    const first = relay.pages().filter((filter) => filter['#a'] !== undefined);
    const untils = first.map(({ until }) => until ?? Number.POSITIVE_INFINITY).slice(0, 20);
    const restarts = untils.filter((until) => until === Number.POSITIVE_INFINITY).length;
    expect(restarts).toBe(1);
    await world.stop();
  });

  it('strain makes it slower, and does not end it', async () => {
    const { world, relay } = worldOf({ settings: { negentropyDisabled: true } });
    const { events } = repositoryWith(300);
    relay.events.push(...events);
    relay.pageMax = 100;
    let pages = 0;
    relay.script = (connection, [type, id, filter]) => {
      if (type !== 'REQ' || (filter as Filter).limit === 0) return false;
      pages += 1;
      if (pages % 5 !== 0) return false;
      connection.send('CLOSED', id, 'error: overloaded');
      return true;
    };
    world.start();
    await world.advance(30 * minute);
    expect(missing(world, events)).toBe(0);
    expect(world.lines('catch-up is held up').length).toBeGreaterThan(0);
    await world.stop();
  });
});

describe('refused events (docs/sync.md §6)', () => {
  it('an announcement that arrives after all that hangs on it ends with all of it stored, from different relays', async () => {
    const world = new World({ settings: { bootstrapRelays: [url, other] } });
    const repository = announcement('late', [url], { pubkey: pubkey(7) });
    const state = event({ kind: 30618, pubkey: pubkey(7), tags: [['d', 'late']] });
    const pull = event({
      kind: 1618,
      tags: [
        ['a', `30617:${pubkey(7)}:late`],
        ['c', 'a'.repeat(40)],
      ],
    });
    const reply = comment(pull);
    world.relay(url).events.push(state, pull);
    world.relay(other).events.push(state, pull, reply);
    world.start();
    await world.advance(hour);
    expect(missing(world, [state, pull, reply])).toBe(3);
    world.relay(other).publish(repository);
    await world.advance(5 * minute);
    expect(missing(world, [repository, state, pull, reply])).toBe(0);
    await world.stop();
  });

  it('ids that are wanted again are asked of the relays that are connected, one after another', async () => {
    const world = new World({ settings: { bootstrapRelays: [url, other] } });
    const { repository } = repositoryWith(0);
    const state = event({ kind: 30618, tags: [['d', 'repo']], pubkey: repository.pubkey });
    world.relay(url);
    world.relay(other).events.push(state);
    world.start();
    await world.advance(10 * minute);
    expect(world.relay(other).asks()).toEqual([[state.id]]);
    expect(missing(world, [state])).toBe(1);
    await world.submit(repository);
    await world.advance(second);
    expect(missing(world, [state])).toBe(0);
    expect(world.relay(url).asks()[0]).toEqual([state.id]);
    await world.stop();
  });
});
