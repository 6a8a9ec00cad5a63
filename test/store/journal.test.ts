import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import type { Journal } from '../../src/store/journal.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { makeEvent } from './support/events.js';
import { interceptWrites } from './support/intercepted-writes.js';

async function records(journal: Journal): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const { name, value } of journal.entries()) found.push([name, Buffer.from(value).toString()]);
  return found;
}

const text = (value: string): Uint8Array => Buffer.from(value);

describe.each(['level', 'memory'])('the journal of the %s store', (backend) => {
  let folder: string;
  let opened: OpenedStore;

  const open = (path = join(folder, 'data')): Promise<OpenedStore> | OpenedStore =>
    backend === 'memory'
      ? createMemoryStore({ clock: systemClock })
      : openLevelStore({ path, clock: systemClock });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graspd-journal-'));
    opened = await open();
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await opened.store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('has what was put last under a name, and not what was deleted', async () => {
    const { journal } = opened;
    void journal.put('b', text('1'));
    void journal.put('a ü', text('2'));
    await journal.put('c', text('3'));
    void journal.put('b', text('4'));
    await journal.delete('c');
    expect(await records(journal)).toEqual([
      ['a ü', '2'],
      ['b', '4'],
    ]);
  });

  it('is no event, nor a part of one', async () => {
    const { journal, store } = opened;
    const event = makeEvent();
    void store.put(event);
    await journal.put('b', text('1'));
    expect(store.size).toBe(1);
    expect(store.ids({})).toEqual([event.id]);
  });

  if (backend === 'memory') return;

  it('is on disk when it says so: a copy of the files at that moment has it', async () => {
    await opened.journal.put('a', text('1'));
    await cp(join(folder, 'data'), join(folder, 'copy'), { recursive: true });
    const copy = await open(join(folder, 'copy'));
    expect(await records(copy.journal)).toEqual([['a', '1']]);
    await copy.store[Symbol.asyncDispose]();
  });

  it('is forced to the disk, with the events of the same turn in one write', async () => {
    const writes: unknown[] = [];
    interceptWrites(async (options) => void writes.push(options));
    const { written } = opened.store.put(makeEvent());
    await Promise.all([written, opened.journal.put('a', text('1')), opened.journal.delete('b')]);
    expect(writes).toEqual([{ sync: true }]);
  });

  it('outlives a stop, with what was not waited for', async () => {
    void opened.journal.put('a', text('1'));
    void opened.journal.put('b', text('2'));
    void opened.journal.delete('a');
    await opened.store[Symbol.asyncDispose]();
    opened = await open();
    expect(await records(opened.journal)).toEqual([['b', '2']]);
  });

  it('fails with the store, which then takes no more', async () => {
    interceptWrites(() => Promise.reject(new Error('no space left')));
    await expect(opened.journal.put('a', text('1'))).rejects.toThrow('no space left');
    await expect(opened.journal.put('b', text('1'))).rejects.toThrow('no space left');
    expect(() => opened.store.put(makeEvent())).toThrow('no space left');
  });

  it('leaves a damaged record out, and one under the name of another', async () => {
    for (const name of ['a', 'b', 'c']) void opened.journal.put(name, text(name));
    await opened.store[Symbol.asyncDispose]();
    const raw = new Level<Uint8Array, Uint8Array>(join(folder, 'data', 'events'), {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    await raw.put(text('ja'), text('nothing'));
    await raw.put(text('jb'), (await raw.get(text('jc'))) as Uint8Array);
    await raw.close();
    opened = await open();
    expect(await records(opened.journal)).toEqual([['c', 'c']]);
  });

  it('stands in no way of a program that does not know it: there is no other schema', async () => {
    await opened.journal.put('a', text('1'));
    await opened.store[Symbol.asyncDispose]();
    const raw = new Level<string, string>(join(folder, 'data', 'events'));
    expect(JSON.parse((await raw.get('m:schema')) ?? '')).toMatchObject({ schema: 2 });
    await raw.close();
    opened = await open();
  });
});
