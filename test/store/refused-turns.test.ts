import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { randomInteger, seededRandom } from '../../src/lib/random.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { collected, refusedInTurns } from './support/answers.js';
import { hex32, makeEvent } from './support/events.js';

const now = 1_700_000_000;
const authors = [hex32('a'), hex32('b'), hex32('c')] as const;

function eventOf(n: number): NostrEvent {
  return makeEvent({
    pubkey: authors[n % 3]!,
    // Some replace each other, so that stored ones are refused later.
    kind: n % 25 === 0 ? 0 : 6 + (n % 4),
    created_at: now + (n % 50),
    tags: [['t', `${n % 4}`]],
    content: `${n}`,
  });
}

const filters: Filter[] = [
  {},
  { kinds: [6] },
  { kinds: [0, 6], authors: [authors[0]] },
  { authors: [authors[1]], since: now + 20 },
  { '#t': ['1', '2'], until: now + 30 },
  { '#t': ['3'], kinds: [9] },
  { ids: [eventOf(7).id, eventOf(8).id] },
  { kinds: [99] },
];

/** Events of which every `refusedOf`th is refused. */
function filled(events: number, refusedOf: number, rowsPerTurn: number): OpenedStore {
  const opened = createMemoryStore({ clock: new VirtualClock(now * 1_000), rowsPerTurn });
  for (let n = 0; n < events; n += 1) change(opened, n, n % refusedOf === 0);
  return opened;
}

function change({ store, refused }: OpenedStore, n: number, isRefused: boolean): void {
  if (isRefused) refused.add(eventOf(n), 'blocked: for a test');
  else store.put(eventOf(n));
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('what is refused, collected in turns', () => {
  it.each([
    ['few of many', 20],
    ['many', 2],
  ])('is what is collected at once: %s', async (_, refusedOf) => {
    const { refused } = filled(1_000, refusedOf, 7);
    for (const filter of filters)
      expect(await refusedInTurns(refused, filter)).toEqual(collected(refused, filter));
  });

  it('looks at so many rows in a turn, and at those that are refused only where they are few', async () => {
    const turnsOf = async ({ refused }: OpenedStore) => {
      let isDone = false;
      void refusedInTurns(refused, { kinds: [6, 7, 8, 9] }).then(() => {
        isDone = true;
      });
      let turns = 0;
      for (await Promise.resolve(); !isDone; turns += 1) await turn();
      return turns;
    };
    expect(await turnsOf(filled(1_000, 2, 100))).toBeGreaterThanOrEqual(1_000 / 100);
    expect(await turnsOf(filled(1_000, 20, 100))).toBeLessThan(3);
  });

  it('has what was there and stays, and nothing that never was, whatever happens between the turns', async () => {
    const changes = fc.array(fc.array(fc.nat(400), { maxLength: 15 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(changes, fc.constantFrom(...filters), fc.integer(), async (turns, filter, seed) => {
        const opened = filled(300, 3, 11);
        const random = seededRandom(seed);
        const before = collected(opened.refused, filter);
        const collecting = refusedInTurns(opened.refused, filter);
        const added = new Set<string>();
        const gone = new Set<string>();
        opened.refused.observe({
          added: ({ id }) => added.add(id),
          forgotten: ({ id }) => gone.add(id),
        });
        for (const numbers of turns) {
          for (const n of numbers) {
            if (randomInteger(random, 2) === 0) opened.refused.delete(eventOf(n).id);
            else change(opened, n, randomInteger(random, 2) === 0);
          }
          await turn();
        }
        const found = new Set(await collecting);
        for (const id of before) if (!gone.has(id)) expect(found.has(id)).toBe(true);
        for (const id of found) expect(before.includes(id) || added.has(id)).toBe(true);
      }),
      { numRuns: 60, seed: 9 },
    );
  });

  it('ends between two turns when that is asked for', async () => {
    const { refused } = filled(1_000, 2, 7);
    const end = new AbortController();
    const append = vi.fn((count: number) => new Uint8Array(count * 40));
    const collecting = refused.collectInTurns({}, { append } as never, end.signal);
    const calls = append.mock.calls.length;
    end.abort(new Error('enough'));
    await expect(collecting).rejects.toThrow('enough');
    expect(append.mock.calls.length).toBe(calls);
  });
});
