import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { TransportError } from '../../src/sync/dial/transport.js';
import { StrangersLogger } from '../../src/sync/report/logger.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { announcement, event, issue, pubkey, startSeconds } from './support/events.js';
import type { FakeRelay } from './support/fake-relay.js';
import { World, type WorldOptions } from './support/world.js';

const url = 'wss://relay.example';
const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

function worldOf(options: WorldOptions = {}): { world: World; relay: FakeRelay } {
  const world = new World({ ...options, settings: { bootstrapRelays: [url], ...options.settings } });
  return { world, relay: world.relay(url) };
}

const gapLine = 'catch-up found an event that live sync should have brought';
const gapsLine = 'catch-up found events that live sync should have brought';

describe('metrics (docs/sync.md §7)', () => {
  it('are the nine, under exactly these names, types and labels', async () => {
    const { world } = worldOf();
    world.start();
    await world.advance(minute);
    const all = await world.registry.getMetricsAsJSON();
    const shape = (name: string) => {
      const metric = all.find((each) => each.name === name);
      const labels = (metric?.values ?? []).map((value) =>
        Object.keys((value as { labels: object }).labels).sort(),
      );
      return [metric?.type, [...new Set(labels.map((each) => each.join(',')))]];
    };
    expect(shape('ngit_sync_relay_connected')).toEqual(['gauge', ['relay']]);
    expect(shape('ngit_sync_connection_attempts_total')).toEqual(['counter', ['relay,result']]);
    expect(shape('ngit_sync_relay_status')).toEqual(['gauge', ['relay,status']]);
    expect(shape('ngit_sync_relay_failures')).toEqual(['gauge', ['relay']]);
    expect(shape('ngit_sync_events_total')).toEqual(['counter', ['source']]);
    expect(shape('ngit_sync_gap_events_total')).toEqual(['counter', ['relay']]);
    for (const name of ['tracked', 'connected', 'dead']) {
      expect(shape(`ngit_sync_relays_${name}_total`)).toEqual(['gauge', ['']]);
    }
    await world.stop();
  });

  it('are joined by what else an operator would act on', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    relay.events.push(repository, issue(repository));
    world.start();
    await world.advance(minute);
    relay.connection.send('EVENT', 'nobody', repository);
    await world.advance(second);
    const all = await world.registry.getMetricsAsJSON();
    const typeOf = (name: string) => all.find((each) => each.name === name)?.type;
    expect(typeOf('ngit_sync_catchup_duration_seconds')).toBe('histogram');
    expect(typeOf('ngit_sync_deep_seconds_total')).toBe('counter');
    const duration = all.find(({ name }) => name === 'ngit_sync_catchup_duration_seconds');
    expect(duration?.values[0]).toHaveProperty('labels.trigger', 'start');
    const completedAt = await world.metric('ngit_sync_catchup_completed_timestamp_seconds', { relay: url });
    expect(completedAt).toBeGreaterThanOrEqual(startSeconds);
    expect(await world.metric('ngit_sync_negentropy_rounds_total')).toBeGreaterThan(0);
    for (const direction of ['in', 'out']) {
      expect(await world.metric('ngit_sync_transferred_bytes_total', { direction })).toBeGreaterThan(100);
    }
    expect(await world.metric('ngit_sync_unasked_messages_total')).toBe(1);
    for (const name of ['queued_bytes', 'queued_topics', 'queued_downloads']) {
      expect(typeOf(`ngit_sync_${name}`)).toBe('gauge');
      expect(await world.metric(`ngit_sync_${name}`)).toBe(0);
    }
    expect(await world.metric('ngit_sync_live_filters')).toBe(8);
    await world.stop();
  });

  it('agree with what is said: what runs stored, what was interrupted, and what was stored later', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    const state = event({ kind: 30618, pubkey: repository.pubkey, tags: [['d', 'repo']] });
    relay.events.push(state, announcement('other', [url]));
    world.start();
    await world.advance(minute);
    // Refused for want of its announcement; taken when that comes, by no run of catch-up.
    expect(world.store.has(state.id)).toBe(false);
    await world.submit(repository);
    for (let count = 0; count < 600; count += 1) relay.events.push(issue(repository));
    const downloads = relay.asks().length;
    while (relay.asks().length === downloads) await world.advance(10);
    await world.advance(5);
    relay.connection.drop(new TransportError('refused', 'lost'));
    await world.advance(10 * minute);
    const messages = [
      'caught up with relay',
      'catch-up was interrupted',
      'stored what catch-up had brought too early',
    ];
    const said = messages.map((message) =>
      world.lines(message).reduce((sum, { details }) => sum + Number(details.stored), 0),
    );
    const counted = await Promise.all(
      ['catchup', 'daily_catchup'].map((source) => world.metric('ngit_sync_events_total', { source })),
    );
    expect(said[2]).toBe(1);
    expect(said.reduce((sum, each) => sum + each, 0)).toBe(Number(counted[0]) + Number(counted[1]));
    expect(counted).toEqual([602, 0]);
    await world.stop();
  });

  it('show the current status of a relay as 1 and the others as 0', async () => {
    const { world, relay } = worldOf();
    relay.reachable = new TransportError('refused', 'no');
    const statuses = async () =>
      await Promise.all(
        ['healthy', 'backoff', 'dead'].map(
          async (status) => await world.metric('ngit_sync_relay_status', { relay: url, status }),
        ),
      );
    world.start();
    await world.advance(20 * second);
    expect(await statuses()).toEqual([0, 1, 0]);
    expect(await world.metric('ngit_sync_relay_failures', { relay: url })).toBe(relay.dials);
    expect(await world.metric('ngit_sync_connection_attempts_total', { relay: url, result: 'failure' })).toBe(
      relay.dials,
    );
    relay.reachable = 'up';
    await world.advance(5 * minute);
    expect(await statuses()).toEqual([1, 0, 0]);
    expect(await world.metric('ngit_sync_connection_attempts_total', { relay: url, result: 'success' })).toBe(
      1,
    );
    expect(await world.metric('ngit_sync_relay_failures', { relay: url })).toBe(0);
    expect(await world.metric('ngit_sync_relays_connected_total')).toBe(1);
    await world.stop();
  });

  it('count newly stored events only, by source', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    relay.events.push(repository, issue(repository), announcement('refused', [], { tags: [['d', 'x']] }));
    world.start();
    await world.advance(minute);
    const late = issue(repository);
    relay.publish(late);
    relay.publish(late);
    await world.advance(second);
    await world.submit(late, issue(repository));
    await world.advance(minute);
    const count = async (source: string) => await world.metric('ngit_sync_events_total', { source });
    expect(await count('catchup')).toBe(2);
    expect((await count('live_sync')) ?? 0).toBe(1);
    expect(await count('direct')).toBe(1);
    expect(await count('daily_catchup')).toBe(0);
    await world.stop();
  });
});

describe('gaps (docs/sync.md §7)', () => {
  it('an event found by catch-up after a reconnect that live sync should have brought is a gap, and a warning', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    relay.events.push(repository, issue(repository));
    world.start();
    await world.advance(10 * minute);
    expect(await world.metric('ngit_sync_gap_events_total', { relay: url })).toBe(0);
    relay.events.push(issue(repository, { created_at: startSeconds + 300 }));
    relay.connection.drop();
    await world.advance(minute);
    expect(await world.metric('ngit_sync_gap_events_total', { relay: url })).toBe(1);
    expect(world.lines(gapLine).map(({ level }) => level)).toEqual(['warn']);
    await world.stop();
  });

  it('one found by the daily catch-up is an error; above 20 a run there is one line with the count', async () => {
    const { world, relay } = worldOf();
    const repository = announcement('repo', [url]);
    relay.events.push(repository);
    world.start();
    await world.advance(10 * minute);
    for (let number = 0; number < 25; number += 1) {
      relay.events.push(issue(repository, { created_at: startSeconds + 300 + number }));
    }
    await world.advance(day + minute);
    expect(await world.metric('ngit_sync_gap_events_total', { relay: url })).toBe(25);
    expect(world.lines(gapLine).map(({ level }) => level)).toEqual(Array(20).fill('error'));
    expect(world.lines(gapsLine)).toMatchObject([{ level: 'error', details: { count: 25, relay: url } }]);
    expect(await world.metric('ngit_sync_events_total', { source: 'daily_catchup' })).toBe(25);
    await world.stop();
  });

  it('first-time history is no gap, also that of a repository that came later', async () => {
    const { world, relay } = worldOf();
    world.start();
    await world.advance(hour);
    const repository = announcement('repo', [url], { created_at: startSeconds + 1_800 });
    relay.events.push(issue(repository, { created_at: startSeconds + 1_000 }));
    relay.publish(repository);
    await world.advance(minute);
    expect(world.store.size).toBe(2);
    expect(await world.metric('ngit_sync_gap_events_total', { relay: url })).toBe(0);
    await world.stop();
  });
});

describe('what is said (docs/sync.md §7)', () => {
  it('at the levels of the table, with the relay, and never any content', async () => {
    const { world, relay } = worldOf();
    relay.reachable = new TransportError('dns', 'no such host');
    world.start();
    await world.advance(10 * second);
    expect(world.lines('connect failed')[0]).toMatchObject({
      level: 'warn',
      details: { relay: url, attempt: 1 },
    });
    expect(world.lines('connect failed')[0]?.details.backoffMs).toBeGreaterThanOrEqual(10 * second);
    relay.reachable = 'up';
    const repository = announcement('repo', [url], { content: 'SECRET' });
    relay.events.push(repository, announcement('not-ours', [], { tags: [['d', 'x']], content: 'SECRET' }));
    await world.advance(5 * minute);
    expect(world.lines('connected')).toMatchObject([{ level: 'info', details: { relay: url } }]);
    expect(world.lines('synced event refused')[0]?.level).toBe('debug');
    relay.publish(issue(repository, { content: 'SECRET' }));
    await world.advance(second);
    expect(world.lines('stored from live sync')[0]?.level).toBe('debug');
    expect(JSON.stringify(world.log)).not.toContain('SECRET');
    await world.stop();
  });

  it('peer missing events: relay, repository, count; only of repositories that name the relay', async () => {
    const { world, relay } = worldOf();
    const named = announcement('named', [url]);
    const elsewhere = announcement('elsewhere', ['wss://other.example']);
    await world.submit(named, elsewhere, issue(named), issue(named), issue(elsewhere));
    relay.events.push(named);
    world.start();
    await world.advance(10 * minute);
    const lines = world.lines('peer missing events');
    expect(lines.map(({ level }) => level)).toEqual(['warn']);
    expect(lines[0]?.details).toEqual({ relay: url, repository: `30617:${named.pubkey}:named`, count: 2 });
    await world.stop();
  });

  it('of one batch, 500 such events are looked at', async () => {
    const { world, relay } = worldOf();
    const named = announcement('named', [url]);
    await world.submit(named, ...Array.from({ length: 600 }, () => issue(named)));
    relay.events.push(named);
    world.start();
    await world.advance(10 * minute);
    const counts = world.lines('peer missing events').map(({ details }) => details.count);
    expect(counts).toEqual([500]);
    await world.stop();
  });

  it('above 20 repositories in a run, the rest is one line', async () => {
    const { world, relay } = worldOf();
    const named = Array.from({ length: 26 }, (_, number) => announcement(`named-${number}`, [url]));
    await world.submit(...named, ...named.map((each) => issue(each)));
    relay.events.push(...named);
    world.start();
    await world.advance(10 * minute);
    const lines = world.lines('peer missing events').map(({ details }) => details);
    expect(lines.length).toBe(21);
    expect(lines[20]).toEqual({ relay: url, repository: 'others', count: 6 });
    await world.stop();
  });

  it('does not flood: a relay that refuses everything for a day says little', async () => {
    const { world, relay } = worldOf();
    relay.script = (connection, [type, id]) => {
      if (type !== 'REQ' && type !== 'NEG-OPEN') return false;
      connection.send(type === 'REQ' ? 'CLOSED' : 'NEG-ERR', id, 'error: no');
      return true;
    };
    world.start();
    await world.advance(day);
    expect(world.lines('caught up with relay')).toEqual([]);
    expect(world.log.filter(({ level }) => level !== 'debug').length).toBeLessThan(50);
    await world.stop();
  });
});

describe('lines about relays that only events name', () => {
  it('are so many a minute, those about relays of the operator as many as there are', async () => {
    const { world } = worldOf();
    const count = limits.strangersLogLinesPerMinute + 200;
    for (let at = 0; at < count; at += 20) {
      const relays = Array.from({ length: 20 }, (_, n) => `wss://relay-${at + n}.example`);
      for (const each of relays) world.relay(each);
      await world.submit(announcement(`named-${at}`, relays, { pubkey: pubkey(at + 1) }));
    }
    world.start();
    await world.advance(10 * second);
    const connected = world.log.filter(({ message }) => message === 'connected');
    const written = connected.filter(({ level }) => level === 'info').map(({ details }) => details.relay);
    expect(connected).toHaveLength(count + 1);
    expect(written.length).toBeLessThan(count);
    expect(written).toContain(url);
    await world.stop();
  });

  it('that are left out are on debug, and the next line says how many', async () => {
    const clock = new VirtualClock();
    const written: unknown[] = [];
    const note = (level: string) => (details: object, message: string) =>
      void written.push([level, details, message]);
    const all = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
    const logger = new StrangersLogger(all, clock);
    for (let at = 0; at < limits.strangersLogLinesPerMinute; at += 1) logger.info({ at }, 'connected');
    logger.error({}, 'relay dead');
    logger.info({}, 'connected');
    await clock.advance(minute);
    logger.warn({}, 'connect failed');
    expect(written.slice(limits.strangersLogLinesPerMinute)).toEqual([
      ['debug', {}, 'relay dead'],
      ['debug', {}, 'connected'],
      ['warn', { lines: 2 }, 'lines about relays that others name are on debug only'],
      ['warn', {}, 'connect failed'],
    ]);
  });
});
