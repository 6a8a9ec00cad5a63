import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { Filter } from '../../src/nostr/filter.js';
import { addressOf, announcement, comment, event, issue, startSeconds } from './support/events.js';
import { emptyInformation, type FakeRelay } from './support/fake-relay.js';
import { World, type WorldOptions } from './support/world.js';

const url = 'wss://relay.example';
const second = 1_000;

function worldOf(options: WorldOptions = {}): { world: World; relay: FakeRelay } {
  const world = new World({ ...options, settings: { bootstrapRelays: [url], ...options.settings } });
  return { world, relay: world.relay(url) };
}

/** The values that live subscriptions ask for under a key. */
function asked(relay: FakeRelay, key: `#${string}`): string[] {
  return relay.live().flatMap((filter) => (filter[key] as string[] | undefined) ?? []);
}

describe('live (docs/sync.md §4)', () => {
  it('asks for nothing stored and sets no since', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    relay.events.push(repository, issue(repository));
    world.start();
    await world.advance(60 * second);
    expect(relay.live().length).toBe(8);
    for (const filter of relay.live()) expect(filter).toMatchObject({ limit: 0 });
    for (const filter of relay.live()) expect(filter).not.toHaveProperty('since');
    await world.stop();
  });

  it('opens live subscriptions before catch-up reads the local set', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    relay.events.push(repository, issue(repository));
    world.start();
    await world.advance(60 * second);
    const messages = relay.connection.received;
    for (const [index, [type, , filter]] of messages.entries()) {
      if (type !== 'NEG-OPEN') continue;
      const isLive = messages
        .slice(0, index)
        .some(
          ([kind, , ...filters]) =>
            kind === 'REQ' && filters.some((each) => sameTopics(each as Filter, filter as Filter)),
        );
      expect(isLive).toBe(true);
    }
    await world.stop();
  });

  it('a backdated event is still new', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    relay.events.push(repository);
    world.start();
    await world.advance(60 * second);
    const backdated = issue(repository, { created_at: 5 });
    relay.publish(backdated);
    await world.advance(10);
    expect(world.store.has(backdated.id)).toBe(true);
    await world.stop();
  });

  it('takes from a subscription only what it asks for', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(30 * second);
    relay.connection.send('EVENT', [...relay.connection.subscriptions.keys()][0], event({ kind: 1 }));
    await world.advance(10);
    expect(world.submitted).toEqual([]);
    await world.stop();
  });

  it('has one connection a relay', async () => {
    const { world, relay } = worldOf();
    await world.submit(
      announcement('one', [url, `${url}/`]),
      announcement('two', ['WSS://RELAY.EXAMPLE:443']),
    );
    world.start();
    await world.advance(60 * second);
    expect(relay.dials).toBe(1);
    await world.stop();
  });
});

function sameTopics(a: Filter, b: Filter): boolean {
  const { limit: _, ...rest } = a;
  return JSON.stringify(rest) === JSON.stringify(b);
}

describe('filters grow with what is stored (docs/sync.md §3)', () => {
  it('a new announcement adds to layer 2 and a new root to layer 3, in a window of 5 s', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(30 * second);
    const repository = announcement('repo', [url]);
    const root = issue(repository);
    await world.submit(repository, root);
    await world.advance(4_900);
    expect(asked(relay, '#a')).toEqual([]);
    await world.advance(200);
    for (const key of ['#a', '#A', '#q'] as const) expect(asked(relay, key)).toContain(addressOf(repository));
    for (const key of ['#e', '#E', '#q'] as const) expect(asked(relay, key)).toContain(root.id);
    await world.stop();
  });

  it('in windows of 200 ms when the setting says so', async () => {
    const { world, relay } = worldOf({ settings: { batchWindowMs: 200 } });
    world.start();
    await world.advance(30 * second);
    const repository = announcement('repo', [url]);
    await world.submit(repository);
    await world.advance(300);
    expect(asked(relay, '#a')).toEqual([addressOf(repository)]);
    await world.stop();
  });

  it('what arrives in one window is one subscription', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(30 * second);
    const before = relay.messages('REQ').filter(isLive).length;
    await world.submit(...Array.from({ length: 50 }, (_, number) => announcement(`repo-${number}`, [url])));
    await world.advance(10 * second);
    expect(relay.messages('REQ').filter(isLive).length).toBe(before + 1);
    await world.stop();
  });

  it('history of what is new is caught up at once', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    const history = issue(repository);
    relay.events.push(history);
    world.start();
    await world.advance(30 * second);
    await world.submit(repository);
    await world.advance(10 * second);
    expect(world.store.has(history.id)).toBe(true);
    await world.stop();
  });

  it('stops asking about what was deleted', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    await world.submit(repository);
    world.start();
    await world.advance(30 * second);
    expect(asked(relay, '#a')).toEqual([addressOf(repository)]);
    await world.submit(event({ kind: 5, tags: [['e', repository.id]], created_at: startSeconds }));
    await world.advance(30 * second);
    await world.submit(announcement('other', [url], { created_at: startSeconds }));
    await world.advance(30 * second);
    expect(relay.messages('CLOSE').length).toBeGreaterThan(0);
    const last = relay.messages('REQ').filter(isLive).at(-1);
    expect(JSON.stringify(last)).not.toContain(addressOf(repository));
    await world.stop();
  });

  it('catches up with what is wanted again while a subscription still asks about it', async () => {
    const { world, relay } = worldOf();
    const others = ['one', 'two', 'three'].map((name) => announcement(name, [url]));
    const repository = announcement('repo', [url]);
    await world.submit(...others, repository);
    world.start();
    await world.advance(30 * second);
    await world.submit(event({ kind: 5, tags: [['e', repository.id]], created_at: startSeconds }));
    await world.advance(30 * second);
    const meanwhile = issue(repository);
    relay.events.push(meanwhile);
    await world.submit(announcement('repo', [url], { created_at: startSeconds + 1 }));
    await world.advance(60 * second);
    expect(asked(relay, '#a').filter((address) => address === addressOf(repository)).length).toBe(1);
    expect(world.store.has(meanwhile.id)).toBe(true);
    await world.stop();
  });
});

function isLive([, , filter]: readonly unknown[]): boolean {
  return (filter as Filter).limit === 0;
}

describe('a remote that takes fewer filters in a subscription than topics need', () => {
  /** One that takes one filter in each, with two repositories and a root of its own. */
  async function oneFilterEach() {
    const { world, relay } = worldOf();
    relay.information = { ...emptyInformation, maxSubscriptions: 40, maxFilters: 1, hasLimitation: true };
    const repository = announcement('repo', [url]);
    await world.submit(repository, announcement('other', [url]), issue(repository));
    world.start();
    await world.advance(60 * second);
    const part = (key: string) =>
      [...relay.connection.subscriptions].filter(([, [filter]]) => filter !== undefined && key in filter);
    return { world, relay, repository, part };
  }

  function end(relay: FakeRelay, id: string): void {
    relay.connection.subscriptions.delete(id);
    relay.connection.send('CLOSED', id, 'error: too long open');
  }

  it('is asked again for all parts when it ends one, and each stands once', async () => {
    const { world, relay, repository, part } = await oneFilterEach();
    const counts = () => ['#a', '#A', '#q', '#e', '#E'].map((key) => part(key).length);
    const before = counts();
    for (let round = 0; round < 3; round += 1) {
      for (const [id] of part('#a')) end(relay, id);
      await world.advance(120 * second);
    }
    expect(counts()).toEqual(before);
    const fresh = issue(repository);
    relay.publish(fresh);
    await world.advance(second);
    expect(world.store.has(fresh.id)).toBe(true);
    await world.stop();
  });

  it('comes to rest when it takes fewer subscriptions', async () => {
    const { world, relay, part } = await oneFilterEach();
    for (const [id] of part('#q')) end(relay, id);
    await world.advance(120 * second);
    relay.connection.send('NOTICE', 'too many concurrent subscriptions, 5 at most');
    await world.advance(120 * second);
    expect(relay.connection.isOpen).toBe(true);
    expect(relay.connection.subscriptions.size).toBeLessThanOrEqual(40);
    await world.stop();
  });
});

describe('consolidation (docs/sync.md §3)', () => {
  it('above 150 filters all subscriptions are rebuilt, packed; new ones are opened before old ones are closed', async () => {
    const { world, relay } = worldOf();
    relay.information = { ...emptyInformation, maxSubscriptions: 200, hasLimitation: true };
    world.start();
    await world.advance(30 * second);
    let missed = 0;
    const stored: string[] = [];
    const script = relay.script;
    relay.script = (connection, message) => {
      // Whenever a subscription goes, everything that was asked for is still asked for by another.
      if (message[0] === 'CLOSE' && isLive(['', '', connection.subscriptions.get(message[1])?.[0] ?? {}])) {
        connection.subscriptions.delete(message[1]);
        const still = new Set(asked(relay, '#a'));
        for (const address of stored) if (!still.has(address)) missed += 1;
        return true;
      }
      return script(connection, message);
    };
    let most = 0;
    for (let batch = 0; batch < 56; batch += 1) {
      const repository = announcement(`repo-${batch}`, [url]);
      await world.submit(repository);
      await world.advance(6 * second);
      stored.push(addressOf(repository));
      most = Math.max(most, relay.live().length);
    }
    expect(most).toBeLessThanOrEqual(150 + 3);
    expect(relay.live().length).toBeLessThan(150);
    expect(new Set(asked(relay, '#a'))).toEqual(new Set(stored));
    expect(missed).toBe(0);
    await world.stop();
  });

  it('misses no event while it happens', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(30 * second);
    const repositories = Array.from({ length: 30 }, (_, number) => announcement(`repo-${number}`, [url]));
    const published: string[] = [];
    for (const repository of repositories) {
      await world.submit(repository);
      for (let tick = 0; tick < 7; tick += 1) {
        await world.advance(999);
        const known = published.length > 0 || tick > 5 ? repositories[0] : undefined;
        if (known === undefined) continue;
        const late = issue(known);
        published.push(late.id);
        relay.publish(late);
      }
    }
    await world.advance(100);
    const live = world.submitted
      .filter(({ source }) => source.type === 'live_sync')
      .map(({ event: { id } }) => id);
    expect(new Set(live)).toEqual(new Set(published));
    expect(relay.messages('REQ').filter(isLive).length).toBeGreaterThan(15);
    await world.stop();
  });

  /** A relay that takes four subscriptions, asked about more repositories than fit; no live event is about layer 1. */
  async function crowded() {
    const { world, relay } = worldOf();
    relay.information = {
      ...emptyInformation,
      maxSubscriptions: 5,
      maxMessageBytes: 9_000,
      hasLimitation: true,
    };
    const repositories = Array.from({ length: 120 }, (_, number) => announcement(`repo-${number}`, [url]));
    relay.events.push(...repositories);
    world.start();
    await world.advance(120 * second);
    expect(world.manager.status().relays[0]?.uncoveredTopics).toBeGreaterThan(0);
    return { world, relay, repositories };
  }

  const byKind = (relay: FakeRelay) =>
    relay
      .live()
      .filter((filter) => Object.keys(filter).sort().join() === 'kinds,limit')
      .filter(({ kinds }) => kinds?.includes(30617) !== true);

  it('a relay with too few subscriptions gets what fits, filters by kind, and the daily catch-up brings the rest', async () => {
    const { world, relay, repositories } = await crowded();
    const line =
      'relay takes too few subscriptions for live sync of everything; filters by kind and the daily catch-up cover the rest';
    expect(world.lines(line).length).toBe(1);
    const roots = repositories.map((repository) => issue(repository));
    for (const root of roots) relay.publish(root);
    // Of a kind that no filter by kind asks for.
    const odd = repositories.map((repository) => event({ kind: 4242, tags: [['a', addressOf(repository)]] }));
    for (const each of odd) relay.publish(each);
    await world.advance(26 * 3_600 * second);
    for (const { id } of [...roots, ...odd]) expect(world.store.has(id)).toBe(true);
    await world.stop();
  });

  it('what is new about topics without a place comes live by filters of kinds, within the limits', async () => {
    const { world, relay, repositories } = await crowded();
    expect(byKind(relay).length).toBe(3);
    expect(relay.connection.subscriptions.size).toBeLessThanOrEqual(5);
    const roots = repositories.map((repository) => issue(repository));
    for (const root of roots) relay.publish(root);
    await world.advance(2 * second);
    for (const { id } of roots) expect(world.store.has(id)).toBe(true);
    const replies = roots.map((root) => comment(root));
    for (const reply of replies) relay.publish(reply);
    await world.advance(2 * second);
    for (const { id } of replies) expect(world.store.has(id)).toBe(true);
    await world.stop();
  });

  it('a filter by kind that brings little that is wanted here is given up for a day, the others not', async () => {
    const { world, relay, repositories } = await crowded();
    for (let count = 0; count < limits.liveKindsTrialEvents; count += 1) {
      relay.publish(event({ kind: 7, content: `${count}` }));
    }
    await world.advance(10 * second);
    expect(byKind(relay).map(({ kinds }) => kinds?.includes(7))).toEqual([false, false]);
    const roots = repositories.map((repository) => issue(repository));
    for (const root of roots) relay.publish(root);
    await world.advance(10 * second);
    for (const { id } of roots) expect(world.store.has(id)).toBe(true);
    await world.advance(25 * 3_600 * second);
    relay.connection.drop();
    await world.advance(60 * second);
    expect(byKind(relay).length).toBe(3);
    await world.stop();
  });

  it('one that refuses filters by kind keeps the rest, and is asked again ever more seldom', async () => {
    const { world, relay } = worldOf();
    relay.information = {
      ...emptyInformation,
      maxSubscriptions: 5,
      maxMessageBytes: 9_000,
      hasLimitation: true,
    };
    relay.events.push(...Array.from({ length: 120 }, (_, number) => announcement(`repo-${number}`, [url])));
    let refused = 0;
    relay.script = (connection, [type, id, ...filters]) => {
      if (type !== 'REQ' || !(filters as Filter[]).some(({ kinds }) => kinds?.includes(1111))) return false;
      refused += 1;
      connection.send('CLOSED', id, 'error: too broad');
      return true;
    };
    world.start();
    await world.advance(3_600 * second);
    expect(refused).toBeGreaterThan(1);
    expect(refused).toBeLessThan(12);
    expect(relay.live().some((filter) => filter['#a'] !== undefined)).toBe(true);
    await world.stop();
  });

  it('one with places for all topics gets no filters by kind', async () => {
    const { world, relay } = worldOf();
    relay.events.push(...Array.from({ length: 5 }, (_, number) => announcement(`repo-${number}`, [url])));
    world.start();
    await world.advance(60 * second);
    expect(byKind(relay)).toEqual([]);
    await world.stop();
  });
});
