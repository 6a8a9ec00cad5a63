import { describe, expect, it } from 'vitest';
import { randomInteger, seededRandom } from '../../src/lib/random.js';
import { type ColumnConditions, ColumnScan } from '../../src/store/index/column-scan.js';
import { RowSet } from '../../src/store/index/rows/row-set.js';
import { RowTable, rowState, rowsPerPage } from '../../src/store/index/rows/row-table.js';

const kinds = [0, 1, 30_617, 65_535];
const states = [
  rowState.free,
  rowState.dead,
  rowState.stored,
  rowState.refusedFirst,
  rowState.refusedLast,
  rowState.due,
  rowState.spentDeletion,
];

function fill(rowCount: number): RowTable {
  const random = seededRandom(rowCount);
  const rows = new RowTable();
  for (let row = 0; row < rowCount; row += 1) {
    const values = {
      createdAt: randomInteger(random, 100),
      sequence: row + 1,
      kind: kinds[randomInteger(random, kinds.length)]!,
      state: states[randomInteger(random, states.length)]!,
      sizeLog: 0,
      terms: 0,
    };
    rows.take(values, new Uint32Array(8), randomInteger(random, 5), [0, 0]);
  }
  return rows;
}

/** What a scan should find, from the rows one by one. */
function expected(rows: RowTable, conditions: ColumnConditions, candidates?: RowSet): number[] {
  const { wantsStored, since = 0, until = Number.POSITIVE_INFINITY } = conditions;
  return Array.from({ length: rows.end }, (_, row) => row).filter((row) => {
    const state = rows.state(row);
    return (
      candidates?.has(row) !== false &&
      (wantsStored ? state === rowState.stored : state >= rowState.refusedFirst) &&
      conditions.kinds?.has(rows.kind(row)) !== false &&
      conditions.authors?.has(rows.author(row)) !== false &&
      rows.createdAt(row) >= since &&
      rows.createdAt(row) <= until
    );
  });
}

function scanned(scan: ColumnScan, stepRows: number): { found: number[]; looked: number } {
  const found: number[] = [];
  let looked = 0;
  while (!scan.isDone) {
    const count = scan.step(stepRows);
    expect(count).toBeGreaterThanOrEqual(1);
    expect(count).toBeLessThanOrEqual(stepRows);
    looked += count;
    found.push(...scan.found.subarray(0, scan.foundCount));
  }
  return { found, looked };
}

const anything = { kinds: undefined, authors: undefined, since: undefined, until: undefined };
const conditions: ColumnConditions[] = [
  { wantsStored: true, ...anything },
  { wantsStored: false, ...anything },
  { ...anything, wantsStored: true, kinds: new Set([1, 65_535]), since: 20, until: 20 },
  { ...anything, wantsStored: true, authors: new Set([3, -1]), until: 70 },
  { wantsStored: false, kinds: new Set([0]), authors: new Set([1, 2]), since: 10, until: 90 },
  { ...anything, wantsStored: true, since: 90, until: 10 },
];

describe('a scan of columns', () => {
  it.each([0, 1, 4_097, rowsPerPage, 2 * rowsPerPage + 1_237])(
    'finds of %i rows what one finds row by row, in steps of any size',
    (rowCount) => {
      const rows = fill(rowCount);
      const some = new RowSet(rowCount);
      for (let row = 0; row < rowCount; row += 1 + ((row * 7) % 61)) some.add(row);
      for (const candidates of [undefined, some, new RowSet(rowCount)]) {
        for (const each of conditions) {
          const wanted = expected(rows, each, candidates);
          for (const stepRows of [37, 4_099, Number.POSITIVE_INFINITY]) {
            const { found, looked } = scanned(new ColumnScan(rows, each, candidates), stepRows);
            expect(found).toEqual(wanted);
            if (candidates === undefined) expect(looked).toBe(rowCount);
          }
        }
      }
    },
  );

  it('judges a row when it comes by it', () => {
    const rows = fill(100);
    const scan = new ColumnScan(rows, conditions[0]!);
    scan.step(50);
    for (let row = 0; row < 100; row += 1) rows.setState(row, rowState.dead);
    expect(scanned(scan, 50)).toEqual({ found: [], looked: 50 });
  });
});
