import { type RowTable, rowState } from './row-table.js';

/**
 * All living rows in order, and the place of each row in it. Numbers are sorted, not rows by comparison: the native
 * sort of numbers takes a tenth of the time. Only rows of the same second are compared.
 */
export function rowOrder(rows: RowTable): { order: Uint32Array; ranks: Uint32Array } {
  const { end } = rows;
  const times = new Float64Array(end);
  for (let row = 0; row < end; row += 1) times[row] = rows.createdAt(row);
  times.sort();
  const packed = new Float64Array(end);
  let count = 0;
  for (let row = 0; row < end; row += 1) {
    if (rows.state(row) <= rowState.dead) continue;
    // How many rows are newer, and the row: below 2^60, of which the rows at hand use far less than 53 bits.
    packed[count] = (end - upperBound(times, rows.createdAt(row))) * end + row;
    count += 1;
  }
  const sorted = packed.subarray(0, count).sort();
  const order = new Uint32Array(count);
  for (let at = 0; at < count; at += 1) order[at] = sorted[at]! % end;
  orderTies(rows, order);
  const ranks = new Uint32Array(end);
  for (let at = 0; at < count; at += 1) ranks[order[at]!] = at;
  return { order, ranks };
}

/** The number of values that are not above `value`. */
function upperBound(sorted: Float64Array, value: number): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle]! <= value) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Orders rows of the same second by id. */
function orderTies(rows: RowTable, order: Uint32Array): void {
  for (let begin = 0; begin < order.length; ) {
    const time = rows.createdAt(order[begin]!);
    let end = begin + 1;
    while (end < order.length && rows.createdAt(order[end]!) === time) end += 1;
    if (end - begin > 1) order.subarray(begin, end).sort((a, b) => rows.compare(a, b));
    begin = end;
  }
}
