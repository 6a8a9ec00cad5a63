import { afterEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { heldTopicBytes } from '../../src/sync/held-memory.js';
import { addressOf, announcement, comment, event, issue } from './support/events.js';
import type { FakeRelay } from './support/fake-relay.js';
import { World } from './support/world.js';

const second = 1_000;
const day = 86_400 * second;
const honest = 'wss://honest.example';
const hostile = Array.from({ length: 4 }, (_, at) => `wss://relay.hostile-${at}.example`);

afterEach(() => {
  vi.restoreAllMocks();
});

/** Values that live subscriptions and pages ask for under a key. */
function asked(relay: FakeRelay, key: '#a' | '#e'): Set<string> {
  return new Set([...relay.live(), ...relay.pages()].flatMap((filter) => filter[key] ?? []));
}

/** Room for so many topics of all relays, of which one may have all. */
function limitTopics(topics: number): void {
  vi.spyOn(limits, 'topicsMemoryBytesMax', 'get').mockReturnValue((topics * heldTopicBytes) as never);
  vi.spyOn(limits, 'remoteMemoryShareMax', 'get').mockReturnValue(1 as never);
  vi.spyOn(limits, 'domainMemoryShareMax', 'get').mockReturnValue(1 as never);
}

describe('what is known of the topics of all relays', () => {
  it('has a bound: who has most is asked about repositories alone for a day, and others about all that they have', async () => {
    limitTopics(500);
    const world = new World();
    const few = announcement('few', [honest]);
    const root = issue(few);
    const many = announcement('many', hostile);
    await world.submit(few, root, many, ...Array.from({ length: 200 }, () => issue(many)));
    const relays = [honest, ...hostile].map((url) => world.relay(url));
    world.start();
    await world.advance(60 * second);
    const [first, ...others] = relays;
    expect(asked(first!, '#e')).toEqual(new Set([root.id]));
    for (const relay of others) expect(asked(relay, '#a')).toEqual(new Set([addressOf(many)]));
    const left = others.filter(
      (relay) => relay.connection.isOpen && relay.live().every((each) => each['#e'] === undefined),
    );
    expect(left.length).toBeGreaterThanOrEqual(2);
    expect(left.length).toBeLessThan(others.length);
    const sentences = world.lines('relay is not asked about roots: too many topics');
    expect(sentences.map(({ details }) => details.relay).sort()).toEqual(left.map(({ url }) => url).sort());
    // Events that hang on the repository still arrive.
    const late = issue(many);
    left[0]?.publish(late);
    await world.advance(second);
    expect(world.store.has(late.id)).toBe(true);
    await world.stop();
  });

  it('is no reason to say that all of a relay is here', async () => {
    limitTopics(100);
    const world = new World();
    const many = announcement('many', [honest]);
    const roots = Array.from({ length: 200 }, () => issue(many));
    const relay = world.relay(honest);
    relay.events.push(comment(roots[0]!));
    await world.submit(many, ...roots);
    world.start();
    await world.advance(600 * second);
    expect(relay.connection.isOpen).toBe(true);
    expect(world.manager.status().relays[0]?.lastCompleteAt).toBeUndefined();
    expect(asked(relay, '#e').size).toBe(0);
    await world.stop();
  });

  it('is bound by nothing where the operator gave the relay', async () => {
    limitTopics(100);
    const world = new World({ settings: { bootstrapRelays: [honest] } });
    const relay = world.relay(honest);
    const many = announcement('many', []);
    await world.submit(many, ...Array.from({ length: 200 }, () => issue(many)));
    world.start();
    await world.advance(60 * second);
    expect(asked(relay, '#e').size).toBe(200);
    await world.stop();
  });

  it('is tried again a day later', async () => {
    limitTopics(100);
    const world = new World();
    const relay = world.relay(honest);
    const many = announcement('many', [honest]);
    const roots = Array.from({ length: 200 }, () => issue(many));
    await world.submit(many, ...roots);
    world.start();
    await world.advance(600 * second);
    expect(asked(relay, '#e').size).toBe(0);
    const gone = roots.slice(50).map(({ id }) => ['e', id]);
    await world.submit(event({ kind: 5, tags: gone }));
    await world.advance(day);
    relay.connection.drop();
    await world.advance(600 * second);
    expect(asked(relay, '#e').size).toBe(50);
    await world.stop();
  });
});
