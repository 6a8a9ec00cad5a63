import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { FetchRequest } from '../../src/git-sync/remote.js';
import { dayMs, hourMs, minuteMs, secondMs } from '../../src/lib/clock.js';
import { relayHost } from '../../src/nostr/relay-url.js';
import { repositoryOf, World } from './git-sync-world.js';

const repository = repositoryOf(0);
const tenHosts = Array.from({ length: 10 }, (_, index) => `server${index}`);

/** Servers that have nothing, and tell so after that time. */
function worldOfTen(answerMs: number): World {
  const world = new World(Object.fromEntries(tenHosts.map((host) => [host, () => 'lacking' as const])));
  world.answerMs = answerMs;
  return world;
}

describe('a repository that lacks objects', () => {
  it('is asked for what a state names while servers of pull requests do not answer', async () => {
    const world = new World({ server: ({ objectIds }) => [...objectIds] });
    world.proposers = Array.from({ length: 30 }, (_, index) => `tarpit${index}`);
    for (const host of world.proposers) world.servers.set(host, () => 'hangs');
    for (let index = 0; index < 20; index++) {
      world.lacks(repositoryOf(index), ['proposed']);
      world.sync.mayLack(repositoryOf(index), 0, false);
    }
    await world.clock.advance(10 * secondMs);
    expect(world.asked).toHaveLength(4);
    world.lacks(repository, ['a', 'proposed']);
    world.lacks(repositoryOf(20), ['b', 'proposed']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    world.sync.mayLack(repositoryOf(20), limits.gitSyncedDelayMs, true);
    await world.clock.advance(secondMs);
    const ofStates = world.asked.filter(({ isProposal }) => !isProposal);
    expect(ofStates.map(({ objectIds }) => objectIds)).toEqual([['a'], ['b']]);
    expect(world.sync.of(repository)?.missing).toBe(1);
    await world.end();
  });

  it('is asked for what a new state names after the server that is being asked, not after all', async () => {
    const world = worldOfTen(minuteMs);
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(90 * secondMs);
    expect(world.asked).toHaveLength(2);
    world.lacks(repository, ['b']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(minuteMs);
    expect(world.asked.slice(2).map(({ url, objectIds }) => [relayHost(url), ...objectIds])).toEqual([
      ['server0', 'b'],
    ]);
    await world.end();
  });

  it('is asked for what was proposed meanwhile before its round goes on', async () => {
    const world = worldOfTen(minuteMs);
    world.proposers = tenHosts;
    world.lacks(repository, ['proposed']);
    world.sync.mayLack(repository, 0, false);
    await world.clock.advance(150 * secondMs);
    world.servers.set('new', () => 'lacking');
    world.proposers = ['new', ...tenHosts];
    world.lacks(repository, ['proposed', 'proposed too']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, false);
    await world.clock.advance(11 * minuteMs);
    const asked = world.asked.slice(0, 11).map(({ url }) => relayHost(url));
    expect(asked).toEqual([...tenHosts.slice(0, 3), 'new', ...tenHosts.slice(3)]);
    await world.end();
  });

  it('has one round for proposals, also when it lacked nothing for a moment', async () => {
    const world = worldOfTen(minuteMs);
    world.proposers = tenHosts;
    world.lacks(repository, ['proposed']);
    world.sync.mayLack(repository, 0, false);
    await world.clock.advance(90 * secondMs);
    world.lacks(repository, []);
    world.sync.mayLack(repository, 0, false);
    await world.clock.advance(secondMs);
    expect(world.sync.of(repository)).toBeUndefined();
    world.lacks(repository, ['proposed too']);
    world.sync.mayLack(repository, 0, false);
    await world.clock.advance(6 * minuteMs);
    // Two in the first round, and six in the other.
    expect(world.asked.length).toBeLessThanOrEqual(9);
    await world.end();
  });

  it('begins with the servers that had no turn, after a round that took too long', async () => {
    const world = worldOfTen(7 * minuteMs);
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(22 * minuteMs);
    expect(world.asked).toHaveLength(3);
    await world.clock.advance(23 * minuteMs);
    expect(world.asked.slice(0, 6).map(({ url }) => relayHost(url))).toEqual(tenHosts.slice(0, 6));
    await world.end();
  });
});

describe('places for fetches', () => {
  it('are taken by one address to a half, under however many names, and nobody waits for the rest of it', async () => {
    const world = new World({ good: ({ objectIds }) => [...objectIds] });
    world.servers.clear();
    const names = Array.from({ length: 20 }, (_, index) => `name${index}`);
    for (const name of names)
      world.servers.set(name, ({ isAt }) => (isAt('192.0.2.1') ? 'hangs' : 'crowded'));
    world.servers.set('good', ({ objectIds }) => [...objectIds]);
    for (let index = 0; index < 8; index++) {
      world.lacks(repositoryOf(index), ['a']);
      world.sync.mayLack(repositoryOf(index), 0, true);
    }
    await world.clock.advance(10 * secondMs);
    expect([...world.sync.incomplete()]).toHaveLength(4);
    // A place that comes free there is for the next that waits for it.
    world.servers.delete('good');
    world.lacks(repositoryOf(8), ['a']);
    world.sync.mayLack(repositoryOf(8), 0, true);
    await world.clock.advance(secondMs);
    for (const name of names) world.servers.set(name, ({ objectIds }) => [...objectIds]);
    world.release();
    await world.clock.advance(secondMs);
    expect([...world.sync.incomplete()]).toEqual([]);
    await world.end();
  });

  it('are taken by proposals at one address to a quarter', async () => {
    const world = new World({});
    const names = Array.from({ length: 20 }, (_, index) => `name${index}`);
    for (const name of names)
      world.servers.set(name, ({ isAt }) => (isAt('192.0.2.1') ? 'hangs' : 'crowded'));
    world.servers.set('good', ({ objectIds }) => [...objectIds]);
    for (let index = 0; index < 8; index++) {
      world.lacks(repositoryOf(index), ['proposed']);
      world.sync.mayLack(repositoryOf(index), 0, false);
    }
    await world.clock.advance(10 * secondMs);
    expect([...world.sync.incomplete()]).toHaveLength(2);
    await world.end();
  });

  it.each([
    ['states', 'a', true, 8],
    ['proposals', 'proposed', false, 4],
  ] as const)(
    'for %s come free one after the other when all are held for long while others wait',
    async (_, objectId, isOfMaintainers, places) => {
      const world = new World({ one: () => 'hangs', two: () => 'hangs' });
      for (let index = 0; index < places; index++) {
        world.lacks(repositoryOf(index), [objectId]);
        world.sync.mayLack(repositoryOf(index), 0, isOfMaintainers);
      }
      await world.clock.advance(2 * limits.gitFetchesHeldMsMax);
      expect(world.asked).toHaveLength(places);
      world.servers.delete('one');
      world.lacks(repositoryOf(places), [`${objectId} too`]);
      world.sync.mayLack(repositoryOf(places), 0, isOfMaintainers);
      await world.clock.advance(limits.gitFetchesHeldMsMax - secondMs);
      expect(world.asked).toHaveLength(places);
      await world.clock.advance(2 * secondMs);
      expect(world.asked[places]?.objectIds).toEqual([`${objectId} too`]);
      expect(world.asked).toHaveLength(places + 1);
      await world.end();
    },
  );
});

describe('a server', () => {
  it('that failed the last time is asked after those that did not', async () => {
    const world = new World({ bad: () => 'invalid', good: () => 'lacking' });
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(hourMs);
    const hosts = world.asked.map(({ url }) => relayHost(url));
    expect(hosts.slice(0, 2)).toEqual(['bad', 'good']);
    for (const [index, host] of hosts.entries())
      if (index > 0 && host === 'bad') expect(world.times[index]).toBe(world.times[index - 1]);
    expect(hosts.filter((host) => host === 'bad').length).toBeGreaterThan(2);
    await world.end();
  });

  it('that sends little is not waited for while another one could be asked', async () => {
    const world = new World({ drip: () => 'drips', good: () => ['a'] });
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(limits.gitFetchSpanMs + secondMs);
    expect(world.sync.of(repository)).toBeUndefined();
    await world.end();
  });

  it('that sends little is not waited for when a state comes, nor for longer than a round', async () => {
    const world = new World({ drip: () => 'drips' });
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(5 * minuteMs);
    expect(world.asked).toHaveLength(1);
    world.servers.set('good', () => ['b']);
    world.lacks(repository, ['b']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(limits.gitFetchSpanMs);
    expect(world.asked.at(-1)?.objectIds).toEqual(['b']);
    world.servers.delete('good');
    world.lacks(repository, ['c']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(10 * minuteMs);
    const asked = world.asked.length;
    await world.clock.advance(limits.gitRoundMsMax);
    expect(world.asked.length).toBeGreaterThan(asked);
    await world.end();
  });

  it.each(['invalid', 'large', 'ours'] as const)(
    'that failed as "%s" is asked ever less often',
    async (failure) => {
      const world = new World({ server: () => failure });
      world.lacks(repository, ['a']);
      world.sync.mayLack(repository, 0, true);
      await world.clock.advance(3 * dayMs);
      const waits = world.times.slice(1).map((at, index) => (at - (world.times[index] as number)) / minuteMs);
      const restMinutesMax = failure === 'invalid' ? 20 : dayMs / minuteMs;
      const rests = waits.map((_, index) => Math.min(2 * 2 ** index, restMinutesMax));
      for (const [index, rest] of rests.entries()) {
        expect(waits[index]).toBeGreaterThanOrEqual(rest);
        expect(waits[index]).toBeLessThanOrEqual(rest + 35);
      }
      expect(waits.length).toBeGreaterThan(10);
      await world.end();
    },
  );

  it('that sent what is of no use rests for that repository alone, and for what was asked for', async () => {
    const isBad = ({ repository: { identifier }, isProposal }: FetchRequest) =>
      identifier === 'r0' && isProposal;
    const world = new World({ server: (request) => (isBad(request) ? 'invalid' : 'lacking') });
    for (const index of [0, 1]) {
      world.lacks(repositoryOf(index), [`a${index}`, 'proposed']);
      world.sync.mayLack(repositoryOf(index), 0, true);
    }
    await world.clock.advance(100 * secondMs);
    const asked = (name: string, isProposal: boolean) =>
      world.asked.filter(
        (request) => request.isProposal === isProposal && request.url.endsWith(`${name}.git`),
      );
    expect(asked('r0', true)).toHaveLength(1);
    expect(asked('r0', false)).toHaveLength(3);
    expect(asked('r1', true)).toHaveLength(3);
    await world.end();
  });

  it('that gives something again does not rest any more', async () => {
    const world = new World({ server: () => 'invalid' });
    world.lacks(repository, ['a', 'b']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(5 * hourMs);
    world.servers.set('server', ({ objectIds }) => (objectIds.includes('a') ? ['a'] : 'lacking'));
    await world.clock.advance(2 * hourMs);
    expect(world.sync.of(repository)?.missing).toBe(1);
    const asked = world.asked.length;
    world.servers.set('server', () => 'invalid');
    await world.clock.advance(5 * hourMs);
    const waits = world.times.slice(asked).map((at, index, times) => (times[index + 1] ?? at) - at);
    expect(waits[0]).toBeLessThan(35 * minuteMs);
    expect(waits[3]).toBeLessThan(35 * minuteMs);
    await world.end();
  });
});
