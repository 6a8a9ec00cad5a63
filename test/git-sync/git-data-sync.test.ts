import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { deferred } from '../../src/lib/abort.js';
import { hourMs, minuteMs, secondMs } from '../../src/lib/clock.js';
import { relayHost } from '../../src/nostr/relay-url.js';
import { repositoryOf, World } from './git-sync-world.js';

const repository = repositoryOf(0);

describe('a repository that lacks objects', () => {
  it('is asked for half a second after a synced event, three minutes after a submitted one, unless both come', async () => {
    const world = new World({ server: () => 'lacking' });
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, limits.gitSubmittedDelayMs, true);
    await world.clock.advance(limits.gitSubmittedDelayMs - 1);
    expect(world.asked).toEqual([]);
    await world.clock.advance(1);
    expect(world.asked).toHaveLength(1);
    world.lacks(repositoryOf(1), ['b']);
    world.sync.mayLack(repositoryOf(1), limits.gitSubmittedDelayMs, true);
    world.sync.mayLack(repositoryOf(1), limits.gitSyncedDelayMs, true);
    await world.clock.advance(limits.gitSyncedDelayMs);
    expect(world.asked).toHaveLength(2);
    await world.end();
  });

  it('is fetched from several servers, of which each gives a part', async () => {
    const world = new World({ one: () => ['a'], two: () => ['b'] });
    world.lacks(repository, ['a', 'b']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(limits.gitSyncedDelayMs);
    expect(world.asked.map(({ url, objectIds }) => [relayHost(url), ...objectIds])).toEqual([
      ['one', 'a', 'b'],
      ['two', 'b'],
    ]);
    expect([...world.sync.incomplete()]).toEqual([]);
    await world.end();
  });

  it('gets from other repositories here what they have, and the rest from servers', async () => {
    const world = new World({ server: () => ['b'] });
    world.nearby = ['a', 'c'];
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(1);
    expect(world.sync.of(repository)).toBeUndefined();
    expect(world.asked).toEqual([]);
    world.lacks(repository, ['b', 'c']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(1);
    expect(world.asked.map(({ objectIds }) => objectIds)).toEqual([['b']]);
    await world.end();
  });

  it('has servers asked where copies from other repositories take long, which keeps nobody else waiting', async () => {
    const world = new World({ server: () => ['b'] });
    const copied = deferred<void>();
    world.copying = (identifier) =>
      identifier === repository.identifier ? Promise.resolve() : copied.promise;
    const slow = ['s', 't', 'u'].map((identifier) => ({ ...repository, pubkey: identifier, identifier }));
    for (const one of [...slow, repository]) {
      world.lacks(one, ['a', 'b']);
      world.sync.mayLack(one, 0, true);
      await world.clock.advance(1);
    }
    expect(world.asked.map(({ repository: { identifier } }) => identifier)).toEqual([repository.identifier]);
    await world.clock.advance(limits.gitCopiesPatienceMs);
    expect(world.asked.map(({ repository: { identifier } }) => identifier).slice(-3)).toEqual([
      's',
      't',
      'u',
    ]);
    world.nearby = ['a'];
    copied.resolve();
    await world.clock.advance(limits.gitSyncedDelayMs);
    expect(slow.map((one) => world.sync.of(one))).toEqual([undefined, undefined, undefined]);
    await world.end();
  });

  it('asks nobody when a push brought all of it meanwhile', async () => {
    const world = new World({ server: () => ['a'] });
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    world.lacks(repository, []);
    await world.clock.advance(hourMs);
    expect(world.asked).toEqual([]);
    expect(world.sync.of(repository)).toBeUndefined();
    await world.end();
  });

  it('is tried again after 20, 40, 80 and 120 seconds while it is new, and then up to half an hour', async () => {
    const world = new World({ server: () => 'lacking' });
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(24 * hourMs);
    const waits = world.times.slice(1).map((at, index) => (at - (world.times[index] as number)) / secondMs);
    const wanted = [20, 40, 80, 120, 120];
    for (const [index, seconds] of wanted.entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(seconds);
      expect(waits[index]).toBeLessThanOrEqual(seconds * 1.1);
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_800);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(1_750);
    await world.end();
  });

  it('is tried at once and at the pace of new data when an event names something new', async () => {
    const world = new World({ server: () => 'lacking' });
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(12 * hourMs);
    const asked = world.asked.length;
    world.lacks(repository, ['a', 'b']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(secondMs);
    expect(world.asked).toHaveLength(asked + 1);
    await world.clock.advance(25 * secondMs);
    expect(world.asked).toHaveLength(asked + 2);
    world.servers.set('other', () => 'lacking');
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(secondMs);
    expect(world.asked).toHaveLength(asked + 4);
    await world.end();
  });

  it('keeps its pace however often somebody publishes what names nothing new', async () => {
    const world = new World({ server: () => 'lacking' });
    world.lacks(repository, ['a', 'proposed']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(12 * hourMs);
    const asked = world.asked.length;
    for (let times = 0; times < 3_600; times++) {
      world.sync.mayLack(repository, limits.gitSyncedDelayMs, times % 2 === 0);
      await world.clock.advance(secondMs);
    }
    // Twice for each of the two kinds.
    expect(world.asked.length - asked).toBeLessThanOrEqual(4);
    await world.end();
  });

  it('begins its quick tries anew at a bounded rate, however much new is named', async () => {
    const world = new World({ server: () => 'lacking' });
    for (let second = 0; second < 3_600; second++) {
      world.lacks(repository, [`${second}`, `proposed ${second}`]);
      world.sync.mayLack(repository, limits.gitSyncedDelayMs, second % 2 === 0);
      await world.clock.advance(secondMs);
    }
    const ofStates = world.asked.filter(({ isProposal }) => !isProposal).length;
    const perHour = 60 * limits.gitEventLooksPerMinute + limits.gitEventLooksAtOnceMax;
    expect(ofStates).toBeGreaterThan(60);
    expect(ofStates).toBeLessThan(2 * perHour + 60);
    expect(world.asked.length - ofStates).toBeLessThan(2 * perHour + 60);
    await world.end();
  });

  it('is tried soon for what anybody proposes, but at no other pace', async () => {
    const world = new World({ server: () => 'lacking' });
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(12 * hourMs);
    const asked = world.asked.length;
    world.lacks(repository, ['a', 'proposed']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, false);
    await world.clock.advance(minuteMs);
    expect(world.asked.slice(asked).map(({ objectIds }) => objectIds)).toEqual([['proposed']]);
    await world.end();
  });

  it('is looked for what an event names while it is looked for, however long that takes', async () => {
    const world = new World({ server: ({ objectIds }) => [...objectIds] });
    world.answerMs = 5 * minuteMs;
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, limits.gitSubmittedDelayMs, true);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(4 * minuteMs);
    world.lacks(repository, ['a', 'b']);
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(7 * minuteMs);
    expect(world.asked.map(({ objectIds }) => objectIds)).toEqual([['a'], ['b']]);
    expect(world.sync.of(repository)).toBeUndefined();
    await world.end();
  });

  it('is tried again for what was named while the last of all else came', async () => {
    const world = new World({ server: () => ['a'] });
    world.answerMs = 10 * secondMs;
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(5 * secondMs);
    world.lacks(repository, ['a', 'proposed']);
    world.sync.mayLack(repository, limits.gitSubmittedDelayMs, false);
    await world.clock.advance(5 * minuteMs);
    world.servers.set('server', () => ['proposed']);
    await world.clock.advance(hourMs);
    expect(world.sync.of(repository)).toBeUndefined();
    await world.end();
  });

  it('goes without being counted as complete when it is not served any more', async () => {
    const world = new World({ server: () => 'lacking' });
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(minuteMs);
    world.isServed = false;
    await world.clock.advance(hourMs);
    expect(world.sync.of(repository)).toBeUndefined();
    expect(await world.registry.metrics()).toContain('ngit_git_sync_completion_seconds_count 0');
    await world.end();
  });

  it('is not complete when it has gone while its objects came', async () => {
    const world = new World({ server: () => ['a'] });
    world.isGone = true;
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(1);
    expect(world.sync.of(repository)?.why).toBe('the repository has gone');
    await world.end();
  });

  it('keeps its pace when it is only seen to lack still', async () => {
    const world = new World({ server: () => 'lacking' });
    world.lacks(repository, ['a']);
    world.sync.lacks(repository);
    await world.clock.advance(limits.gitSyncedDelayMs);
    for (let times = 0; times < 30; times++) {
      world.sync.lacks(repository);
      await world.clock.advance(500);
    }
    expect(world.asked).toHaveLength(1);
    await world.end();
  });

  it('tells what lacks, since when, when it was and will be looked for, and why it is not complete', async () => {
    const world = new World({ server: () => 'refused' });
    world.lacks(repository, ['a', 'b']);
    const beganMs = world.clock.now();
    world.sync.mayLack(repository, limits.gitSyncedDelayMs, true);
    await world.clock.advance(limits.gitSyncedDelayMs);
    expect(world.sync.of(repository)).toMatchObject({
      repository,
      sinceMs: beganMs,
      missing: 2,
      lastTryMs: beganMs + limits.gitSyncedDelayMs,
      why: 'https://server/r0.git: refused',
    });
    expect(world.sync.of(repository)?.nextTryMs).toBeGreaterThan(world.clock.now());
    await world.end();
  });

  it('asks nothing while there is no room, and says so', async () => {
    const world = new World({ server: () => ['a'] });
    world.lacks(repository, ['a']);
    world.refusal = 'the disk is full';
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(minuteMs);
    expect(world.asked).toEqual([]);
    expect(world.sync.of(repository)?.why).toBe('the disk is full');
    world.refusal = undefined;
    await world.clock.advance(10 * minuteMs);
    expect(world.sync.of(repository)).toBeUndefined();
    await world.end();
  });

  it('goes on when something of ours throws', async () => {
    const world = new World({ server: () => ['a'] });
    world.lacks(repository, ['a']);
    world.throwsOnce = true;
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(10 * minuteMs);
    expect(world.sync.of(repository)).toBeUndefined();
    expect(world.asked).toHaveLength(1);
    await world.end();
  });
});

describe('a host', () => {
  it('is asked for five repositories at once, and for no more than so many a minute', async () => {
    const world = new World({ server: () => 'hangs' }, 30);
    for (let index = 0; index < 100; index++) {
      world.lacks(repositoryOf(index), [`${index}`]);
      world.sync.mayLack(repositoryOf(index), 0, true);
    }
    await world.clock.advance(secondMs);
    expect(world.asked).toHaveLength(5);
    world.servers.set('server', ({ objectIds }) => [...objectIds]);
    world.release();
    await world.clock.advance(hourMs);
    expect([...world.sync.incomplete()]).toEqual([]);
    for (const [index, at] of world.times.entries()) {
      const thirty = world.times[index + 30];
      if (thirty !== undefined) expect(thirty - at).toBeGreaterThanOrEqual(minuteMs);
    }
    await world.end();
  });

  it('is asked for one owner after the other, however many repositories one of them has', async () => {
    const world = new World({ server: ({ objectIds }) => [...objectIds] });
    for (let index = 0; index < 1_000; index++) {
      world.lacks(repositoryOf(index), ['a']);
      world.sync.mayLack(repositoryOf(index), 0, true);
    }
    await world.clock.advance(90 * secondMs);
    const others = ['d', 'e'].map((digit) => ({ pubkey: digit.repeat(64), identifier: `of ${digit}` }));
    for (const other of others) {
      world.lacks(other, ['b']);
      world.sync.mayLack(other, 0, true);
    }
    await world.clock.advance(70 * secondMs);
    expect(others.map((other) => world.sync.of(other))).toEqual([undefined, undefined]);
    await world.end();
  });

  it('that fails rests, for all repositories that name it, and others are asked meanwhile', async () => {
    const world = new World({ dead: () => 'refused', alive: ({ objectIds }) => [...objectIds] });
    for (let index = 0; index < 50; index++) {
      world.lacks(repositoryOf(index), [`${index}`]);
      world.sync.mayLack(repositoryOf(index), 0, true);
    }
    await world.clock.advance(19 * secondMs);
    const asked = world.asked.filter(({ url }) => relayHost(url) === 'dead');
    // Those that were asked before the first answer was there.
    expect(asked.length).toBeLessThanOrEqual(5);
    await world.clock.advance(10 * minuteMs);
    expect([...world.sync.incomplete()]).toEqual([]);
    await world.end();
  });

  it('that says when to come back is left alone until then', async () => {
    const world = new World({ server: () => 'limited' });
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(1);
    await world.clock.advance(299 * secondMs);
    expect(world.asked).toHaveLength(1);
    await world.clock.advance(200 * secondMs);
    expect(world.asked.length).toBeGreaterThan(1);
    await world.end();
  });

  it('that wants to be left alone for two hours is, whatever is the longest rest after failures', async () => {
    const world = new World({ server: () => 'limited' });
    world.retryAfterMs = 2 * hourMs;
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(2 * hourMs - minuteMs);
    expect(world.asked).toHaveLength(1);
    await world.clock.advance(hourMs);
    expect(world.asked.length).toBeGreaterThan(1);
    await world.end();
  });

  it('that fails five times at once has failed once', async () => {
    const world = new World({ server: () => 'hangs' });
    for (let index = 0; index < 5; index++) {
      world.lacks(repositoryOf(index), [`${index}`]);
      world.sync.mayLack(repositoryOf(index), 0, true);
    }
    await world.clock.advance(1);
    expect(world.asked).toHaveLength(5);
    world.servers.set('server', () => 'refused');
    world.release();
    await world.clock.advance(1);
    await world.clock.advance(25 * secondMs);
    expect(world.asked.length).toBeGreaterThan(5);
    await world.end();
  });

  it('to which sync cannot connect is not hurried', async () => {
    const world = new World({ server: () => 'refused' });
    world.isFailingRelay = true;
    world.lacks(repository, ['a']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(2 * hourMs);
    const count = world.asked.length;
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(minuteMs);
    expect(world.asked.length).toBe(count);
    await world.end();
  });

  it('that only lacks the objects does not rest', async () => {
    const world = new World({
      server: ({ repository: { identifier } }) => (identifier === 'r0' ? 'lacking' : ['b']),
    });
    world.lacks(repository, ['a']);
    world.lacks(repositoryOf(1), ['b']);
    world.sync.mayLack(repository, 0, true);
    await world.clock.advance(1);
    world.sync.mayLack(repositoryOf(1), 0, true);
    await world.clock.advance(1);
    expect(world.sync.of(repositoryOf(1))).toBeUndefined();
    await world.end();
  });
});

it('ends with its signal, and leaves no timer behind', async () => {
  const world = new World({ server: () => 'hangs' });
  for (let index = 0; index < 20; index++) {
    world.lacks(repositoryOf(index), ['a']);
    world.sync.mayLack(repositoryOf(index), index * secondMs, true);
  }
  await world.clock.advance(5 * secondMs);
  await world.end();
  expect(world.clock.timers).toBe(0);
});

it('shows fetches, bytes, objects, failures by class and host, and what lacks for how long', async () => {
  const world = new World({ one: () => 'refused', two: () => ['a'] });
  world.lacks(repository, ['a', 'b']);
  world.sync.mayLack(repository, 0, true);
  await world.clock.advance(10 * secondMs);
  const text = await world.registry.metrics();
  expect(text).toContain('ngit_git_sync_fetches_total{outcome="fetched"} 1');
  expect(text).toContain('ngit_git_sync_failures_total{host="one",failure="refused"} 1');
  expect(text).toContain('ngit_git_sync_bytes_total 110');
  expect(text).toContain('ngit_git_sync_objects_total 1');
  expect(text).toContain('ngit_git_sync_incomplete_repositories 1');
  expect(text).toContain('ngit_git_sync_oldest_incomplete_seconds 10');
  await world.end();
});
