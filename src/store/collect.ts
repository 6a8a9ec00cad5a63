import { type RecordSetBuilder, recordBytes } from '../kernels/kernels.js';
import type { Filter } from '../nostr/filter.js';
import type { EventIndex } from './index/event-index.js';
import { FilterPlan, type RowClass } from './index/filter-plan.js';
import { keyWords } from './index/key-words.js';
import type { RowTable } from './index/row-table.js';

const rowsPerAppend = 4_096;

/** Appends (created_at, id) of all rows that match. */
export function collectRows(
  index: EventIndex,
  filter: Filter,
  rowClass: RowClass,
  target: RecordSetBuilder,
): void {
  const found = new Uint32Array(rowsPerAppend);
  let count = 0;
  new FilterPlan(index, filter, rowClass).forEachMatch((row) => {
    found[count] = row;
    count += 1;
    if (count === rowsPerAppend) {
      appendRecords(index.rows, found, target);
      count = 0;
    }
    return true;
  });
  if (count > 0) appendRecords(index.rows, found.subarray(0, count), target);
}

function appendRecords(rows: RowTable, found: Uint32Array, target: RecordSetBuilder): void {
  const bytes = target.append(found.length);
  // Records are ten words each; a view that is not aligned to words is filled by way of a copy.
  const aligned = bytes.byteOffset % 4 === 0;
  const words = aligned
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    : new Uint32Array(bytes.byteLength / 4);
  let at = 0;
  for (const row of found) {
    const createdAt = rows.createdAt(row);
    words[at] = createdAt % 2 ** 32;
    words[at + 1] = createdAt / 2 ** 32;
    const page = rows.keyPage(row);
    const offset = rows.keyOffset(row);
    for (let word = 0; word < keyWords; word += 1) words[at + 2 + word] = page[offset + word]!;
    at += recordBytes / 4;
  }
  if (!aligned) bytes.set(new Uint8Array(words.buffer));
}
