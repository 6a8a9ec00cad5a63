import { describe, expect, it } from 'vitest';
import { exportLines } from '../../src/backup/export.js';
import type { Filter } from '../../src/nostr/filter.js';
import { backupWorld } from './backup-world.js';
import { note, put } from './contents.js';

const turns = { isOver: false, next: async () => {}, spend: () => {} };

describe('an export', () => {
  it('is of one moment: what is replaced while it is read is in it, what comes is not', async () => {
    await using world = await backupWorld();
    const before = Array.from({ length: 300 }, (_, number) => note(number));
    const replaced = note(0, { kind: 10_000 });
    await put(world, ...before, replaced);
    const lines = exportLines({ store: world.store, image: world.image!, turns }, [{}], signal);
    const pieces = [(await lines.next()).value];
    await put(world, note(1, { kind: 10_000 }), note(1_000));
    expect(world.store.has(replaced.id)).toBe(false);
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) {
        expect(value).toEqual({ events: 301, damaged: 0 });
        break;
      }
      pieces.push(value);
    }
    const events = Buffer.concat(pieces as Buffer[])
      .toString()
      .trim()
      .split('\n');
    expect(events.map((line) => JSON.parse(line))).toEqual([...before, replaced]);
  });

  it('has what matches, or the newest of it', async () => {
    await using world = await backupWorld();
    const notes = [note(1), note(2), note(3, { kind: 7 })];
    await put(world, ...notes);
    const idsOf = async (...filters: Filter[]): Promise<string[]> => {
      const ids: string[] = [];
      for await (const lines of exportLines(
        { store: world.store, image: world.image!, turns },
        filters,
        signal,
      )) {
        for (const line of lines.toString().trim().split('\n')) ids.push(JSON.parse(line).id);
      }
      return ids;
    };
    const [one, two, three] = notes.map(({ id }) => id);
    expect(await idsOf({ kinds: [1] })).toEqual([one, two]);
    expect(await idsOf({ kinds: [7] }, { ids: [one!] })).toEqual([one, three]);
    expect(await idsOf({ limit: 2 })).toEqual([three, two]);
    expect(await idsOf({ kinds: [9] })).toEqual([]);
  });
});

const { signal } = new AbortController();
