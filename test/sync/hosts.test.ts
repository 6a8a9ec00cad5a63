import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { Filter } from '../../src/nostr/filter.js';
import { TransportError } from '../../src/sync/dial/transport.js';
import { addressOf, announcement, event, issue, pubkey, startSeconds } from './support/events.js';
import type { FakeRelay, Script } from './support/fake-relay.js';
import { emptyInformation } from './support/fake-relay.js';
import { World, type WorldOptions } from './support/world.js';

const second = 1000;
const honestUrls = Array.from({ length: 4 }, (_, at) => `wss://honest-${at}.example`);
const hostileCount = 64;

/** URLs that differ in path, query or port, of one host or of a host each. */
const hostileUrls = {
  'one host': Array.from(
    { length: hostileCount },
    (_, at) => `wss://slow.example:${9000 + at}/${at}?at=${at}`,
  ),
  'a host each': Array.from({ length: hostileCount }, (_, at) => `wss://slow-${at}.example`),
};

/** What a hostile relay does with what it is asked. */
const manners: Record<string, (world: World, relay: FakeRelay) => void> = {
  'drips events': (world, relay) => {
    relay.script = (connection, [type, id, filter]) => {
      if (type !== 'REQ' || (filter as { limit?: number }).limit === 0) return type === 'NEG-OPEN';
      const drip = () => {
        if (!connection.isOpen) return;
        connection.send('EVENT', id, event());
        world.clock.after(second, drip);
      };
      drip();
      return true;
    };
  },
  'is silent': (_, relay) => {
    relay.script = (_connection, [type]) => type !== 'CLOSE';
  },
  'lists what honest relays have, and drips it': (world, relay) => {
    for (const url of honestUrls) relay.events.push(...world.relay(url).events);
    relay.script = dripsIds(world);
  },
  'cannot be reached': (_, relay) => {
    relay.reachable = new TransportError('timeout', 'no answer');
  },
};

/** Answers a download with something of it every twenty seconds, for ever. */
function dripsIds(world: World): Script {
  return (connection, [type, id, filter]) => {
    const ids = (filter as { ids?: string[] } | undefined)?.ids;
    if (type !== 'REQ' || ids === undefined) return false;
    const drip = () => {
      if (!connection.isOpen) return;
      connection.send('EVENT', id, event());
      world.clock.after(20 * second, drip);
    };
    drip();
    return true;
  };
}

const running: World[] = [];
afterEach(async () => {
  for (const world of running.splice(0)) await world.stop();
});

function createWorld(options: WorldOptions = {}): World {
  const world = new World(options);
  running.push(world);
  return world;
}

/** Repositories that name the honest relays and, each by a key of its own, the hostile URLs. */
async function announce(world: World, urls: readonly string[]) {
  const repository = announcement('honest', [...honestUrls]);
  const hostile = urls.map((url, at) => announcement(`hostile-${at}`, [url], { pubkey: pubkey(at + 1) }));
  for (const each of hostile) await world.submit(each);
  await world.submit(repository);
  return repository;
}

describe('a host is one party (docs/sync.md §2)', () => {
  for (const [hosts, urls] of Object.entries(hostileUrls)) {
    for (const [name, behave] of Object.entries(manners)) {
      it(`honest relays are caught up within a minute beside 64 URLs of ${hosts}, each of which ${name}`, async () => {
        const world = createWorld();
        const repository = await announce(world, urls);
        const honest = honestUrls.map((url, at) => {
          const own = Array.from({ length: 50 }, (_, n) =>
            issue(repository, { content: `${at} ${n}`, created_at: startSeconds - 5000 + n }),
          );
          // What nobody gave to us yet, and the hostile relays list as well.
          const other = announcement(`other-${at}`, [url], { pubkey: pubkey(200 + at) });
          world.relay(url).events.push(repository, other, ...own);
          return [other, ...own];
        });
        for (const url of urls) behave(world, world.relay(url));
        world.start();
        await world.advance(60 * second);
        expect(honest.flat().filter(({ id }) => !world.store.has(id))).toEqual([]);
        expect(world.manager.status().relays.filter(({ relay }) => honestUrls.includes(relay))).toMatchObject(
          honestUrls.map(() => ({ connection: 'connected' })),
        );
      });
    }
  }

  it('dials that take long do not keep others waiting', async () => {
    const world = createWorld();
    const urls = hostileUrls['a host each'];
    await announce(world, urls);
    for (const url of honestUrls) world.relay(url);
    world.network.information = async (target) => {
      if (!honestUrls.includes(target.url)) await world.clock.sleep(3600 * second);
      return undefined;
    };
    const dial = world.network.dial.bind(world.network);
    world.network.dial = async (target, handlers) => {
      if (!honestUrls.includes(target.url)) await world.clock.sleep(3600 * second);
      return await dial(target, handlers);
    };
    world.start();
    await world.advance(45 * second);
    expect(honestUrls.every((url) => world.relay(url).connections.length === 1)).toBe(true);
  });

  it('the URLs of one host are dialled one after the other, and rest after a failure; so do new ones of it', async () => {
    const world = createWorld();
    await announce(world, hostileUrls['one host']);
    world.start();
    await world.advance(600 * second);
    const dialled = world.network.dialled.filter(({ url }) => url.includes('slow.example'));
    expect(new Set(dialled.map(({ url }) => url)).size).toBe(limits.syncRelaysPerHostMax);
    const gaps = dialled.slice(1).map(({ at }, before) => at - (dialled[before]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5 * second);
    for (let round = 0; round < 20; round += 1) {
      for (const at of [0, 1, 2, 3]) {
        const relays = [`wss://slow.example/${round}/${at}`];
        const created_at = startSeconds + round;
        await world.submit(announcement(`hostile-${at}`, relays, { pubkey: pubkey(at + 1), created_at }));
      }
      await world.advance(5 * second);
    }
    const more = world.network.dialled.filter(({ url }) => url.includes('slow.example')).length;
    expect(more - dialled.length).toBeLessThanOrEqual(21);
  });

  it('a dial that is given up, because nobody names the URL any more, makes the others of its host rest too', async () => {
    const world = createWorld({ settings: { batchWindowMs: 200 } });
    const urls = ['wss://slow.example/0', 'wss://slow.example/1'];
    const dialled: string[] = [];
    world.network.dial = async ({ url }) => {
      dialled.push(url);
      await world.clock.sleep(4 * second);
      throw new TransportError('dns', 'no such host');
    };
    await world.submit(announcement('hostile', urls));
    world.start();
    while (dialled.length === 0) await world.advance(second);
    const others = urls.filter((url) => !dialled.includes(url));
    await world.submit(announcement('hostile', others, { created_at: startSeconds }));
    await world.advance(5 * second);
    expect(dialled.length).toBe(1);
    await world.advance(5 * second);
    expect(dialled).toContain(others[0]);
    await world.stop();
  });

  it('a relay that was connected to waits for no other URL of its host', async () => {
    const world = createWorld();
    const honest = 'wss://shared.example';
    world.relay(honest);
    await world.submit(announcement('honest', [honest]));
    world.start();
    await world.advance(120 * second);
    const beside = [1, 2, 3].map((port) => `${honest}:${port}`);
    await world.submit(announcement('beside', beside, { pubkey: pubkey(1) }));
    await world.advance(30 * second);
    world.relay(honest).connection.drop();
    await world.advance(2 * second);
    expect(world.relay(honest).connections.map(({ isOpen }) => isOpen)).toEqual([false, true]);
  });

  it('a slow relay keeps its place while nobody waits for it, and goes on when it lost it', async () => {
    const world = createWorld();
    const slow = Array.from({ length: 20 }, (_, at) => `wss://slow-${at}.example`);
    const repository = await announce(world, slow);
    const own = slow.map((url, at) => {
      const relay = world.relay(url);
      relay.information = { ...emptyInformation, supportedNips: [1] };
      const about = announcement(`hostile-${at}`, [url], { pubkey: pubkey(at + 1) });
      const found = event({ kind: 1621, tags: [['a', addressOf(about)]] });
      relay.events.push(found);
      // Answers, but after a quarter of a minute.
      relay.script = (connection, [type, id, ...rest]) => {
        if (type === 'NEG-OPEN') connection.send('NEG-ERR', id, 'blocked: no');
        if (type !== 'REQ') return true;
        world.clock.after(15 * second, () => {
          for (const each of relay.found(rest[0] as Filter)) connection.send('EVENT', id, each);
          connection.send('EOSE', id);
        });
        return true;
      };
      return found;
    });
    for (const url of honestUrls) world.relay(url).events.push(repository);
    world.start();
    await world.advance(180 * second);
    expect(own.filter(({ id }) => !world.store.has(id))).toEqual([]);
  });
});
