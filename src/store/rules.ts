import { addressOf } from '../nostr/address.js';
import { deletionTargets, isDeletion } from '../nostr/deletion.js';
import { isExpired, type NostrEvent } from '../nostr/event.js';
import { isEphemeralKind } from '../nostr/kinds.js';
import type { PutStatus } from './event-store.js';
import type { EventIndex } from './index/event-index.js';
import { keyWords, readKey } from './index/key-words.js';
import { ListCursor } from './index/list-cursor.js';
import type { ListRef } from './index/posting-lists.js';
import { rowState } from './index/row-table.js';

/** What the stored events say of a new one (NIP-01, NIP-09, NIP-40), at `nowSeconds`. */
export function statusOf(index: EventIndex, event: NostrEvent, nowSeconds: number): PutStatus {
  if (index.findStored(event.id) >= 0) return 'duplicate';
  if (isExpired(event, nowSeconds)) return 'expired';
  if (isEphemeralKind(event.kind)) return 'ephemeral';
  if (isDeleted(index, event)) return 'deleted';
  if (standing(index, event).some(({ isOlder }) => !isOlder)) return 'superseded';
  return 'stored';
}

/** The rows that a new event takes the place of (NIP-01); it must not be superseded itself. */
export function replacedRows(index: EventIndex, event: NostrEvent): number[] {
  return standing(index, event).map(({ row }) => row);
}

/** The rows that a deletion request deletes (NIP-09): only its author's, and never a deletion request. */
export function deletedRows(index: EventIndex, event: NostrEvent): number[] {
  if (!isDeletion(event)) return [];
  const author = index.findAuthor(event.pubkey);
  const { ids, addresses } = deletionTargets(event);
  const found = new Set<number>();
  for (const id of ids) {
    const row = index.findStored(id);
    if (row < 0 || index.rows.author(row) !== author || isDeletion({ kind: index.rows.kind(row) })) continue;
    found.add(row);
  }
  for (const address of addresses) {
    for (const row of storedRows(
      index,
      index.listOf((terms) => terms.address(address)),
    )) {
      if (index.rows.createdAt(row) <= event.created_at) found.add(row);
    }
  }
  return [...found];
}

/** Whether a stored deletion request keeps an event out. */
function isDeleted(index: EventIndex, event: NostrEvent): boolean {
  if (isDeletion(event)) return false;
  const byId = index.listOf((terms) => terms.deletedId(event.pubkey, event.id));
  // Asked of every event and true of hardly any: no walk is begun over a list that is not there.
  if (byId !== 0) for (const _ of storedRows(index, byId)) return true;
  const address = addressOf(event);
  if (address === undefined) return false;
  const byAddress = index.listOf((terms) => terms.deletedAddress(address));
  // The newest request comes first, and it reaches furthest.
  for (const row of storedRows(index, byAddress)) return index.rows.createdAt(row) >= event.created_at;
  return false;
}

/** The stored rows at the address of a replaceable or addressable event, and whether each is older than the event. */
function standing(index: EventIndex, event: NostrEvent): { row: number; isOlder: boolean }[] {
  const address = addressOf(event);
  if (address === undefined) return [];
  const id = new Uint32Array(keyWords);
  readKey(event.id, id);
  const place = { createdAt: event.created_at, id, after: true };
  const list = index.listOf((terms) => terms.address(address));
  return [...storedRows(index, list)].map((row) => ({ row, isOlder: index.rows.isBehind(row, place) }));
}

function* storedRows(index: EventIndex, list: ListRef): Generator<number> {
  const cursor = new ListCursor(index.lists, list, undefined);
  for (; cursor.row >= 0; cursor.advance()) {
    if (index.rows.state(cursor.row) === rowState.stored) yield cursor.row;
  }
}
