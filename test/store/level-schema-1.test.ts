import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { makeEvent } from './support/events.js';

/** Made by a program of schema 1: notes, announcements that replace each other, a deletion, a refused event. */
const fixture = fileURLToPath(new URL('./schema-1', import.meta.url));

const note = (at: number) =>
  makeEvent({ created_at: 1_700_000_000 + at, content: `note ${at} é`, tags: [['t', String(at % 3)]] });

describe('a store of schema 1', () => {
  let path: string;

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'graspd-schema-'));
    await cp(fixture, join(path, 'events'), { recursive: true });
  });

  afterEach(() => rm(path, { recursive: true }));

  const open = (): Promise<OpenedStore> => openLevelStore({ path, clock: systemClock });

  async function expectAll({ store, refused }: OpenedStore, more: number): Promise<void> {
    expect(store.size).toBe(19 + 4 + 1 + more);
    expect(store.has(note(0).id)).toBe(false);
    for (let at = 1; at < 20; at += 1) expect((await store.get(note(at).id))?.event).toEqual(note(at));
    expect(store.count([{ kinds: [30_617] }])).toBe(4);
    expect(refused.reasonFor(makeEvent({ content: 'refused' }).id)).toBe('blocked: unwanted');
  }

  it('is read, written, and read again with and without its snapshot', async () => {
    const first = await open();
    await expectAll(first, 0);
    for (let at = 100; at < 110; at += 1) await first.store.put(note(at)).written;
    await first.store[Symbol.asyncDispose]();
    for (const setBack of [() => rm(join(path, 'index.snapshot')), async () => {}]) {
      await setBack();
      const again = await open();
      await expectAll(again, 10);
      expect((await again.store.get(note(109).id))?.event).toEqual(note(109));
      await again.store[Symbol.asyncDispose]();
    }
  });

  it('is of the newer schema from then on, which an earlier program does not take for damage', async () => {
    await (await open()).store[Symbol.asyncDispose]();
    const raw = new Level(join(path, 'events'));
    expect(JSON.parse((await raw.get('m:schema')) ?? '')).toMatchObject({ schema: 2 });
    await raw.close();
  });
});
