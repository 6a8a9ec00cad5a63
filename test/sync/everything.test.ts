import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { dayMs, minuteMs, secondMs } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import { TransportError } from '../../src/sync/dial/transport.js';
import { announcement, comment, event, issue, startSeconds } from './support/events.js';
import { emptyInformation, type FakeRelay } from './support/fake-relay.js';
import { World, type WorldOptions } from './support/world.js';

const url = 'wss://relay.example';
const grasp = { ...emptyInformation, supportsGrasp: true };
const weekMs = 7 * dayMs;

/** A world in which three repositories are many. */
function worldOf(options: WorldOptions = {}): { world: World; relay: FakeRelay } {
  const settings = { bootstrapRelays: [url], everythingTopicsMin: 4, ...options.settings };
  const world = new World({ ...options, settings });
  const relay = world.relay(url);
  relay.information = grasp;
  return { world, relay };
}

/** Three repositories, each with issues and comments. */
function content(): NostrEvent[] {
  return ['one', 'two', 'three'].flatMap((name) => {
    const repository = announcement(name, [url]);
    const issues = [1, 2, 3].map((n) =>
      issue(repository, { content: `${name} ${n}`, created_at: repository.created_at + n }),
    );
    return [repository, ...issues, ...issues.map((root) => comment(root))];
  });
}

const missing = (world: World, events: readonly NostrEvent[]) =>
  events.filter(({ id }) => !world.store.has(id)).length;

const negotiated = (relay: FakeRelay) => relay.messages('NEG-OPEN').map(([, , filter]) => filter as Filter);

describe('everything, where the layers are many (docs/sync.md §3)', () => {
  it('is one live filter and one reconciliation, announcements before it', async () => {
    const { world, relay } = worldOf();
    const events = content();
    relay.events.push(...events);
    world.start();
    await world.advance(5 * minuteMs);
    expect(missing(world, events)).toBe(0);
    expect(relay.live()).toEqual([{ limit: 0 }]);
    expect(negotiated(relay).slice(-2)).toEqual([{ kinds: [30617, 30618] }, {}]);
    await world.stop();
  });

  it('from the first message on, where many are stored already', async () => {
    const { world, relay } = worldOf();
    const events = content();
    relay.events.push(...events);
    for (const each of events.slice(0, -1)) await world.submit(each);
    world.start();
    await world.advance(5 * minuteMs);
    expect(relay.messages('REQ').map(([, , filter]) => filter)).toEqual([{ limit: 0 }, expect.anything()]);
    expect(relay.asks()).toEqual([[events.at(-1)?.id]]);
    await world.stop();
  });

  it.each([
    ['the operator gives', [url], [{}]],
    ['only announcements name', [], []],
  ])('our side of it stands before a relay is dialled that %s', async (_, bootstrapRelays, made) => {
    const { world, relay } = worldOf({ settings: { bootstrapRelays } });
    for (const each of content()) await world.submit(each);
    const collected = vi.spyOn(world.store, 'collectInTurns');
    world.start();
    await world.advance(4 * secondMs);
    expect(collected.mock.calls.map(([filter]) => filter)).toEqual(made);
    expect(relay.connections).toEqual([]);
    await world.advance(5 * minuteMs);
    const ofEverything = collected.mock.calls.filter(([filter]) => Object.keys(filter).length === 0);
    expect(ofEverything).toHaveLength(1);
    await world.stop();
  });

  it.each([
    ['connected', 'up'],
    ['dialled in vain', new TransportError('refused', 'nobody there')],
  ] as const)('our side of it waits until it is asked for, when a relay was %s', async (_, reachable) => {
    const { world, relay } = worldOf();
    relay.information = emptyInformation;
    relay.reachable = reachable;
    const collected = vi.spyOn(world.store, 'collectInTurns');
    world.start();
    await world.advance(minuteMs);
    await world.submit(...content());
    await world.advance(minuteMs);
    await world.submit(announcement('four', [url]));
    await world.advance(minuteMs);
    expect(collected.mock.calls.filter(([filter]) => Object.keys(filter).length === 0)).toEqual([]);
    await world.stop();
  });

  it('brings live what is new, of repositories that are new too', async () => {
    const { world, relay } = worldOf();
    relay.events.push(...content());
    world.start();
    await world.advance(5 * minuteMs);
    const repository = announcement('four', [url]);
    const root = issue(repository);
    for (const each of [repository, root, comment(root)]) relay.publish(each);
    await world.advance(10 * secondMs);
    expect(missing(world, relay.events)).toBe(0);
    expect(relay.live()).toEqual([{ limit: 0 }]);
    await world.stop();
  });

  it('not of a relay that does not say that it supports GRASP', async () => {
    const { world, relay } = worldOf();
    relay.information = emptyInformation;
    relay.events.push(...content());
    world.start();
    await world.advance(5 * minuteMs);
    expect(missing(world, relay.events)).toBe(0);
    expect(negotiated(relay)).not.toContainEqual({});
    await world.stop();
  });

  it('not of one that has few topics', async () => {
    const { world, relay } = worldOf({ settings: { everythingTopicsMin: 300 } });
    relay.events.push(...content());
    world.start();
    await world.advance(5 * minuteMs);
    expect(negotiated(relay)).not.toContainEqual({});
    await world.stop();
  });

  it('a reconnect asks for what came since', async () => {
    const { world, relay } = worldOf();
    relay.events.push(...content());
    world.start();
    await world.advance(5 * minuteMs);
    relay.connection.drop();
    await world.advance(minuteMs);
    expect(negotiated(relay).at(-1)).toEqual({ since: expect.any(Number) });
    await world.stop();
  });

  it('one that calls everything too broad, whatever the time, is asked by layers after a few stretches', async () => {
    const { world, relay } = worldOf();
    relay.script = (connection, [kind, id, filter]) => {
      const keys = kind === 'NEG-OPEN' ? Object.keys(filter as Filter) : ['kinds'];
      if (keys.some((key) => !['since', 'until'].includes(key))) return false;
      connection.send('NEG-ERR', id, 'blocked: the filter is too broad');
      return true;
    };
    const events = content();
    await world.submit(...events.slice(0, -1));
    relay.events.push(...events);
    world.start();
    await world.advance(10 * minuteMs);
    expect(missing(world, events)).toBe(0);
    const ofEverything = negotiated(relay).filter((filter) =>
      Object.keys(filter).every((key) => key === 'since' || key === 'until'),
    );
    expect(ofEverything.length).toBeGreaterThan(1);
    expect(ofEverything.length).toBeLessThanOrEqual(limits.everythingDivisionsMax + 1);
    await world.stop();
  });

  it.each(['REQ', 'NEG-OPEN'] as const)(
    'a relay that refuses %s for everything is asked by layers, and negentropy is not condemned',
    async (type) => {
      const { world, relay } = worldOf();
      relay.script = (connection, [kind, id, filter]) => {
        if (
          kind !== type ||
          Object.keys(filter as Filter).some((key) => !['limit', 'since', 'until'].includes(key))
        )
          return false;
        if (kind === 'REQ') connection.send('CLOSED', id, 'error: not without kinds');
        else connection.send('NEG-ERR', id, 'blocked: not without kinds');
        return true;
      };
      const events = content();
      relay.events.push(...events);
      world.start();
      await world.advance(10 * minuteMs);
      expect(missing(world, events)).toBe(0);
      expect(relay.live().length).toBeGreaterThan(1);
      expect(relay.pages()).toEqual([]);
      expect(world.manager.status().relays[0]?.negentropy).toBe('works');
      await world.stop();
    },
  );

  it('a relay most of whose events are not wanted is asked by layers for a week', async () => {
    const { world, relay } = worldOf();
    const events = content();
    const others = Array.from({ length: 500 }, (_, n) => event({ kind: 1, content: `something else ${n}` }));
    relay.events.push(...events, ...others);
    world.start();
    await world.advance(10 * minuteMs);
    expect(missing(world, events)).toBe(0);
    expect(missing(world, others)).toBe(others.length);
    expect(relay.live().length).toBeGreaterThan(1);
    const everything = () => negotiated(relay).filter((filter) => Object.keys(filter).length === 0).length;
    expect(everything()).toBe(1);
    await world.advance(weekMs - dayMs);
    expect(everything()).toBe(1);
    relay.publish(announcement('late', [url]));
    await world.advance(2 * dayMs);
    relay.publish(announcement('later', [url]));
    await world.advance(dayMs);
    expect(everything()).toBeGreaterThan(1);
    await world.stop();
  });

  it('what came before that on which it hangs is stored in the end', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('zero', [url], { created_at: startSeconds + 80_000 });
    const roots = Array.from({ length: 300 }, (_, n) =>
      issue(repository, { content: `${n}`, created_at: 1_600_000_000 + n }),
    );
    relay.events.push(...content(), ...roots);
    world.start();
    await world.advance(minuteMs);
    relay.publish(repository);
    await world.advance(30 * minuteMs);
    expect(missing(world, roots)).toBe(0);
    await world.stop();
  });

  it('hands on what hangs on another after the other', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    const root = issue(repository, { created_at: repository.created_at + 1 });
    const comments = Array.from({ length: 900 }, (_, n) =>
      comment(root, { content: `${n}`, created_at: root.created_at + 1 + n }),
    );
    relay.events.push(...content(), repository, root, ...comments);
    world.start();
    await world.advance(5 * minuteMs);
    expect(missing(world, comments)).toBe(0);
    expect(world.log.filter(({ message }) => message === 'synced event refused')).toEqual([]);
    await world.stop();
  });
});
