import { describe, expect, it, vi } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import { TransportError } from '../../src/sync/dial/transport.js';
import { testIdentity } from '../support/events.js';
import { announcement, comment, issue, startSeconds } from './support/events.js';
import { emptyInformation, type FakeRelay } from './support/fake-relay.js';
import { World, type WorldOptions } from './support/world.js';

const url = 'wss://relay.example';
const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** A world with one bootstrap relay. */
function worldOf(options: WorldOptions = {}): { world: World; relay: FakeRelay } {
  const world = new World({ ...options, settings: { bootstrapRelays: [url], ...options.settings } });
  return { world, relay: world.relay(url) };
}

describe('connection life (docs/sync.md §2)', () => {
  it('tries for the first time 5 s + 0–2 s after the start', async () => {
    const { world } = worldOf();
    world.start();
    await world.advance(4_999);
    expect(world.network.dialled.length).toBe(0);
    await world.advance(2_002);
    expect(world.network.dialled.length).toBe(1);
    await world.stop();
  });

  it('reconnects at once when a connection that was stable is lost', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(10 * second);
    expect(world.manager.status().relays[0]).toMatchObject({ connection: 'connected', health: 'healthy' });
    await world.advance(minute);
    relay.connection.drop();
    await world.advance(20);
    expect(relay.connections.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    await world.stop();
  });

  it('has no connection while it is held, for the disk is full, and catches up when it is let go', async () => {
    const { world, relay } = worldOf();
    const ours = announcement('repo', [url]);
    world.manager.hold(true);
    world.start();
    await world.advance(minute);
    expect(world.network.dialled).toEqual([]);
    world.manager.hold(false);
    await world.advance(minute);
    expect(relay.connections.map(({ isOpen }) => isOpen)).toEqual([true]);
    world.manager.hold(true);
    await world.advance(hour);
    expect(relay.connections.map(({ isOpen }) => isOpen)).toEqual([false]);
    relay.events.push(ours);
    world.manager.hold(false);
    await world.advance(minute);
    expect(world.store.has(ours.id)).toBe(true);
    expect(world.manager.status().relays[0]).toMatchObject({ connection: 'connected', health: 'healthy' });
    await world.stop();
  });

  it('backs off from a relay that accepts and drops us at once', async () => {
    const { world, relay } = worldOf();
    relay.script = (connection) => {
      connection.drop();
      return true;
    };
    world.start();
    await world.advance(10 * minute);
    const times = world.network.dialled.map(({ at }) => at);
    const gaps = times.slice(1).map((at, index) => at - (times[index] as number));
    expect(gaps.length).toBeLessThanOrEqual(6);
    for (const [index, gap] of gaps.entries()) expect(gap).toBeGreaterThanOrEqual(10 * second * 2 ** index);
    await world.stop();
  });

  it('is dead after 24 h of failure, says so, and is tried once a day', async () => {
    const { world, relay } = worldOf();
    relay.reachable = new TransportError('refused', 'no');
    world.start();
    await world.advance(26 * hour);
    expect(world.manager.status().relays[0]).toMatchObject({ connection: 'dead', health: 'dead' });
    expect(await world.metric('ngit_sync_relay_status', { relay: url, status: 'dead' })).toBe(1);
    expect(await world.metric('ngit_sync_relay_status', { relay: url, status: 'backoff' })).toBe(0);
    expect(await world.metric('ngit_sync_relays_dead_total')).toBe(1);
    expect(world.lines('relay dead').map(({ level }) => level)).toEqual(['error']);
    const failingMs = world.lines('relay dead')[0]?.details.failingMs as number;
    expect(failingMs).toBeGreaterThanOrEqual(24 * hour);
    expect(failingMs).toBeLessThan(26 * hour);
    const dials = relay.dials;
    await world.advance(72 * hour);
    const lines = world.lines('relay dead');
    expect(lines.length).toBe(4);
    expect(lines[3]?.details.relay).toBe(url);
    expect(lines[3]?.details.failingMs).toBeGreaterThanOrEqual(failingMs + 72 * hour);
    expect(relay.dials - dials).toBe(3);
    relay.reachable = 'up';
    await world.advance(24 * hour);
    expect(world.manager.status().relays[0]?.health).toBe('healthy');
    await world.stop();
  });

  it('health is in memory only: a new process begins anew', async () => {
    const { world, relay } = worldOf();
    relay.reachable = new TransportError('refused', 'no');
    world.start();
    await world.advance(26 * hour);
    expect(world.manager.status().relays[0]?.health).toBe('dead');
    await world.stop();
    expect(world.store.size + world.refused.size).toBe(0);
    const next = new World({ settings: { bootstrapRelays: [url] }, before: world });
    const dials = relay.dials;
    next.start();
    await next.advance(10);
    expect(next.manager.status().relays[0]).toMatchObject({ health: 'backoff', consecutiveFailures: 0 });
    await next.advance(8 * second);
    expect(relay.dials).toBe(dials + 1);
    await next.stop();
  });

  it('dead hosts do not starve live ones', async () => {
    const world = new World({ settings: { bootstrapRelays: [url] } });
    world.relay(url);
    const hanging = Array.from({ length: 90 }, (_, number) => `wss://dead-${number}.example`);
    for (const [at, dead] of hanging.entries()) await world.submit(announcement(`repo-${at}`, [dead]));
    world.network.information = async (target) => {
      if (target.url !== url) await world.clock.sleep(hour);
      return undefined;
    };
    world.start();
    await world.advance(90 * second);
    expect(world.relay(url).connection.isOpen).toBe(true);
    await world.stop();
  });
});

describe('a socket that answers nothing is a failure (docs/sync.md §2)', () => {
  it('is found by ping', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(10 * second);
    relay.connection.answersPings = false;
    await world.advance(3 * minute);
    expect(relay.connections[0]?.isOpen).toBe(false);
    expect(world.manager.status().relays[0]?.lastFailure).toBe('timeout');
    await world.stop();
  });

  it('is found by the time limit of its requests, though it answers pings', async () => {
    const { world, relay } = worldOf();
    relay.script = () => true;
    world.start();
    await world.advance(10 * minute);
    expect(relay.connections[0]?.isOpen).toBe(false);
    expect(world.manager.status().relays[0]?.lastFailure).toBe('timeout');
    await world.advance(29 * hour);
    expect(world.manager.status().relays[0]?.health).toBe('dead');
    expect(relay.dials).toBeLessThan(45);
    await world.stop();
  });

  it.each([
    ['EOSE', (id: string) => ['EOSE', id]],
    ['NEG-MSG', (id: string) => ['NEG-MSG', id, '61']],
    ['NEG-ERR', (id: string) => ['NEG-ERR', id, 'error: no']],
  ])('a relay that repeats %s to a subscription that does not wait for it is dropped', async (_, message) => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(minute);
    const [live = ''] = relay.connection.subscriptions.keys();
    for (let sent = 0; sent < 10_001; sent += 1) relay.connection.send(...message(live));
    await world.advance(second);
    expect(relay.connections[0]?.isOpen).toBe(false);
    expect(world.manager.status().relays[0]?.lastFailure).toBe('protocol');
    await world.stop();
  });

  it('a relay that forges events without end is dropped', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    world.start();
    await world.submit(repository);
    await world.advance(minute);
    for (let sent = 0; sent < 10_001; sent += 1) {
      relay.publish({ ...issue(repository, { content: `${sent}` }), sig: 'f'.repeat(128) });
      if (sent === 9_000) await world.advance(second);
    }
    expect(relay.connections[0]?.isOpen).toBe(true);
    await world.advance(second);
    expect(relay.connections[0]?.isOpen).toBe(false);
    await world.stop();
  });

  it('a request is not kept waiting by messages that are no answer to it', async () => {
    const { world, relay } = worldOf({ settings: { negentropyDisabled: true } });
    relay.events.push(announcement('repo', [url]));
    relay.script = (_, [type, , filter]) => type === 'REQ' && (filter as Filter).limit !== 0;
    world.start();
    await world.advance(10 * second);
    const { connection } = relay;
    for (let waited = 0; waited < 300; waited += 1) {
      for (const [type, id, filter] of [...connection.received]) {
        if (type === 'REQ' && (filter as Filter).limit !== 0) connection.send('NEG-MSG', id, '61');
      }
      await world.advance(second);
    }
    expect(connection.isOpen).toBe(false);
    await world.stop();
  });

  it('a relay that sends what nobody asked for, without end, is dropped', async () => {
    const { world, relay } = worldOf();
    const stray = announcement('stray', []);
    world.start();
    await world.advance(10 * second);
    for (let sent = 0; sent < 10_001; sent += 1) relay.connection.send('EVENT', 'nobody', stray);
    await world.advance(second);
    expect(relay.connections[0]?.isOpen).toBe(false);
    expect(world.manager.status().relays[0]?.lastFailure).toBe('protocol');
    expect(world.submitted.length).toBe(0);
    await world.stop();
  });

  it('a relay whose events make us fail ten times in a row is let go, and keeps nothing from others', async () => {
    const { world, relay } = worldOf();
    const other = world.network.relay('wss://other.example');
    const repository = announcement('repo', [url, other.url]);
    const preview = world.store.preview.bind(world.store);
    world.store.preview = (event) => {
      if (event.content === 'poison') throw new RangeError('tripped');
      return preview(event);
    };
    world.start();
    await world.submit(repository);
    await world.advance(minute);
    const poison = Array.from({ length: 10 }, () => issue(repository, { content: 'poison' }));
    for (const event of poison.slice(0, 9)) relay.publish(event);
    await world.advance(second);
    const fine = issue(repository);
    relay.publish(fine);
    for (const event of poison.slice(0, 9)) relay.publish({ ...event });
    await world.advance(second);
    expect(world.store.has(fine.id)).toBe(true);
    expect(relay.connections[0]?.isOpen).toBe(true);
    relay.publish(poison[9] as NostrEvent);
    await world.advance(second);
    expect(relay.connections[0]?.isOpen).toBe(false);
    expect(world.lines('relay is let go, for we fail at what it sends')).toHaveLength(1);
    expect(world.lines('an event made us fail')).toHaveLength(19);
    const later = issue(repository);
    other.publish(later);
    await world.advance(second);
    expect(world.store.has(later.id)).toBe(true);
    await world.stop();
  });

  it('a relay with more events that make us fail than that is caught up with past them', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    const preview = world.store.preview.bind(world.store);
    world.store.preview = (event) => {
      if (event.content === 'poison') throw new RangeError('tripped');
      return preview(event);
    };
    const poison = Array.from({ length: 35 }, () => issue(repository, { content: 'poison' }));
    const fine = issue(repository, { created_at: startSeconds - 60 });
    relay.events.push(...poison, fine);
    await world.submit(repository);
    world.start();
    await world.advance(10 * minute);
    expect(world.store.has(fine.id)).toBe(true);
    expect(world.lines('relay is let go, for we fail at what it sends')).toHaveLength(4);
    await world.stop();
  });

  it('a connection is closed once, however often that is asked for', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(10 * second);
    const close = vi.spyOn(relay.connection, 'close');
    world.admission.submit = async () => await Promise.reject(new Error('the store is gone'));
    for (let count = 0; count < 50; count += 1) relay.publish(announcement(`repo-${count}`, []));
    await world.advance(second);
    expect(close).toHaveBeenCalledTimes(1);
    await expect(world.stop()).rejects.toThrow('the store is gone');
  });

  it.each([
    ['NOTICE', ['NOTICE', 'hello']],
    ['AUTH', ['AUTH', 'a challenge']],
    ['OK', ['OK', 'f'.repeat(64), true, '']],
    ['EOSE', ['EOSE', 'nobody']],
  ])('a relay that floods us with %s is dropped, and an hour of little of it is not', async (_, message) => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(10 * second);
    for (let hour = 0; hour < 3; hour += 1) {
      for (let sent = 0; sent < 9_000; sent += 1) relay.connection.send(...message);
      await world.advance(3_600 * second);
    }
    expect(relay.connections[0]?.isOpen).toBe(true);
    for (let sent = 0; sent < 10_001; sent += 1) relay.connection.send(...message);
    await world.advance(second);
    expect(relay.connections[0]?.isOpen).toBe(false);
    await world.stop();
  });

  it('a relay whose messages answer nothing is dropped by their bytes, long before it is by their number', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(10 * second);
    const megabyte = 'x'.repeat(1_000_000);
    for (let sent = 0; sent < 66; sent += 1) relay.connection.send('NOTICE', megabyte);
    await world.advance(second);
    expect(relay.connections[0]?.isOpen).toBe(true);
    for (let sent = 0; sent < 3; sent += 1) relay.connection.send('NOTICE', megabyte);
    await world.advance(second);
    expect(relay.connections[0]?.isOpen).toBe(false);
    await world.stop();
  });

  it('what cannot be read is left out', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(10 * second);
    relay.connection.send('EVENT', 'l1', { id: 'nonsense' });
    relay.connection.send({ not: 'an array' });
    relay.connection.send('WHAT', 1);
    const repository = announcement('repo', []);
    relay.publish(repository);
    await world.advance(second);
    expect(world.store.has(repository.id)).toBe(true);
    await world.stop();
  });
});

describe('"slow down" pauses requests for 65 s and is no failure (docs/sync.md §2)', () => {
  it.each(['NOTICE', 'CLOSED', 'OK'] as const)('in %s', async (type) => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(20 * second);
    if (type === 'NOTICE') relay.connection.send('NOTICE', 'rate-limited: slow down');
    else if (type === 'OK') relay.connection.send('OK', 'f'.repeat(64), false, 'rate-limited: slow down');
    else relay.connection.send('CLOSED', 'l1', 'rate-limited: slow down');
    await world.advance(10);
    relay.connection.subscriptions.delete('l1');
    await world.submit(announcement('repo', [url]));
    const before = relay.connection.received.length;
    await world.advance(64 * second);
    expect(relay.connection.received.length).toBe(before);
    await world.advance(10 * second);
    expect(relay.connection.received.length).toBeGreaterThan(before);
    expect(relay.connection.isOpen).toBe(true);
    expect(world.manager.status().relays[0]).toMatchObject({ health: 'healthy', consecutiveFailures: 0 });
    expect(world.lines('relay asks to slow down').length).toBe(1);
    await world.stop();
  });

  it('a request that was limited is sent again after the pause', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', []);
    relay.events.push(repository);
    let refusals = 0;
    relay.script = (connection, [type, id]) => {
      if (type !== 'NEG-OPEN' || refusals >= 1) return false;
      refusals += 1;
      connection.send('NEG-ERR', id, 'rate-limited: too fast');
      return true;
    };
    world.start();
    await world.advance(60 * second);
    expect(world.store.has(repository.id)).toBe(false);
    await world.advance(30 * second);
    expect(world.store.has(repository.id)).toBe(true);
    expect(relay.pages()).toEqual([]);
    await world.stop();
  });
});

describe('"slow down" in a NOTICE says what the silence is about (docs/sync.md §2)', () => {
  /** Says so in place of the first answers to messages of that type. */
  function slowOn(relay: FakeRelay, type: 'NEG-OPEN' | 'ids', times: number): void {
    relay.script = (connection, [kind, , filter]) => {
      const isMeant = type === 'ids' ? kind === 'REQ' && (filter as Filter).ids !== undefined : kind === type;
      if (!isMeant || times === 0) return false;
      times -= 1;
      connection.send('NOTICE', 'rate-limited: slow down there chief');
      return true;
    };
  }

  it('a session is opened again after the pause, and negentropy not given up', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', []);
    relay.events.push(repository);
    slowOn(relay, 'NEG-OPEN', 1);
    world.start();
    await world.advance(60 * second);
    expect(world.store.has(repository.id)).toBe(false);
    await world.advance(30 * second);
    expect(world.store.has(repository.id)).toBe(true);
    expect(relay.pages()).toEqual([]);
    expect(relay.connections.length).toBe(1);
    await world.stop();
  });

  it('ids are asked for again in asks that are no smaller', async () => {
    const { world, relay } = worldOf();
    relay.events.push(...Array.from({ length: 40 }, (_, number) => announcement(`repo-${number}`, [])));
    slowOn(relay, 'ids', 3);
    world.start();
    await world.advance(10 * minute);
    for (const { id } of relay.events) expect(world.store.has(id)).toBe(true);
    expect(relay.asks().map(({ length }) => length)).toEqual([40, 40, 40, 40]);
    expect(relay.connections.length).toBe(1);
    await world.stop();
  });
});

describe('CLOSED ends one subscription (docs/sync.md §2)', () => {
  it('which is opened again after a backoff, and caught up', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(30 * second);
    const closed = [...relay.connection.subscriptions.keys()][0] as string;
    relay.connection.subscriptions.delete(closed);
    relay.connection.send('CLOSED', closed, 'error: shutting down idle subscription');
    const missed = announcement('missed', []);
    relay.publish(missed);
    await world.advance(20 * second);
    expect(relay.connection.isOpen).toBe(true);
    expect(relay.live()).toContainEqual({ kinds: [30617, 30618], limit: 0 });
    expect(world.store.has(missed.id)).toBe(true);
    await world.stop();
  });

  it('one that the relay never allows is asked for ever more seldom, and does not keep catch-up waiting', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', []);
    relay.events.push(repository);
    relay.script = (connection, [type, id, filter]) => {
      if (type !== 'REQ' || (filter as { limit?: number }).limit !== 0) return false;
      connection.send('CLOSED', id, 'error: no live subscriptions here');
      return true;
    };
    world.start();
    await world.advance(hour);
    expect(world.store.has(repository.id)).toBe(true);
    const tries = relay.messages('REQ').filter(([, , filter]) => (filter as { limit?: number }).limit === 0);
    // Two subscriptions, each with 5, 10, 20 … 2560 s between its tries.
    expect(tries.length).toBeLessThanOrEqual(2 * 11);
    await world.stop();
  });
});

describe('auth-required: is answered with NIP-42 (docs/sync.md §2)', () => {
  const identity = testIdentity(1);

  function walled(relay: FakeRelay, accepts: boolean): void {
    const members = new Set<unknown>();
    relay.script = (connection, [type, id]) => {
      if (type === 'AUTH') {
        const event = id as unknown as { id: string };
        connection.send('OK', event.id, accepts, accepts ? '' : 'restricted: members only');
        if (accepts) members.add(connection);
        return true;
      }
      if (members.has(connection) || (type !== 'REQ' && type !== 'NEG-OPEN')) return false;
      connection.send('AUTH', 'challenge-1');
      connection.send(type === 'REQ' ? 'CLOSED' : 'NEG-ERR', id, 'auth-required: members only');
      return true;
    };
  }

  it('with the daemon’s key, the relay’s URL and its challenge', async () => {
    const { world, relay } = worldOf({ identity });
    const repository = announcement('repo', []);
    relay.events.push(repository);
    walled(relay, true);
    world.start();
    await world.advance(30 * second);
    const [, auth] = relay.messages('AUTH')[0] as unknown as [
      string,
      { kind: number; pubkey: string; tags: string[][] },
    ];
    expect(auth).toMatchObject({
      kind: 22242,
      pubkey: identity.pubkey,
      tags: [
        ['relay', url],
        ['challenge', 'challenge-1'],
      ],
    });
    expect(relay.messages('AUTH').length).toBe(1);
    expect(world.store.has(repository.id)).toBe(true);
    expect(relay.live()).toContainEqual({ kinds: [30617, 30618], limit: 0 });
    await world.stop();
  });

  it('before anything is asked, where the NIP-11 document wants it', async () => {
    const { world, relay } = worldOf({ identity });
    relay.information = { ...emptyInformation, authRequired: true, hasLimitation: true };
    walled(relay, true);
    const dial = world.network.dial.bind(world.network);
    world.network.dial = async (target, handlers) => {
      const socket = await dial(target, handlers);
      relay.connection.send('AUTH', 'challenge-1');
      return socket;
    };
    world.start();
    await world.advance(30 * second);
    expect(relay.connection.received[0]?.[0]).toBe('AUTH');
    expect(world.lines('relay closed a live subscription')).toEqual([]);
    await world.stop();
  });

  it.each([
    ['auth-required: members only', 0],
    ['rate-limited: slow down', 1],
  ])('one download that is answered with "%s" keeps no place', async (reason, dials) => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    for (let count = 0; count < 30; count += 1) relay.events.push(issue(repository));
    relay.events.push(repository);
    let refusals = 0;
    relay.script = (connection, [type, id, filter]) => {
      if (type !== 'REQ' || (filter as Filter).ids === undefined || refusals > 0) return false;
      refusals += 1;
      connection.send('CLOSED', id, reason);
      return true;
    };
    world.start();
    await world.advance(3 * minute);
    expect(refusals).toBe(1);
    expect(relay.connections[0]?.isOpen).toBe(dials === 1);
    // What was asked for is not lost: it comes when the relay lets us in, or after the pause.
    if (dials === 0) await world.advance(25 * hour);
    expect(world.store.size).toBe(31);
    await world.stop();
  });

  it.each(['its challenge', 'its OK'])(
    'a relay that does not send %s within 15 s is left alone',
    async (what) => {
      const { world, relay } = worldOf({ identity });
      relay.script = (connection, [type, id]) => {
        if (type === 'AUTH') return true;
        if (type !== 'REQ' && type !== 'NEG-OPEN') return false;
        if (what === 'its OK') connection.send('AUTH', 'challenge-1');
        connection.send(type === 'REQ' ? 'CLOSED' : 'NEG-ERR', id, 'auth-required: members only');
        return true;
      };
      world.start();
      await world.advance(8 * second);
      const since = world.clock.monotonic();
      while (relay.connection.isOpen) await world.advance(second);
      expect(world.clock.monotonic() - since).toBeGreaterThan(12 * second);
      expect(world.clock.monotonic() - since).toBeLessThanOrEqual(16 * second);
      expect(relay.messages('AUTH').length).toBe(what === 'its OK' ? 1 : 0);
      await world.advance(hour);
      expect(relay.dials).toBe(1);
      expect(world.manager.status().relays[0]?.lastFailure).toBe('policy');
      await world.stop();
    },
  );

  it.each([
    ['after a refusal', identity],
    ['without a key', undefined],
  ])('%s the relay is left alone until its next daily try', async (_, key) => {
    const { world, relay } = worldOf(key === undefined ? {} : { identity: key });
    walled(relay, false);
    world.start();
    await world.advance(12 * hour);
    expect(relay.dials).toBe(1);
    expect(world.manager.status().relays[0]?.lastFailure).toBe('policy');
    await world.advance(13 * hour);
    expect(relay.dials).toBe(2);
    await world.stop();
  });
});

describe('the NIP-11 limitation is obeyed (docs/sync.md §2)', () => {
  /** Watches how many subscriptions and sessions are open, how many filters one has, how long messages are. */
  async function observe(relay: FakeRelay, world: World) {
    const most = { subscriptions: 0, sessions: 0, filters: 0, bytes: 0 };
    const script = relay.script;
    relay.script = (connection, message) => {
      const [type, id, ...rest] = message;
      most.bytes = Math.max(most.bytes, Buffer.byteLength(JSON.stringify(message)));
      if (type === 'REQ') {
        most.filters = Math.max(most.filters, rest.length);
        most.subscriptions = Math.max(
          most.subscriptions,
          new Set([...connection.subscriptions.keys(), id]).size,
        );
      }
      if (type === 'NEG-OPEN') most.sessions = Math.max(most.sessions, connection.sessions.size + 1);
      return script(connection, message);
    };
    const repositories = Array.from({ length: 220 }, (_, number) =>
      announcement(`repository-${number}`, [url]),
    );
    const roots = repositories.map((repository) => issue(repository));
    relay.events.push(...repositories, ...roots);
    world.start();
    await world.advance(10 * minute);
    for (const { id } of roots) expect(world.store.has(id)).toBe(true);
    return most;
  }

  it('≤ 8 open subscriptions, ≤ 10 filters in one, ≤ 60 KB a message, one session, where there is none', async () => {
    const { world, relay } = worldOf();
    const most = await observe(relay, world);
    expect(most.subscriptions).toBeLessThanOrEqual(8);
    expect(most.filters).toBeLessThanOrEqual(10);
    expect(most.bytes).toBeLessThanOrEqual(60_000);
    expect(most.sessions).toBe(1);
    await world.stop();
  });

  it.each([
    { maxSubscriptions: 3, maxFilters: 2, maxMessageBytes: 12_000, maxLimit: 40 },
    { maxSubscriptions: 20, maxFilters: 30, maxMessageBytes: 131_072, maxLimit: 500 },
    { maxSubscriptions: 1, maxFilters: 1, maxMessageBytes: 4_000, maxLimit: 10 },
  ])('its own where there are: %o', async (limits) => {
    const { world, relay } = worldOf();
    relay.information = { ...emptyInformation, ...limits, hasLimitation: true };
    relay.pageMax = limits.maxLimit;
    const most = await observe(relay, world);
    expect(most.subscriptions).toBeLessThanOrEqual(limits.maxSubscriptions);
    expect(most.filters).toBeLessThanOrEqual(limits.maxFilters);
    expect(most.bytes).toBeLessThanOrEqual(limits.maxMessageBytes);
    const limitsAsked = relay.pages().map(({ limit }) => limit ?? 0);
    expect(Math.max(0, ...limitsAsked)).toBeLessThanOrEqual(limits.maxLimit);
    for (const ask of relay.asks()) expect(ask.length).toBeLessThanOrEqual(limits.maxLimit);
    await world.stop();
  });

  it.each(['CLOSED', 'NOTICE'])(
    'a relay that takes one filter a subscription, and says so in %s, gives everything',
    async (type) => {
      const { world, relay } = worldOf();
      relay.script = (connection, [kind, id, ...filters]) => {
        if (kind !== 'REQ' || filters.length < 2) return false;
        connection.send(...(type === 'CLOSED' ? [type, id] : [type]), 'invalid: too many filters');
        return true;
      };
      const repositories = Array.from({ length: 12 }, (_, number) =>
        announcement(`repository-${number}`, [url]),
      );
      const roots = repositories.map((repository) => issue(repository));
      await world.submit(...repositories, ...roots);
      const replies = roots.map((root) => comment(root));
      relay.events.push(...repositories, ...replies);
      world.start();
      await world.advance(10 * minute);
      for (const { id } of replies) expect(world.store.has(id)).toBe(true);
      expect(relay.connection.isOpen).toBe(true);
      await world.stop();
    },
  );

  it('a relay that says it has too many subscriptions is given fewer', async () => {
    const { world, relay } = worldOf();
    relay.script = (connection, [type, id]) => {
      if (type !== 'REQ' || connection.subscriptions.has(id) || connection.subscriptions.size < 3)
        return false;
      connection.send('CLOSED', id, 'error: too many concurrent REQs');
      return true;
    };
    const repositories = Array.from({ length: 220 }, (_, number) =>
      announcement(`repository-${number}`, [url]),
    );
    relay.events.push(...repositories, ...repositories.map((repository) => issue(repository)));
    world.start();
    await world.advance(10 * minute);
    for (const { id } of relay.events) expect(world.store.has(id)).toBe(true);
    expect(relay.connection.isOpen).toBe(true);
    await world.stop();
  });
});
