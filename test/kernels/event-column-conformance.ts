import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KernelUsageError } from '../../src/kernels/errors.js';
import type { EventColumn, KernelEvent, KernelFilter, Kernels } from '../../src/kernels/kernels.js';
import { randomInteger, seededRandom } from '../../src/lib/random.js';
import { event, filter } from './arbitraries.js';
import { ascending, filterCases, matchesByNostrTools, note } from './filter-cases.js';

function expectSame(column: EventColumn, rows: ReadonlyMap<number, KernelEvent>, wanted: KernelFilter): void {
  const expected = [...rows].filter(([, each]) => matchesByNostrTools(wanted, each)).map(([row]) => row);
  expect(ascending(column.select(wanted))).toEqual(ascending(expected));
}

export function eventColumnConformance(create: () => Kernels): void {
  const kernels = create();

  it.each(filterCases)('%s', (_, wanted, matches) => {
    using column = kernels.createEventColumn();
    const row = column.add(note);
    expect(column.select(wanted)).toEqual(matches ? [row] : []);
  });

  it('agrees with nostr-tools while events come and go', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 40 }),
        fc.array(fc.nat()),
        fc.array(filter, { maxLength: 12 }),
        (events, removals, filters) => {
          using column = kernels.createEventColumn();
          const rows = new Map<number, KernelEvent>();
          events.forEach((each, i) => {
            // Ids differ, but some of them are those that filters ask for.
            const id = [...rows.values()].some((other) => other.id === each.id) ? `${i}` : each.id;
            rows.set(column.add({ ...each, id }), { ...each, id });
            const row = [...rows.keys()][(removals[i] ?? 0) % rows.size];
            if (removals[i] === undefined || row === undefined) return;
            column.remove(row);
            rows.delete(row);
          });
          expect(column.size).toBe(rows.size);
          for (const wanted of filters) expectSame(column, rows, wanted);
        },
      ),
      { seed: 11, numRuns: 200 },
    );
  });

  it('agrees with nostr-tools over thousands of events, half of which are replaced', () => {
    const random = seededRandom(12);
    using column = kernels.createEventColumn();
    const rows = new Map<number, KernelEvent>();
    const value = () => `v${randomInteger(random, 500)}`;
    for (let i = 0; i < 4000; i++) {
      const tags = Array.from({ length: randomInteger(random, 12) }, () => [value().slice(1, 2), value()]);
      const each = { id: `${i}`, pubkey: value(), kind: randomInteger(random, 20), created_at: i, tags };
      rows.set(column.add(each), each);
      if (i % 2 === 0) continue;
      const row = [...rows.keys()][randomInteger(random, rows.size)]!;
      column.remove(row);
      rows.delete(row);
    }
    for (let i = 0; i < 40; i++) {
      const several = () => Array.from({ length: 1 + randomInteger(random, 60) }, value);
      expectSame(column, rows, { '#1': several() });
      expectSame(column, rows, { authors: several(), kinds: [1, 2, 3], since: 500, until: 3500 });
      expectSame(column, rows, { '#2': several(), '#3': several(), kinds: [1, 2, 3, 4, 5, 6, 7] });
    }
  });

  it('refuses what cannot be meant', () => {
    const column = kernels.createEventColumn();
    const row = column.add(note);
    expect(() => column.add(note)).toThrow(KernelUsageError);
    column.remove(row);
    expect(() => column.remove(row)).toThrow(KernelUsageError);
    expect(column.add(note)).toBe(row);
    column[Symbol.dispose]();
    column[Symbol.dispose]();
    expect(() => column.select({})).toThrow(KernelUsageError);
    expect(() => column.add(note)).toThrow(KernelUsageError);
  });
}
