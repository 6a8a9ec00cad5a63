import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { announcement, issue, startSeconds } from './support/events.js';
import type { FakeRelay } from './support/fake-relay.js';
import { emptyInformation } from './support/fake-relay.js';
import { World, type WorldOptions } from './support/world.js';

const second = 1000;
const hour = 3_600_000;
const url = 'wss://silent.example';
const another = 'wss://silent-too.example';
const connectedBy = 7 * second;

const running: World[] = [];
afterEach(async () => {
  for (const world of running.splice(0)) await world.stop();
});

/** A world that follows two relays which take NEG-OPEN and say nothing to it, with a repository of so many issues. */
async function worldOfSilence(settings: WorldOptions['settings'] = {}, count = 40) {
  const world = new World({ settings: { bootstrapRelays: [url, another], ...settings } });
  running.push(world);
  const repository = announcement('repo', [url, another]);
  await world.submit(repository);
  const issues = Array.from({ length: count }, (_, n) =>
    issue(repository, { content: `${n}`, created_at: startSeconds - 9000 + n }),
  );
  for (const [at, each] of [url, another].entries()) {
    const relay = world.relay(each);
    relay.information = { ...emptyInformation, supportedNips: [1, 11, 77] };
    relay.events.push(repository, ...issues.slice(at * 10));
    relay.pageMax = 500;
    relay.script = (_, [type]) => type === 'NEG-OPEN';
  }
  return { world, issues, relays: [world.relay(url), world.relay(another)] };
}

const openings = (relay: FakeRelay | undefined) => relay?.messages('NEG-OPEN').length;

describe('a relay that takes NEG-OPEN and is silent (docs/sync.md §5)', () => {
  it('costs one short probe: all that it has is here within 15 s of the connection', async () => {
    const { world, issues, relays } = await worldOfSilence({}, 800);
    world.start();
    await world.advance(connectedBy + 15 * second);
    expect(issues.filter(({ id }) => !world.store.has(id))).toEqual([]);
    expect(
      world.manager.status().relays.map(({ negentropy, queuedTopics }) => [negentropy, queuedTopics]),
    ).toEqual([url, another].map(() => ['unable', 0]));
    expect(relays.map(openings)).toEqual([1, 1]);
  });

  it('is asked by pages meanwhile', async () => {
    const { world, relays } = await worldOfSilence();
    world.start();
    await world.advance(connectedBy + limits.remoteNegentropyPatienceMs + second);
    expect(relays.map(openings)).toEqual([1, 1]);
    for (const relay of relays) expect(relay.pages().length).toBeGreaterThan(0);
  });

  it('is remembered for a day, over connections, and then probed again', async () => {
    const { world, relays } = await worldOfSilence();
    world.start();
    await world.advance(60 * second);
    relays[0]?.connection.drop();
    await world.advance(hour);
    expect(openings(relays[0])).toBe(1);
    await world.advance(24 * hour);
    expect(openings(relays[0])).toBe(2);
  });

  it('one that worked before is probed again, shortly', async () => {
    const { world, relays } = await worldOfSilence({ dailyIntervalMs: 2 * hour });
    for (const relay of relays) relay.script = () => false;
    world.start();
    await world.advance(hour);
    expect(world.manager.status().relays.map(({ negentropy }) => negentropy)).toEqual(['works', 'works']);
    const before = relays.map(openings);
    for (const relay of relays) relay.script = (_, [type]) => type === 'NEG-OPEN';
    await world.advance(2.5 * hour);
    expect(world.manager.status().relays.map(({ negentropy }) => negentropy)).toEqual(['unable', 'unable']);
    for (const [at, relay] of relays.entries()) {
      expect((openings(relay) ?? 0) - (before[at] ?? 0)).toBeLessThanOrEqual(2);
    }
  });

  it('one that is asked for everything is probed once, too', async () => {
    const { world, issues, relays } = await worldOfSilence({ everythingTopicsMin: 1 });
    for (const relay of relays) relay.information = { ...emptyInformation, supportsGrasp: true };
    world.start();
    await world.advance(connectedBy + 25 * second);
    expect(issues.filter(({ id }) => !world.store.has(id))).toEqual([]);
    expect(relays.map(openings)).toEqual([1, 1]);
  });
});

describe('a relay that answers the probe', () => {
  it('late: nothing else is reconciled before, and all that comes then', async () => {
    const { world, issues, relays } = await worldOfSilence({ tagsPerFilterMax: 1 });
    const opened: number[] = [];
    for (const relay of relays) {
      const late = new Set<string>();
      relay.script = (connection, [type, id, ...rest]) => {
        if (type !== 'NEG-OPEN' || late.has(id)) return false;
        late.add(id);
        opened.push(world.clock.monotonic());
        const again = JSON.stringify([type, id, ...rest]);
        if (late.size === 1) world.clock.after(8 * second, () => relay.accept(connection, again));
        return late.size === 1;
      };
    }
    world.start();
    await world.advance(12 * second);
    expect(opened.length).toBe(2);
    await world.advance(600 * second);
    expect(issues.filter(({ id }) => !world.store.has(id))).toEqual([]);
    expect(opened.length).toBeGreaterThan(10);
    expect(world.manager.status().relays.map(({ negentropy }) => negentropy)).toEqual(['works', 'works']);
  });
});
