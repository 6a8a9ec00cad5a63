import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { type Address, addressOf } from '../../src/nostr/address.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { EventIndex } from '../../src/store/index/event-index.js';
import { imageOf, restoreImage } from '../../src/store/index/index-image.js';
import { ListCursor } from '../../src/store/index/postings/list-cursor.js';
import { keyWords, readKey, rowKeys } from '../../src/store/index/rows/key-words.js';
import { RowTable, rowState } from '../../src/store/index/rows/row-table.js';
import { TermList } from '../../src/store/index/terms.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { breachOf, deletedRows, replacedRows, statusOf } from '../../src/store/rules.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { hex32, makeEvent } from './support/events.js';

const now = 1_700_000_000;
const seed = new Uint8Array(8).fill(7);
const authors = [hex32('alice'), hex32('bob')];
const identifiers = ['', 'a'];

let made = 0;
function version(author: number, identifier: number, age: number): NostrEvent {
  made += 1;
  const tags = [['d', identifiers[identifier]!]];
  return makeEvent({
    pubkey: authors[author]!,
    kind: 30_617,
    created_at: now - age,
    tags,
    content: `${made}`,
  });
}

function insert(index: EventIndex, event: NostrEvent, state: number): number {
  const terms = new TermList(index.hasher);
  terms.setEvent(event);
  const { created_at: createdAt, kind } = event;
  const sequence = index.nextSequence;
  return index.insert({ ...rowKeys(event), createdAt, kind, sequence, state, sizeLog: 0, time: 0 }, terms);
}

/** The stored rows at an address by definition: those of its list that are stored. */
function standing(index: EventIndex, address: Address): number[] {
  const rows: number[] = [];
  const cursor = new ListCursor(
    index.lists,
    index.listOf((terms) => terms.address(address)),
    undefined,
  );
  for (; cursor.row >= 0; cursor.advance())
    if (index.rows.state(cursor.row) === rowState.stored) rows.push(cursor.row);
  return rows;
}

/** Whether one of these rows comes before the event, and is not its own. */
function isOvertaken(index: EventIndex, rows: readonly number[], event: NostrEvent): boolean {
  const id = new Uint32Array(keyWords);
  readKey(event.id, id);
  const place = { createdAt: event.created_at, id, after: true };
  return rows.some((row) => index.rows.idHex(row) !== event.id && !index.rows.isBehind(row, place));
}

const inOrder = (rows: Iterable<number>): number[] => [...rows].sort((a, b) => a - b);

/** What the rules say of all addresses and versions is what they say by definition. */
function check(index: EventIndex, versions: ReadonlyMap<number, NostrEvent>): void {
  for (const author of authors.keys()) {
    for (const identifier of identifiers.keys()) {
      for (const age of [0, 2, 4, 9]) {
        const event = version(author, identifier, age);
        const rows = standing(index, addressOf(event)!);
        const status = isOvertaken(index, rows, event) ? 'superseded' : 'stored';
        expect(statusOf(index, event, now)).toBe(status);
        if (status === 'stored') expect(inOrder(replacedRows(index, event))).toEqual(inOrder(rows));
        const tags = [['a', `30617:${event.pubkey}:${identifiers[identifier]}`]];
        const request = makeEvent({ kind: 5, pubkey: event.pubkey, created_at: event.created_at, tags });
        const older = rows.filter((row) => index.rows.createdAt(row) <= event.created_at);
        expect(inOrder(deletedRows(index, request).withOlder)).toEqual(inOrder(older));
      }
    }
  }
  for (const [row, event] of versions) {
    if (index.rows.state(row) !== rowState.stored) continue;
    const breach = isOvertaken(index, standing(index, addressOf(event)!), event) ? 'overtaken' : undefined;
    expect(breachOf(index, event, row)).toBe(breach);
  }
}

/** The same index, as it is read from a snapshot. */
function restored(index: EventIndex): EventIndex {
  const { numbers, parts } = imageOf(index);
  const anew = new EventIndex(seed);
  restoreImage(
    anew,
    numbers,
    parts.map((part) => part.slice().buffer),
  );
  return anew;
}

it('what stands at an address is what is stored of its list, whatever became of the versions', () => {
  const step = fc.record({
    type: fc.constantFrom('store', 'store', 'refuse', 'replace', 'hide', 'show', 'kill', 'restart'),
    author: fc.nat(authors.length - 1),
    identifier: fc.nat(identifiers.length - 1),
    age: fc.nat(5),
    pick: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      let index = new EventIndex(seed);
      const versions = new Map<number, NostrEvent>();
      for (const { type, author, identifier, age, pick } of steps) {
        const event = version(author, identifier, age);
        const rows = [...versions.keys()];
        const row = rows[pick % rows.length] ?? -1;
        const state = row < 0 ? rowState.free : index.rows.state(row);
        if (type === 'store') versions.set(insert(index, event, rowState.stored), event);
        else if (type === 'refuse') versions.set(insert(index, event, rowState.refusedFirst), event);
        else if (type === 'restart') index = restored(index);
        else if (type === 'show' && state === rowState.due) index.restate(row, rowState.stored);
        else if (type === 'kill' && row >= 0) {
          index.kill(row);
          versions.delete(row);
        } else if (state === rowState.stored && type === 'hide') index.restate(row, rowState.due);
        else if (state === rowState.stored && type === 'replace')
          index.refuse(row, rowState.refusedFirst, now);
      }
      check(index, versions);
    }),
    { numRuns: 100, seed: 30617 },
  );
});

it('what becomes of a version is found at once, however many others were refused', () => {
  /** How many rows are looked at for a version that is superseded, for the newest, and for their deletion. */
  function looks(older: number): number[] {
    const { store, refused } = createMemoryStore({ clock: new VirtualClock(now * 1_000) });
    store.put(version(0, 0, 5));
    for (let at = 0; at < older; at += 1) {
      expect(store.put(version(0, 0, 6 + at)).status).toBe('superseded');
      refused.add(version(0, 0, 3), 'blocked: because');
    }
    const tags = [['a', `30617:${authors[0]}:`]];
    const deletion = makeEvent({ kind: 5, pubkey: authors[0]!, created_at: now, tags });
    const looked = vi.spyOn(RowTable.prototype, 'state');
    try {
      return [version(0, 0, 6), version(0, 0, 2), deletion].map((event) => {
        looked.mockClear();
        store.put(event);
        return looked.mock.calls.length;
      });
    } finally {
      vi.restoreAllMocks();
    }
  }
  expect(looks(300)).toEqual(looks(10));
});
