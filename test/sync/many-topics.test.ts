import { afterEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { Filter } from '../../src/nostr/filter.js';
import type { Topic } from '../../src/sync/topics/layers.js';
import { LiveTopics } from '../../src/sync/topics/live-topics.js';
import { TopicStates } from '../../src/sync/topics/topic-state.js';
import { announcement, issue } from './support/events.js';
import { emptyInformation } from './support/fake-relay.js';
import { World } from './support/world.js';

const url = 'wss://relay.example';
const second = 1_000;

/** A relay that takes few subscriptions, and is to be asked about very many roots. */
async function worldOf(roots: number) {
  const world = new World({ settings: { bootstrapRelays: [url] } });
  const relay = world.relay(url);
  relay.information = {
    ...emptyInformation,
    maxSubscriptions: 10,
    maxMessageBytes: 10_000,
    hasLimitation: true,
  };
  const repository = announcement('repo', [url]);
  relay.events.push(repository, ...Array.from({ length: roots }, () => issue(repository)));
  await world.submit(...relay.events);
  return { world, relay, repository };
}

/** What is told of topics from now on: how many at once. */
function watchChanges(): number[] {
  const sizes: number[] = [];
  const { change } = TopicStates.prototype;
  vi.spyOn(TopicStates.prototype, 'change').mockImplementation(function (this: TopicStates, topics, next) {
    const these: Topic[] = [...topics];
    sizes.push(these.length);
    change.call(this, these, next);
  });
  return sizes;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a relay that is asked about very many topics', () => {
  it('begins and ends with them piece by piece, and those without a place are left to catch-up so, too', async () => {
    const { world, relay } = await worldOf(1_000);
    const sizes = watchChanges();
    world.start();
    await world.advance(60 * second);
    expect(world.manager.status().relays[0]?.uncoveredTopics).toBeGreaterThan(700);
    relay.connection.drop();
    await world.advance(60 * second);
    expect(relay.connections).toHaveLength(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.syncTopicsPerPieceMax);
    await world.stop();
  });

  it('is told of them so, too, where it refuses to be asked for everything', async () => {
    const { world, relay } = await worldOf(1_000);
    Object.assign(relay.information ?? {}, { supportsGrasp: true, supportedNips: [1, 11, 77] });
    relay.script = (connection, [type, id, filter]) => {
      const isEverything = Object.keys((filter ?? { kinds: [] }) as Filter).every((key) => key === 'limit');
      if (!isEverything) return false;
      connection.send(type === 'REQ' ? 'CLOSED' : 'NEG-ERR', id, 'blocked: too broad');
      return true;
    };
    const sizes = watchChanges();
    world.start();
    await world.advance(60 * second);
    expect(world.log.map(({ message }) => message)).toContain('relay is not to be asked for everything');
    expect(world.manager.status().relays[0]?.uncoveredTopics).toBeGreaterThan(700);
    expect(relay.connections).toHaveLength(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.syncTopicsPerPieceMax);
    await world.stop();
  });

  it('costs no more than what changes, once all places are taken, and is asked again about nothing else', async () => {
    const { world, relay, repository } = await worldOf(1_000);
    world.start();
    await world.advance(300 * second);
    const before = relay.pages().length;
    const left = vi.spyOn(LiveTopics.prototype, 'leftUncovered');
    const sizes = watchChanges();
    const fresh = issue(repository);
    relay.publish(fresh);
    await world.advance(60 * second);
    expect(world.store.has(fresh.id)).toBe(true);
    expect(left.mock.calls.flatMap(([topics]) => topics)).toEqual([fresh.id]);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(50);
    expect(relay.pages().length - before).toBe(3);
    await world.stop();
  });

  it('has live subscriptions to a bounded number of them, however much it would take', async () => {
    vi.spyOn(limits, 'liveTopicsMax', 'get').mockReturnValue(300 as never);
    const { world, relay } = await worldOf(1_000);
    Object.assign(relay.information ?? {}, { maxSubscriptions: 1_000, maxMessageBytes: 100_000 });
    world.start();
    await world.advance(60 * second);
    const asked = relay.live().flatMap((filter) => filter['#e'] ?? filter['#a'] ?? filter.authors ?? []);
    expect(asked.length).toBeGreaterThan(290);
    expect(asked.length).toBeLessThanOrEqual(300);
    await world.stop();
  });
});
