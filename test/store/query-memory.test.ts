import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { Filter } from '../../src/nostr/filter.js';
import type { StoredEvent } from '../../src/store/event-store.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { makeEvent } from './support/events.js';

const now = 1_700_000_000;

/** Runs a query of so many filters that find so many events each; what it held before each chunk, and the chunks. */
async function run(
  filters: number,
  eventsEach: number,
  contentChars = 0,
  holdMax = Number.POSITIVE_INFINITY,
) {
  const { store } = createMemoryStore({ clock: new VirtualClock(now * 1_000) });
  for (let filter = 0; filter < filters; filter += 1)
    for (let at = 0; at < eventsEach; at += 1)
      store.put(
        makeEvent({
          created_at: now + at,
          tags: [['t', `${filter}`]],
          content: `${at}`.padEnd(contentChars, 'x'),
        }),
      );
  const chunks: (readonly StoredEvent[])[] = [];
  const held: number[][] = [[]];
  const memory = {
    hold(bytes: number) {
      held.at(-1)?.push(bytes);
      if (bytes > holdMax) throw new Error('too much');
    },
  };
  const asked = Array.from({ length: filters }, (_, filter) => ({ '#t': [`${filter}`], limit: eventsEach }));
  const answer = store.query(asked, undefined, memory);
  for await (const chunk of answer) {
    chunks.push(chunk);
    held.push([]);
  }
  return { chunks, held };
}

const bytesOf = (chunk: readonly StoredEvent[] = []) =>
  chunk.reduce((sum, { bytes }) => sum + bytes.length, 0);

describe('the memory of a query', () => {
  it('is what it found, at once, also what it found for later', async () => {
    const rows = limits.storeQueryFoundRowsMax;
    const { held } = await run(4, rows / 2);
    // Half of what is there is found in the first turn, and of each filter as much lies ready as of the others.
    expect(held[0]?.[0]).toBeGreaterThan(rows * 56);
    const { held: fewer } = await run(4, 10);
    expect(fewer[0]?.[0]).toBeLessThan(4 * 10 * 200);
  });

  it('is the chunk that was given and the one that is read meanwhile', async () => {
    const { chunks, held } = await run(1, 600, 2_000);
    expect(chunks.length).toBeGreaterThan(3);
    for (const [at, chunk] of chunks.entries())
      expect(
        held
          .slice(0, at + 1)
          .flat()
          .at(-1),
      ).toBeGreaterThan(bytesOf(chunk) + bytesOf(chunks[at + 1]));
  });

  it('ends it where there is no room for it', async () => {
    await expect(run(1, 600, 2_000, 0)).rejects.toThrow('too much');
    await expect(run(1, 600, 2_000, 300_000)).rejects.toThrow('too much');
  });
});

describe('the memory of a count', () => {
  const rows = 4_000;
  const list = Array.from({ length: 20 }, (_, at) => `${at}`);

  /** Counts what these match; what was held between its turns. */
  async function counted(filters: readonly Filter[], holdMax = Number.POSITIVE_INFINITY) {
    const { store } = createMemoryStore({ clock: new VirtualClock(now * 1_000), rowsPerTurn: 500 });
    for (let at = 0; at < rows; at += 1) {
      const value = `${at % list.length}`;
      const tags = [
        ['t', value],
        ['r', value],
      ];
      store.put(makeEvent({ created_at: now + at, kind: 1, tags }));
    }
    const held: number[] = [];
    const memory = {
      hold(bytes: number) {
        held.push(bytes);
        if (bytes > holdMax) throw new Error('too much');
      },
    };
    const turns = { isOver: false, spend: () => {}, next: async () => {} };
    expect(await store.countInTurns(filters, undefined, turns, memory)).toBe(rows);
    return held;
  }

  it('is a set of all rows for what it has seen, and what it looks through the columns with', async () => {
    const held = await counted([{ kinds: [1], since: now }, { kinds: [1] }]);
    expect(held.length).toBeGreaterThan(10);
    // A bit for each row, a byte for each kind, and the rows that a step finds.
    for (const bytes of held) expect(bytes).toBe(rows / 8 + 65_536 + rows * 4);
  });

  it('is also a set for each list of values while it gathers their rows', async () => {
    const held = await counted([
      { '#t': list, '#r': list },
      { '#t': list, '#r': list, since: now },
    ]);
    expect(new Set(held)).toEqual(new Set([(2 * rows) / 8, (3 * rows) / 8, (2 * rows) / 8 + rows * 4]));
  });

  it('ends it where there is no room for it', async () => {
    await expect(counted([{ kinds: [1], since: now }], 1_000)).rejects.toThrow('too much');
  });
});
