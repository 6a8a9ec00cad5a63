import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/kernels.js';
import { deferred } from '../../src/lib/abort.js';
import type { EventStore, StoredEvent } from '../../src/store/event-store.js';
import { collectGarbage, plainEvent, sessionWorld, storedEvent } from './fakes.js';

const rateLimited = expect.stringMatching(/^rate-limited: /);
/** Values that nobody asked for before. */
const invented = (count: number) => Array.from({ length: count }, () => randomBytes(32).toString('hex'));

describe('memory of clients', () => {
  it('counts filters, requests and events, and gives all of it back', async () => {
    const answer = deferred<never>();
    const world = sessionWorld({ store: { countInTurns: () => answer.promise } });
    const { memory } = world.services;
    world.admission.decide = () => answer.promise;
    const { send, session } = world.client();
    const figures: number[] = [];
    const message = async (...parts: unknown[]) => {
      send(...parts);
      await world.settle();
      figures.push(memory.bytes);
    };
    await message('REQ', 'a', { ids: invented(100) });
    await message('COUNT', 'b', { ids: invented(100) });
    await message('EVENT', plainEvent(1, { content: 'x'.repeat(10_000) }));
    await message('CLOSE', 'a');
    expect(figures.map((bytes, at) => Math.sign(bytes - (figures[at - 1] ?? 0)))).toEqual([1, 1, 1, -1]);
    answer.reject(new Error('no answer'));
    await world.settle();
    expect(memory.bytes).toBe(0);
    await message('REQ', 'a', { ids: invented(100) });
    session[Symbol.dispose]();
    expect(memory.bytes).toBe(0);
  });

  it('counts what was closed until the matcher has let go of it', async () => {
    const kernels = createReferenceKernels();
    const matcher = kernels.createFilterMatcher();
    const world = sessionWorld({ kernels: { ...kernels, createFilterMatcher: () => matcher } });
    const { memory } = world.services;
    const { send } = world.client('192.0.2.1');
    send('REQ', 'a', { ids: invented(100), limit: 0 }, { ids: invented(5_000), limit: 0 });
    await world.settle();
    const open = memory.bytes;
    const counted = new Set<string>();
    const remove = matcher.remove.bind(matcher);
    matcher.remove = (handle) => {
      counted.add(`${matcher.size} filters, ${memory.bytes} bytes`);
      remove(handle);
    };
    send('CLOSE', 'a');
    await world.settle();
    expect([...counted]).toEqual([`2 filters, ${open} bytes`, `1 filters, ${open} bytes`]);
    expect(memory.bytes).toBe(0);
    // One that never had its turn has nothing there.
    send('REQ', 'b', { ids: invented(100) });
    send('CLOSE', 'b');
    expect(memory.bytes).toBe(0);
  });

  it('refuses what is above the share of a client, each request in its way, and goes on with less', async () => {
    // An eighth of it is a client's.
    const world = sessionWorld({ settings: { memoryBytesMax: 160_000 } });
    const { send, outbox } = world.client();
    const large = { ids: invented(100) };
    send('REQ', 'a', large);
    send('COUNT', 'b', large);
    send('NEG-OPEN', 'c', large, '6100000200');
    send('EVENT', plainEvent(1, { content: 'x'.repeat(20_000) }));
    send('REQ', 'd', { kinds: [1] });
    await world.settle();
    expect(outbox.frames.slice(0, 4)).toEqual([
      ['CLOSED', 'a', rateLimited],
      ['CLOSED', 'b', rateLimited],
      ['NEG-ERR', 'c', rateLimited],
      ['OK', plainEvent(1).id, false, rateLimited],
    ]);
    expect(outbox.frames.slice(4)).toEqual([['EOSE', 'd']]);
    expect(outbox.hasGivenWay).toBe(false);
  });

  it('refuses nobody because of values that many connections of an address invent', async () => {
    const world = sessionWorld({ settings: { memoryBytesMax: 4_000_000 }, kernels: createWasmKernels() });
    const others = world.client('192.0.2.1');
    const hostile = Array.from({ length: 71 }, () => world.client('198.51.100.7'));
    for (const { send } of hostile) {
      for (let round = 0; round < 4; round += 1) send('REQ', `s${round}`, { '#e': invented(300) });
      await world.settle();
    }
    expect(hostile.filter(({ outbox }) => outbox.hasGivenWay).length).toBeGreaterThan(0);
    expect(world.services.memory.bytes).toBeLessThanOrEqual(2_000_000);
    others.send('REQ', 'new', { ids: invented(1_000) });
    others.send('REQ', 'plain', { kinds: [1] });
    await world.settle();
    expect(others.outbox.frames).toEqual([
      ['EOSE', 'new'],
      ['EOSE', 'plain'],
    ]);
  });

  it('ends the connection that holds the most of a full address, for one that holds less', async () => {
    const world = sessionWorld({ settings: { memoryBytesMax: 1_600_000 } });
    const clients = Array.from({ length: 5 }, () => world.client('192.0.2.1'));
    for (const { send } of clients) send('REQ', 'a', { ids: invented(800) });
    await world.settle();
    const last = world.client('192.0.2.1');
    last.send('REQ', 'a', { ids: invented(100) });
    await world.settle();
    expect(last.outbox.ofType('EOSE')).toHaveLength(1);
    expect(world.services.memory.bytes).toBeLessThanOrEqual(800_000);
    expect(clients.map(({ outbox }) => outbox.hasGivenWay)).toContain(false);
    expect(world.hub.size).toBe(
      clients.filter(({ outbox }) => outbox.ofType('EOSE').length > 0 && !outbox.hasGivenWay).length + 1,
    );
  });

  it('counts what queries hold for as long as they run, also when their client reads what it is sent', async () => {
    const chunk: readonly StoredEvent[] = Array.from({ length: 10 }, (_, number) =>
      storedEvent(plainEvent(number, { content: 'x'.repeat(1_000) })),
    );
    const bytes = chunk.reduce((sum, stored) => sum + stored.bytes.length, 0);
    const read = deferred<void>();
    const query: EventStore['query'] = async function* (_filters, _turns, memory) {
      memory?.hold(bytes);
      await read.promise;
      yield chunk;
    };
    const world = sessionWorld({ settings: { memoryBytesMax: 24 * bytes }, store: { query } });
    const { send, outbox } = world.client();
    for (const id of ['a', 'b', 'c']) send('REQ', id, {});
    await world.settle();
    // The share of a client has room for two of the three.
    expect(outbox.ofType('CLOSED')).toEqual([['CLOSED', 'c', rateLimited]]);
    expect(world.services.memory.bytes).toBeGreaterThan(2 * bytes);
    outbox.full = true;
    read.resolve();
    await world.settle();
    expect(world.services.memory.bytes).toBeGreaterThan(2 * bytes);
    outbox.full = false;
    await world.settle();
    expect(outbox.ofType('EOSE')).toHaveLength(2);
    expect(world.services.memory.bytes).toBeLessThan(bytes);
  });

  it('counts what is gathered for a NEG-OPEN until it is, and refuses one for which there is no room', async () => {
    const bytes = 20_000;
    const collected = deferred<boolean>();
    const world = sessionWorld({
      settings: { memoryBytesMax: 8 * 3 * bytes },
      store: { size: 4 * bytes, collectInTurns: () => collected.promise },
    });
    const { send, outbox } = world.client();
    for (const [at, id] of ['a', 'b', 'c'].entries()) send('NEG-OPEN', id, { kinds: [at] }, '6100000200');
    await world.settle();
    // The share of a client has room for two of the three, with what else they are.
    expect(outbox.frames).toEqual([['NEG-ERR', 'c', rateLimited]]);
    expect(world.services.memory.bytes).toBeGreaterThan(2 * bytes);
    collected.resolve(true);
    await world.settle();
    expect(outbox.ofType('NEG-MSG').map(([, id]) => id)).toEqual(['a', 'b']);
    expect(world.services.memory.bytes).toBeLessThan(bytes);
  });

  it('counts what a COUNT holds for as long as it runs, and refuses one for which there is no room', async () => {
    const bytes = 10_000;
    const counted = deferred<number>();
    const countInTurns: EventStore['countInTurns'] = async (_filters, _signal, _turns, memory) => {
      memory?.hold(bytes);
      return await counted.promise;
    };
    const world = sessionWorld({ settings: { memoryBytesMax: 8 * 3 * bytes }, store: { countInTurns } });
    const { send, outbox } = world.client();
    for (const id of ['a', 'b', 'c']) send('COUNT', id, { kinds: [1] });
    await world.settle();
    // The share of a client has room for two of the three.
    expect(outbox.frames).toEqual([['CLOSED', 'c', rateLimited]]);
    expect(world.services.memory.bytes).toBeGreaterThan(2 * bytes);
    counted.resolve(7);
    await world.settle();
    expect(outbox.ofType('COUNT')).toEqual(['a', 'b'].map((id) => ['COUNT', id, { count: 7 }]));
    expect(world.services.memory.bytes).toBe(0);
  });

  it('takes about the memory that is counted, and gives it back', async () => {
    const world = sessionWorld({ kernels: createWasmKernels() });
    const { memory } = world.services;
    const heap = () => {
      collectGarbage();
      return process.memoryUsage().heapUsed + world.services.kernels.memory().bytesInUse;
    };
    const start = heap();
    const clients = Array.from({ length: 4 }, () => world.client());
    for (const { send } of clients) {
      for (let round = 0; round < 10; round += 1) send('REQ', `s${round}`, { '#e': invented(2_000) });
      await world.settle();
    }
    const [counted, grown] = [memory.bytes, heap() - start];
    expect(grown / counted).toBeGreaterThan(0.5);
    expect(grown / counted).toBeLessThan(1.2);
    for (const { session } of clients) session[Symbol.dispose]();
    // Whatever was set off comes to its end.
    await world.clock.advance(1_000);
    expect(memory.bytes).toBe(0);
    expect((heap() - start) / counted).toBeLessThan(0.1);
  });
});
