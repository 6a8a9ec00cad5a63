import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { systemClock } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { StoreError } from '../../src/store/event-store.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { idsOf } from './support/answers.js';
import { hex32, makeEvent } from './support/events.js';
import { interceptWrites } from './support/intercepted-writes.js';

const now = 1_700_000_000;

describe('the level store over starts and stops', () => {
  let path: string;

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'graspd-store-'));
  });

  afterEach(() => rm(path, { recursive: true, force: true }));

  const open = (refusedIdsMax?: number): Promise<OpenedStore> =>
    openLevelStore({ path, clock: systemClock, ...(refusedIdsMax === undefined ? {} : { refusedIdsMax }) });
  const snapshot = () => join(path, 'index.snapshot');

  /** Everything that a start should bring back, in one value. */
  async function contents({ store, refused }: OpenedStore): Promise<unknown> {
    const events: NostrEvent[] = [];
    for await (const chunk of store.query([{}])) for (const stored of chunk) events.push(stored.event);
    const reasons = (refused.matching({}, { visits: 100_000 }) ?? [])
      .sort()
      .map((id) => [id, refused.reasonFor(id)]);
    return { size: store.size, events, reasons, deleted: store.count([{ '#e': [hex32('gone')] }]) };
  }

  /** A bit of everything: notes, replaced and deleted events, refused ones, one that expires later. */
  async function fill({ store, refused }: OpenedStore, from: number, count: number): Promise<void> {
    for (let at = from; at < from + count; at += 1) {
      const created_at = now + at;
      const note = makeEvent({ created_at, pubkey: hex32(at % 50), tags: [['t', String(at % 10)]] });
      store.put(note);
      store.put(makeEvent({ created_at, kind: 0, pubkey: hex32(at % 20) }));
      if (at % 7 === 0)
        store.put(makeEvent({ created_at, kind: 5, pubkey: note.pubkey, tags: [['e', note.id]] }));
      if (at % 5 === 0)
        refused.add(makeEvent({ content: `refused ${at}`, created_at }), `blocked: ${at % 3}`);
      if (at % 11 === 0) store.put(makeEvent({ content: String(at), tags: [['expiration', '99999999999']] }));
      if (at % 50 === 0) await store.flush();
    }
    await store.flush();
  }

  it('comes back the same from the snapshot, from the log, and from a damaged snapshot', async () => {
    const first = await open();
    await fill(first, 0, 600);
    const expected = await contents(first);
    await first.store[Symbol.asyncDispose]();

    const restored = await open();
    expect(await contents(restored)).toEqual(expected);
    await restored.store[Symbol.asyncDispose]();

    const { size } = await stat(snapshot());
    const damages: (() => Promise<void>)[] = [
      () => truncate(snapshot(), size - 100),
      async () => {
        const bytes = await readFile(snapshot());
        bytes[bytes.length >>> 1]! ^= 1;
        await writeFile(snapshot(), bytes);
      },
      () => writeFile(snapshot(), 'no snapshot at all'),
      () => rm(snapshot()),
    ];
    for (const damage of damages) {
      await damage();
      const rebuilt = await open();
      expect(await contents(rebuilt)).toEqual(expected);
      await rebuilt.store[Symbol.asyncDispose]();
    }
  });

  it('goes on from a snapshot that is older than the log', async () => {
    const first = await open();
    await fill(first, 0, 200);
    await first.store[Symbol.asyncDispose]();
    const stale = await readFile(snapshot());
    const second = await open();
    await fill(second, 200, 200);
    const expected = await contents(second);
    await second.store[Symbol.asyncDispose]();
    await writeFile(snapshot(), stale);
    const third = await open();
    expect(await contents(third)).toEqual(expected);
    await third.store[Symbol.asyncDispose]();
  });

  it('does not take the snapshot of another store', async () => {
    const first = await open();
    await fill(first, 0, 20);
    await first.store[Symbol.asyncDispose]();
    const foreign = await readFile(snapshot());
    await rm(path, { recursive: true });
    const second = await open();
    await second.store[Symbol.asyncDispose]();
    await writeFile(snapshot(), foreign);
    const third = await open();
    expect(third.store.size).toBe(0);
    await third.store[Symbol.asyncDispose]();
  });

  it('keeps its log in proportion, and stays the same', async () => {
    const event = (at: number) =>
      makeEvent({ kind: 30_617, created_at: now + at, tags: [['d', String(at % 40)]] });
    const before = await open(100);
    for (let at = 0; at < 500; at += 1) before.store.put(event(at));
    await before.store[Symbol.asyncDispose]();
    const stale = await readFile(snapshot());

    const first = await open(100);
    for (let at = 500; at < 9_000; at += 1) {
      first.store.put(event(at));
      if (at % 300 === 0) await first.store.flush();
    }
    await first.store.flush();
    await expect.poll(() => first.stats().logRecords, { timeout: 20_000 }).toBeLessThan(10_000);
    first.store.put(event(9_000));
    const expected = await contents(first);
    await first.store[Symbol.asyncDispose]();

    for (const setBack of [() => rm(snapshot()), () => writeFile(snapshot(), stale)]) {
      await setBack();
      const again = await open(100);
      expect(await contents(again)).toEqual(expected);
      expect(again.store.size).toBe(40);
      await again.store[Symbol.asyncDispose]();
    }
  });

  it('loses nothing that it said was written when the process is killed', async () => {
    for (let round = 0; round < 2; round += 1) {
      const child = fork(new URL('./support/writing-process.ts', import.meta.url), [path, String(round)], {
        execArgv: ['--import', 'tsx'],
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      });
      const written: string[] = [];
      for await (const line of createInterface(child.stdout!)) {
        written.push(line);
        if (written.length > 400 * (round + 1)) break;
      }
      child.kill('SIGKILL');
      if (child.signalCode === null) await once(child, 'exit');
      const { store } = await open();
      const ids = new Set(await idsOf(store, [{}]));
      expect(written.filter((id) => id.length === 64 && !ids.has(id))).toEqual([]);
      expect(ids.size).toBe(store.size);
      // Replaced as it was written: exactly one is left.
      expect(store.count([{ kinds: [0] }])).toBe(1);
      await store[Symbol.asyncDispose]();
    }
  });

  it.each(['sync', 'system'] as const)(
    'with durability %s, a write is done when its promise says so',
    async (durability) => {
      const { store } = await openLevelStore({ path, clock: systemClock, durability });
      const writes: unknown[] = [];
      interceptWrites(async (options) => void writes.push(options));
      await store.put(makeEvent({ content: 'one' })).written;
      const last = store.put(makeEvent({ content: 'two' }));
      expect(store.unwritten()).toBe(last.written);
      await last.written;
      expect(store.unwritten()).toBeUndefined();
      expect(writes).toEqual(Array(2).fill({ sync: durability === 'sync' }));
      vi.restoreAllMocks();
      await store[Symbol.asyncDispose]();
    },
  );

  it('ends well on a full disk, where its snapshot cannot be written, and starts from the log', async () => {
    const first = await open();
    await fill(first, 0, 100);
    const expected = await contents(first);
    await symlink('/dev/full', `${snapshot()}.new`);
    await first.store[Symbol.asyncDispose]();
    await expect(stat(`${snapshot()}.new`)).rejects.toThrow();
    const again = await open();
    expect(await contents(again)).toEqual(expected);
    await again.store[Symbol.asyncDispose]();
  });

  it('says in one line why a store cannot be opened', async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({
      code: 'store_locked',
      message: expect.stringContaining(path),
    });
    await first.store[Symbol.asyncDispose]();

    const raw = new Level(join(path, 'events'));
    await raw.put('m:schema', JSON.stringify({ schema: 999 }));
    await raw.close();
    await expect(open()).rejects.toMatchObject({ code: 'store_newer_schema' });

    const foreign = join(path, 'foreign');
    const other = new Level(join(foreign, 'events'));
    await other.put('something', 'else');
    await other.close();
    await expect(openLevelStore({ path: foreign, clock: systemClock })).rejects.toMatchObject({
      code: 'store_unreadable',
    });

    const file = join(path, 'file');
    await writeFile(file, 'a file');
    await expect(openLevelStore({ path: file, clock: systemClock })).rejects.toMatchObject({
      code: 'store_unreadable',
      message: expect.not.stringContaining('\n'),
    });
  });

  it('stops for good when a write fails', async () => {
    const { store } = await open();
    await store.put(makeEvent({ content: 'before' })).written;
    const batch = vi.spyOn(Level.prototype, 'batch').mockImplementationOnce(() => {
      throw new Error('no space left on device');
    });
    const failing = store.put(makeEvent({ content: 'not written' }));
    await expect(failing.written).rejects.toMatchObject({ code: 'store_write_failed' });
    batch.mockRestore();
    expect(() => store.put(makeEvent({ content: 'after' }))).toThrow(StoreError);
    await expect(store.flush()).rejects.toThrow('no space left on device');
    await store[Symbol.asyncDispose]();
    const again = await open();
    expect(again.store.size).toBe(1);
    await again.store[Symbol.asyncDispose]();
  });

  it('has each event that a write brought, also when what takes its place was not written any more', async () => {
    const { store } = await open();
    const first = makeEvent({ kind: 0 });
    const { written } = store.put(first);
    // The write is full; the next one takes the place of the first event.
    for (let at = 1; at < limits.storeBatchEventsMax; at += 1) store.put(makeEvent({ content: String(at) }));
    const second = store.put(makeEvent({ kind: 0, created_at: now + 1 }));
    void written.then(() =>
      vi.spyOn(Level.prototype, 'batch').mockImplementationOnce(() => {
        throw new Error('the power is gone');
      }),
    );
    await expect(second.written).rejects.toThrow('the power is gone');
    vi.restoreAllMocks();
    await store[Symbol.asyncDispose]();
    const again = await open();
    expect((await again.store.get(first.id))?.event).toEqual(first);
    expect(await idsOf(again.store, [{}])).toHaveLength(again.store.size);
    await again.store[Symbol.asyncDispose]();
  });

  it('takes nothing more once it is closed', async () => {
    const { store, refused } = await open();
    store.put(makeEvent());
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    expect(() => store.put(makeEvent({ content: 'late' }))).toThrow(
      expect.objectContaining({ code: 'store_closed' }),
    );
    expect(() => refused.add(makeEvent({ content: 'late' }), 'x')).toThrow();
    await expect(store.get(makeEvent().id)).rejects.toMatchObject({ code: 'store_read_failed' });
  });
});
