import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { FaultyEvent } from '../../src/store/faulty-rows.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import type { OpenedStore, StoreOptions } from '../../src/store/opened-store.js';
import { idsOf } from './support/answers.js';
import { makeEvent } from './support/events.js';

const now = 1_700_000_000;
const note = (at: number) => makeEvent({ content: `note ${at} ${'x'.repeat(300)}`, created_at: now + at });

describe('the level store on a damaged disk', () => {
  let path: string;
  const faults: FaultyEvent[] = [];

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'graspd-damage-'));
    faults.length = 0;
  });

  afterEach(() => rm(path, { recursive: true, force: true }));

  const open = (options: Partial<StoreOptions> = {}): Promise<OpenedStore> =>
    openLevelStore({ path, clock: systemClock, onFault: (event) => faults.push(event), ...options });

  async function fill(count: number): Promise<NostrEvent[]> {
    const { store } = await open();
    const events = Array.from({ length: count }, (_, at) => note(at));
    for (const event of events) store.put(event);
    await store.flush();
    await store[Symbol.asyncDispose]();
    return events;
  }

  type Raw = Level<Uint8Array, Uint8Array>;

  async function withRaw(work: (raw: Raw, bodyKeys: Uint8Array[]) => Promise<void>): Promise<void> {
    const raw: Raw = new Level(join(path, 'events'), { keyEncoding: 'view', valueEncoding: 'view' });
    await work(raw, await raw.keys({ gte: Buffer.from('b'), lt: Buffer.from('c') }).all());
    await raw.close();
  }

  /** Changes the body of the event with that number, in the order of writing. */
  const damageBody = (at: number, change: (body: Uint8Array) => Uint8Array): Promise<void> =>
    withRaw(async (raw, keys) => {
      await raw.put(keys[at]!, change((await raw.get(keys[at]!))!));
    });

  const flipped = (body: Uint8Array): Uint8Array => {
    const changed = Uint8Array.from(body);
    changed[200]! ^= 0x80;
    return changed;
  };

  it.each([
    ['is not what was written', 'damaged', () => damageBody(1, flipped)],
    ['lost its end', 'damaged', () => damageBody(1, (body) => body.subarray(0, 100))],
    ['is empty', 'damaged', () => damageBody(1, () => new Uint8Array())],
    ['is that of another row', 'damaged', () => swapBodies()],
    ['is gone', 'missing', () => withRaw((raw, keys) => raw.del(keys[1]!))],
  ] as const)('does not serve a body that %s, and takes the event again', async (_, fault, damage) => {
    const events = await fill(3);
    await damage();
    const { store } = await open();
    const others = [events[2]!.id, events[0]!.id];
    const removed: string[] = [];
    store.observe({ added: () => {}, removed: ({ id }) => removed.push(id) });
    expect(await idsOf(store, [{}])).toEqual(others);
    expect(faults).toMatchObject([{ id: events[1]!.id, kind: 1, fault }]);
    expect(removed).toEqual([events[1]!.id]);
    expect(await store.get(events[1]!.id)).toBeUndefined();
    expect(store.size).toBe(2);
    expect(store.removeExpired()).toMatchObject({ removed: [], lost: [{ id: events[1]!.id }] });
    expect(store.put(events[1]!).status).toBe('stored');
    await store[Symbol.asyncDispose]();

    const again = await open();
    expect(await idsOf(again.store, [{}])).toEqual(events.map(({ id }) => id).reverse());
    expect(faults).toHaveLength(1);
    await again.store[Symbol.asyncDispose]();
  });

  async function swapBodies(): Promise<void> {
    await withRaw(async (raw, keys) => {
      await raw.put(keys[1]!, (await raw.get(keys[0]!))!);
    });
  }

  it('tells of a faulty event once where it is to stay', async () => {
    const events = await fill(3);
    await damageBody(1, flipped);
    const { store } = await open({ keepsFaulty: true });
    for (let round = 0; round < 2; round += 1) expect(await idsOf(store, [{}])).toHaveLength(2);
    expect(await store.get(events[1]!.id)).toBeUndefined();
    expect(faults).toHaveLength(1);
    expect(store.size).toBe(3);
    await store[Symbol.asyncDispose]();
  });

  it('loses of a table that is damaged the events in the damaged block, and no answer', async () => {
    const events = await fill(400);
    const names = (await readdir(join(path, 'events'))).filter((name) => name.endsWith('.ldb'));
    // The last one; before it there is a table with what is written at the first start.
    const file = join(path, 'events', names.sort().at(-1)!);
    const bytes = await readFile(file);
    // Bodies come first in the order of keys. So much is changed that it is no block any more.
    bytes.fill(0xff, bytes.length >>> 3, (bytes.length >>> 3) + 64);
    await writeFile(file, bytes);

    const { store } = await open();
    const ids = await idsOf(store, [{}]);
    expect(ids.length).toBeGreaterThan(300);
    expect(ids.length).toBeLessThan(400);
    expect(faults).toHaveLength(400 - ids.length);
    expect(store.size).toBe(ids.length);
    for (const event of events) if (!store.has(event.id)) await store.put(event).written;
    expect(await idsOf(store, [{}])).toHaveLength(400);
    await store[Symbol.asyncDispose]();
  });

  it('leaves out what the disk does not give, and has it when it does again', async () => {
    const events = await fill(3);
    const { store } = await open();
    const ioError = Object.assign(new Error('IO error: 000005.ldb: Input/output error'), {
      code: 'LEVEL_IO_ERROR',
    });
    const get = Level.prototype.get;
    const many = vi.spyOn(Level.prototype, 'getMany').mockRejectedValue(ioError);
    let asked = 0;
    const one = vi.spyOn(Level.prototype, 'get').mockImplementation(function (this: Level, ...args) {
      asked += 1;
      return asked % 3 === 2 ? Promise.reject(ioError) : get.apply(this, args);
    });
    expect(await idsOf(store, [{}])).toHaveLength(2);
    expect(faults).toMatchObject([{ fault: 'unreadable' }]);
    expect(store.size).toBe(3);
    many.mockRestore();
    one.mockRestore();
    expect(await idsOf(store, [{}])).toEqual(events.map(({ id }) => id).reverse());
    await store[Symbol.asyncDispose]();
  });

  it('fails a read, and forgets nothing, when the process has no descriptor left', async () => {
    await fill(3);
    const { store } = await open();
    const many = vi
      .spyOn(Level.prototype, 'getMany')
      .mockRejectedValue(
        Object.assign(new Error('IO error: 000005.ldb: Too many open files'), { code: 'LEVEL_IO_ERROR' }),
      );
    await expect(idsOf(store, [{}])).rejects.toMatchObject({ code: 'store_read_failed' });
    many.mockRestore();
    expect(await idsOf(store, [{}])).toHaveLength(3);
    expect(faults).toEqual([]);
    await store[Symbol.asyncDispose]();
  });

  it('says what repairs it when LevelDB takes no write any more', async () => {
    const { store } = await open();
    const batch = vi.spyOn(Level.prototype, 'batch').mockImplementationOnce(() => {
      throw Object.assign(new Error('Corruption: bad block'), { code: 'LEVEL_CORRUPTION' });
    });
    await expect(store.put(note(1)).written).rejects.toThrow(/bad block; graspd repair makes it anew/);
    batch.mockRestore();
    await store[Symbol.asyncDispose]();
  });
});
