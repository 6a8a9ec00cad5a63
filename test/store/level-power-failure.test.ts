import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { makeEvent } from './support/events.js';

const now = 1_700_000_000;

/** A power failure takes the end of LevelDB's log, which nothing forced to the disk, and leaves the snapshot. */
describe('the level store after a power failure', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graspd-power-'));
    path = join(folder, 'data');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const open = (): Promise<OpenedStore> => openLevelStore({ path, clock: systemClock });
  const snapshot = () => join(path, 'index.snapshot');
  const hasSnapshot = () =>
    stat(snapshot()).then(
      () => true,
      () => false,
    );
  const note = (at: number) => makeEvent({ content: `note ${at}`, created_at: now + at });

  /** Keeps what is on the disk now, under a name. The store may be open: as `kill -9` would leave it. */
  const keep = (name: string) => cp(path, join(folder, name), { recursive: true });

  /** Sets LevelDB back to what was kept; the snapshot stays. */
  async function setBack(name: string): Promise<void> {
    await rm(join(path, 'events'), { recursive: true });
    await cp(join(folder, name, 'events'), join(path, 'events'), { recursive: true });
  }

  /** Sets all back to what was kept. */
  async function setAllBack(name: string): Promise<void> {
    await rm(path, { recursive: true });
    await cp(join(folder, name), path, { recursive: true });
  }

  async function put({ store }: OpenedStore, from: number, count: number): Promise<NostrEvent[]> {
    const events = Array.from({ length: count }, (_, at) => note(from + at));
    for (const event of events) await store.put(event).written;
    return events;
  }

  async function stored({ store }: OpenedStore): Promise<NostrEvent[]> {
    const events: NostrEvent[] = [];
    for await (const chunk of store.query([{}])) for (const { event } of chunk) events.push(event);
    return events;
  }

  /** The store has exactly these, and each under its own id. */
  async function expectStored(opened: OpenedStore, events: readonly NostrEvent[]): Promise<void> {
    expect(opened.store.size).toBe(events.length);
    for (const event of events) expect((await opened.store.get(event.id))?.event).toEqual(event);
    expect(new Set((await stored(opened)).map(({ id }) => id))).toEqual(new Set(events.map(({ id }) => id)));
  }

  it('does not take a snapshot whose segments were lost and written anew', async () => {
    const first = await open();
    const kept = await put(first, 0, 5);
    await keep('before');
    await put(first, 100, 5);
    await first.store[Symbol.asyncDispose]();
    await setBack('before');

    const second = await open();
    await expectStored(second, kept);
    kept.push(...(await put(second, 200, 5)));
    await keep('killed');
    await second.store[Symbol.asyncDispose]();
    await setAllBack('killed');

    const third = await open();
    await expectStored(third, kept);
    await third.store[Symbol.asyncDispose]();
  });

  it('knows a stale snapshot by the segment itself, also where one has its number again', async () => {
    const first = await open();
    const kept = await put(first, 0, 5);
    await keep('before');
    await put(first, 100, 5);
    await first.store[Symbol.asyncDispose]();
    const stale = await readFile(snapshot());
    await setBack('before');

    const second = await open();
    kept.push(...(await put(second, 200, 9)));
    await second.store[Symbol.asyncDispose]();
    await writeFile(snapshot(), stale);

    const third = await open();
    await expectStored(third, kept);
    await third.store[Symbol.asyncDispose]();
  });

  it('removes a snapshot that it did not use', async () => {
    const first = await open();
    await put(first, 0, 3);
    await keep('before');
    await put(first, 100, 3);
    await first.store[Symbol.asyncDispose]();
    expect(await hasSnapshot()).toBe(true);
    await setBack('before');
    await writeFile(`${snapshot()}.new`, 'half of one');
    const second = await open();
    expect(await hasSnapshot()).toBe(false);
    await expect(stat(`${snapshot()}.new`)).rejects.toThrow();
    await second.store[Symbol.asyncDispose]();
  });

  it('keeps a snapshot that is merely older than the log', async () => {
    const first = await open();
    const kept = await put(first, 0, 3);
    await first.store[Symbol.asyncDispose]();
    const second = await open();
    kept.push(...(await put(second, 10, 3)));
    await keep('killed');
    await second.store[Symbol.asyncDispose]();
    await setAllBack('killed');
    const third = await open();
    expect(await hasSnapshot()).toBe(true);
    await expectStored(third, kept);
    await third.store[Symbol.asyncDispose]();
  });

  it('has all of the log on the disk before the snapshot is', async () => {
    const first = await open();
    const kept = await put(first, 0, 5);
    await first.store[Symbol.asyncDispose]();
    // What is in a table was forced to the disk; a log may end anywhere.
    const names = await readdir(join(path, 'events'));
    for (const name of names.filter((file) => file.endsWith('.log'))) {
      await truncate(join(path, 'events', name));
    }
    const second = await open();
    await expectStored(second, kept);
    await second.store[Symbol.asyncDispose]();
  });

  it('gives no sequence twice, also when all that an earlier start gave was lost', async () => {
    const sequences = new Set<string>();
    const given = async (): Promise<string[]> => {
      const raw = new Level<Uint8Array, Uint8Array>(join(folder, 'copy', 'events'), {
        keyEncoding: 'view',
        valueEncoding: 'view',
      });
      const keys = await raw.keys({ gte: Buffer.from('b'), lt: Buffer.from('c') }).all();
      await raw.close();
      await rm(join(folder, 'copy'), { recursive: true });
      return keys.map((key) => Buffer.from(key).toString('hex'));
    };
    for (let start = 0; start < 4; start += 1) {
      const opened = await open();
      await keep('opened');
      await put(opened, start * 10, 3);
      await keep('copy');
      await opened.store[Symbol.asyncDispose]();
      for (const sequence of await given()) {
        expect(sequences).not.toContain(sequence);
        sequences.add(sequence);
      }
      await rm(snapshot());
      await setBack('opened');
      await rm(join(folder, 'opened'), { recursive: true });
    }
  });
});
