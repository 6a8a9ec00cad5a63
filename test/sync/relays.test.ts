import { describe, expect, it } from 'vitest';
import { announcement, startSeconds } from './support/events.js';
import { World } from './support/world.js';

const bootstrap = 'wss://bootstrap.example';
const one = 'wss://one.example';
const two = 'wss://two.example';

describe('which relays (docs/sync.md §1)', () => {
  it('connects to bootstrap relays, trusted, and to those that stored announcements name, untrusted', async () => {
    const world = new World({ settings: { bootstrapRelays: ['WSS://Bootstrap.example:443/'] } });
    world.relay(bootstrap);
    world.relay(one);
    await world.submit(announcement('repo', [one, 'wss://ONE.example/']));
    world.start();
    await world.advance(20_000);
    expect(world.network.dialled.map(({ url, trusted }) => [url, trusted]).sort()).toEqual([
      [bootstrap, true],
      [one, false],
    ]);
    await world.stop();
  });

  it('takes only the root path for the same with and without a slash', async () => {
    const world = new World();
    const urls = [`${one}/relay/`, `${one}/relay`, `${two}/`];
    for (const url of [`${one}/relay/`, `${one}/relay`, two]) world.relay(url);
    await world.submit(announcement('repo', urls));
    world.start();
    await world.advance(20_000);
    expect(world.network.dialled.map(({ url }) => url).sort()).toEqual([
      `${one}/relay`,
      `${one}/relay/`,
      two,
    ]);
    await world.stop();
  });

  it('discovers relays from announcements that arrive by sync, without a restart', async () => {
    const world = new World({ settings: { bootstrapRelays: [bootstrap] } });
    world.relay(bootstrap).events.push(announcement('repo', [one]));
    world.relay(one).events.push(announcement('another', [two]));
    world.relay(two);
    world.start();
    await world.advance(60_000);
    expect(
      world.manager
        .status()
        .relays.map(({ relay }) => relay)
        .sort(),
    ).toEqual([bootstrap, one, two]);
    expect(world.manager.status().relays.every(({ connection }) => connection === 'connected')).toBe(true);
    await world.stop();
  });

  it('drops a relay when no announcement names it any more, with its series; never a bootstrap relay', async () => {
    const world = new World({ settings: { bootstrapRelays: [bootstrap] } });
    for (const url of [bootstrap, one, two]) world.relay(url);
    const before = announcement('repo', [one, bootstrap]);
    await world.submit(before);
    world.start();
    await world.advance(20_000);
    expect(await world.metric('ngit_sync_relay_connected', { relay: one })).toBe(1);
    expect(await world.metric('ngit_sync_relays_tracked_total')).toBe(2);
    await world.submit(announcement('repo', [two], { created_at: startSeconds }));
    await world.advance(20_000);
    expect(world.relay(one).connection.isOpen).toBe(false);
    expect(world.relay(bootstrap).connection.isOpen).toBe(true);
    expect(world.relay(two).connection.isOpen).toBe(true);
    expect((await world.registry.metrics()).includes(one)).toBe(false);
    expect(await world.metric('ngit_sync_relays_tracked_total')).toBe(2);
    await world.stop();
    expect((await world.registry.metrics()).includes('relay="')).toBe(false);
  });

  it('drops a relay when the author deletes the announcement', async () => {
    const world = new World();
    world.relay(one);
    const repository = announcement('repo', [one]);
    await world.submit(repository);
    world.start();
    await world.advance(20_000);
    expect(world.relay(one).connection.isOpen).toBe(true);
    await world.submit({
      ...announcement('x', [], { kind: 5, tags: [['e', repository.id]], created_at: startSeconds }),
    });
    await world.advance(20_000);
    expect(world.relay(one).connection.isOpen).toBe(false);
    await world.stop();
  });

  it('takes a relay up again that is named anew', async () => {
    const world = new World();
    world.relay(one);
    await world.submit(announcement('repo', [one]));
    world.start();
    await world.advance(20_000);
    await world.submit(announcement('repo', [two], { created_at: startSeconds - 10 }));
    await world.advance(20_000);
    await world.submit(announcement('repo', [one], { created_at: startSeconds - 5 }));
    await world.advance(20_000);
    expect(world.relay(one).connections.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    await world.stop();
  });

  it('is loaded when the stored announcements were read', async () => {
    const world = new World();
    expect(world.manager.status().isLoaded).toBe(false);
    world.start();
    await world.advance(10);
    expect(world.manager.status().isLoaded).toBe(true);
    await world.stop();
  });
});
