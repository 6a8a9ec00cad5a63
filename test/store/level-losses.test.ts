import {
  cp,
  mkdir,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { hasLevelStore } from '../../src/store/level/folder.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { idsOf } from './support/answers.js';
import { makeEvent } from './support/events.js';

const now = 1_700_000_000;
const note = (at: number) => makeEvent({ content: `note ${at}`, created_at: now + at });

describe('what the level store lost', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graspd-losses-'));
    path = join(folder, 'data');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const open = (): Promise<OpenedStore> => openLevelStore({ path, clock: systemClock });
  const close = ({ store }: OpenedStore) => store[Symbol.asyncDispose]();

  /** Puts each event in a write of its own, and sets the disk back to what it had before the store was closed. */
  async function putAndKill(events: readonly NostrEvent[]): Promise<void> {
    const opened = await open();
    for (const event of events) await opened.store.put(event).written;
    await cp(path, join(folder, 'killed'), { recursive: true });
    await close(opened);
    await rm(path, { recursive: true });
    await cp(join(folder, 'killed'), path, { recursive: true });
    await rm(join(folder, 'killed'), { recursive: true });
  }

  /** Inverts 16 bytes of the newest file of LevelDB's log, at a share of its length. */
  async function invertInLog(share: number): Promise<void> {
    const logs = (await readdir(join(path, 'events'))).filter((name) => name.endsWith('.log')).sort();
    const file = await openFile(join(path, 'events', logs.at(-1)!), 'r+');
    const at = Math.floor((await file.stat()).size * share);
    const bytes = Buffer.alloc(16);
    await file.read(bytes, 0, 16, at);
    await file.write(
      bytes.map((byte) => ~byte),
      0,
      16,
      at,
    );
    await file.close();
  }

  it('is said when the log is damaged in the middle, and what comes after it stands', async () => {
    const events = Array.from({ length: 200 }, (_, at) => note(at));
    await putAndKill(events);
    await invertInLog(0.3);
    const opened = await open();
    const ids = new Set(await idsOf(opened.store, [{}]));
    const lost = events.length - ids.size;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(events.length);
    expect(ids).toContain(events.at(-1)!.id);
    expect(opened.losses).toContainEqual(
      `lost in the middle of the log: ${lost} writes, with ${lost} events at most`,
    );
    expect(opened.losses).toContainEqual(expect.stringMatching(/^damaged in events/));
    for (const event of events) if (!ids.has(event.id)) opened.store.put(event);
    await close(opened);
    const again = await open();
    expect(again.store.size).toBe(events.length);
    expect(again.losses).toEqual([]);
    await close(again);
  });

  it('is said when the damage takes the end of the log with it', async () => {
    const events = Array.from({ length: 20 }, (_, at) => note(at));
    await putAndKill(events);
    await invertInLog(0.5);
    const opened = await open();
    expect(opened.store.size).toBeLessThan(20);
    expect(opened.losses).toEqual([
      expect.stringMatching(/^damaged in events\/\d+\.log, and what was written there is lost: \d+ bytes; /),
    ]);
    await close(opened);
  });

  it('is nothing where a log merely ends in the middle of a write', async () => {
    await putAndKill([note(0), note(1), note(2)]);
    const logs = (await readdir(join(path, 'events'))).filter((name) => name.endsWith('.log')).sort();
    const log = join(path, 'events', logs.at(-1)!);
    const file = await openFile(log, 'r');
    const { size } = await file.stat();
    await file.close();
    await truncate(log, size - 10);
    const opened = await open();
    expect(opened.store.size).toBe(2);
    expect(opened.losses).toEqual([]);
    await close(opened);
  });

  it('is counted when the snapshot knows more than the log', async () => {
    const first = await open();
    await first.store.put(note(0)).written;
    await cp(join(path, 'events'), join(folder, 'older'), { recursive: true });
    for (let at = 1; at < 4; at += 1) await first.store.put(note(at)).written;
    await close(first);
    await rm(join(path, 'events'), { recursive: true });
    await cp(join(folder, 'older'), join(path, 'events'), { recursive: true });
    const second = await open();
    expect(second.store.size).toBe(1);
    expect(second.losses).toEqual([
      'lost before the last clean stop: 3 writes, as by a power failure or a backup put back',
    ]);
    await close(second);
  });

  it('leaves no two versions of an event, and nothing deleted, when removals are lost', async () => {
    const announcement = (at: number) =>
      makeEvent({ kind: 30_617, created_at: now + at, tags: [['d', 'a']], content: String(at) });
    const deletedOne = note(1);
    const address = `30618:${deletedOne.pubkey}:b`;
    const deletion = makeEvent({
      kind: 5,
      created_at: now + 9,
      tags: [
        ['e', deletedOne.id],
        ['a', address],
      ],
    });
    const state = (at: number) => makeEvent({ kind: 30_618, created_at: now + at, tags: [['d', 'b']] });
    // The second of each removes the first, and is lost.
    const stored = [announcement(1), state(1), deletedOne];
    const lost = [announcement(2), state(2)];
    const later = [announcement(3), deletion];
    const opened = await open();
    for (const event of stored) await opened.store.put(event).written;
    await cp(join(path, 'events'), join(folder, 'first', 'events'), { recursive: true });
    const { store } = opened;
    const removal = store.remove(deletedOne.id);
    await removal.written;
    for (const event of [...lost, ...later]) await store.put(event).written;
    await close(opened);
    await rm(join(path, 'index.snapshot'));
    const bodies = { gte: Buffer.from('b'), lt: Buffer.from('c') };
    let removed: [Uint8Array, Uint8Array][] = [];
    await withRaw(
      async (raw) => {
        removed = await raw.iterator(bodies).all();
      },
      join(folder, 'first'),
    );
    expect(removed).toHaveLength(3);
    await withRaw(async (raw) => {
      // As if segments 4 to 6 had never been written: what they removed is there again.
      for (const number of [4, 5, 6]) await raw.del(numberKey('s', number));
      for (const [key, body] of removed) await raw.put(key, body);
    });
    const again = await open();
    expect(again.losses).toEqual(['lost in the middle of the log: 3 writes, with 2 events at most']);
    expect(new Set(await idsOf(again.store, [{}]))).toEqual(new Set(later.map(({ id }) => id)));
    expect(again.store.size).toBe(2);
    await close(again);
  });

  it('is what a damaged segment told, and no more', async () => {
    const events = Array.from({ length: 9 }, (_, at) => note(at));
    await putAndKill(events);
    await withRaw(async (raw) => {
      const key = numberKey('s', 4);
      const bytes = Uint8Array.from((await raw.get(key))!);
      bytes[60]! ^= 1;
      await raw.put(key, bytes);
    });
    const opened = await open();
    expect(opened.losses).toEqual([
      'lost in the middle of the log: 1 write, with 1 event at most',
      'damaged segments of the log: 4',
    ]);
    const { id } = events[3]!;
    expect(await idsOf(opened.store, [{}])).toEqual(
      events
        .map((event) => event.id)
        .filter((other) => other !== id)
        .reverse(),
    );
    await opened.store.put(events[3]!).written;
    await close(opened);
    const again = await open();
    expect(again.store.size).toBe(9);
    await close(again);
  });

  type Raw = Level<Uint8Array, Uint8Array>;

  async function withRaw(work: (raw: Raw) => Promise<void>, where = path): Promise<void> {
    const raw: Raw = new Level(join(where, 'events'), { keyEncoding: 'view', valueEncoding: 'view' });
    await work(raw);
    await raw.close();
  }

  function numberKey(prefix: string, number: number): Uint8Array {
    const key = Buffer.alloc(9);
    key.write(prefix);
    key.writeBigUInt64BE(BigInt(number), 1);
    return key;
  }

  describe('is not made anew when', () => {
    const refusal = { code: 'store_unreadable', message: expect.stringMatching(/restore it from a backup/) };

    it('CURRENT is gone', async () => {
      const opened = await open();
      await opened.store.put(note(0)).written;
      await close(opened);
      await rm(join(path, 'events', 'CURRENT'));
      const before = await readdir(join(path, 'events'));
      await expect(open()).rejects.toMatchObject(refusal);
      expect(await readdir(join(path, 'events'))).toEqual(before);
      expect(hasLevelStore(path)).toBe(true);
    });

    it('only its snapshot is left', async () => {
      await close(await open());
      await rm(join(path, 'events'), { recursive: true });
      await expect(open()).rejects.toMatchObject(refusal);
      await expect(open()).rejects.toMatchObject(refusal);
      // Nor with a database that somebody else made meanwhile.
      const raw = new Level(join(path, 'events'));
      await raw.open();
      await raw.close();
      await expect(open()).rejects.toMatchObject(refusal);
    });

    it.each(['CURRENT', 'MANIFEST', 'table'])('its %s is damaged or gone', async (what) => {
      const opened = await open();
      await opened.store.put(note(0)).written;
      await close(opened);
      const names = await readdir(join(path, 'events'));
      const pattern = { CURRENT: /^CURRENT$/, MANIFEST: /^MANIFEST/, table: /\.ldb$/ }[what]!;
      for (const name of names.filter((file) => pattern.test(file))) {
        await (what === 'CURRENT' ? truncate(join(path, 'events', name)) : rm(join(path, 'events', name)));
      }
      await expect(open()).rejects.toMatchObject({ code: 'store_unreadable' });
      await expect(open()).rejects.toMatchObject({ code: 'store_unreadable' });
    });

    it('it was never written: a start that was cut short is no loss', async () => {
      await mkdir(join(path, 'events'), { recursive: true });
      await writeFile(join(path, 'events', 'MANIFEST-000001'), '');
      await writeFile(join(path, 'events', 'LOCK'), '');
      expect(hasLevelStore(path)).toBe(false);
      const opened = await open();
      expect(opened.store.size).toBe(0);
      await close(opened);
    });

    it('it was never written, and a power failure tore its first manifest', async () => {
      const names = { CURRENT: 'MANIFEST-000001\n', 'MANIFEST-000001': '\0'.repeat(41), '000003.log': '' };
      await mkdir(join(path, 'events'), { recursive: true });
      for (const [name, text] of Object.entries(names)) await writeFile(join(path, 'events', name), text);
      const opened = await open();
      expect(opened.store.size).toBe(0);
      await close(opened);
    });

    it('its first manifest is torn, and something was written', async () => {
      const names = { CURRENT: 'MANIFEST-000001\n', 'MANIFEST-000001': '', '000003.log': 'something' };
      await mkdir(join(path, 'events'), { recursive: true });
      for (const [name, text] of Object.entries(names)) await writeFile(join(path, 'events', name), text);
      await expect(open()).rejects.toMatchObject(refusal);
      expect(await readFile(join(path, 'events', '000003.log'), 'utf8')).toBe('something');
    });
  });
});
