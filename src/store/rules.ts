import { addressOf } from '../nostr/address.js';
import { deletionTargets, isDeletion } from '../nostr/deletion.js';
import { isExpired, type NostrEvent } from '../nostr/event.js';
import { isEphemeralKind } from '../nostr/kinds.js';
import type { PutStatus } from './event-store.js';
import type { EventIndex } from './index/event-index.js';
import { ListCursor } from './index/postings/list-cursor.js';
import type { ListRef } from './index/postings/posting-lists.js';
import { keyWords, readKey } from './index/rows/key-words.js';
import { rowState } from './index/rows/row-table.js';

/** Of what is stored, was until it expired and is still to be let go of, or keeps its effect for good. */
export const keptStates: ReadonlySet<number> = new Set([
  rowState.stored,
  rowState.due,
  rowState.spentDeletion,
]);

/** What the stored events say of a new one (NIP-01, NIP-09, NIP-40), at `nowSeconds`. */
export function statusOf(index: EventIndex, event: NostrEvent, nowSeconds: number): PutStatus {
  const known = index.find(event.id);
  const state = known < 0 ? rowState.free : index.rows.state(known);
  if (state === rowState.stored) return 'duplicate';
  // One that is due has expired, also where the clock was set back since.
  if (state === rowState.due || isExpired(event, nowSeconds)) return 'expired';
  if (isEphemeralKind(event.kind)) return 'ephemeral';
  if (isDeleted(index, event)) return 'deleted';
  if (standing(index, event).some(({ isOlder }) => !isOlder)) return 'superseded';
  return 'stored';
}

/** By which rule a stored event ought not to stand, in an index that was changed by these rules only; its row is `own`. */
export function breachOf(
  index: EventIndex,
  event: NostrEvent,
  own: number,
): Extract<PutStatus, 'ephemeral' | 'deleted'> | 'overtaken' | undefined {
  if (isEphemeralKind(event.kind)) return 'ephemeral';
  if (isDeleted(index, event)) return 'deleted';
  const isOvertaken = standing(index, event).some(({ row, isOlder }) => row !== own && !isOlder);
  return isOvertaken ? 'overtaken' : undefined;
}

/** The rows that a new event takes the place of (NIP-01); it must not be superseded itself. */
export function replacedRows(index: EventIndex, event: NostrEvent): number[] {
  return standing(index, event).map(({ row }) => row);
}

/** The rows that a deletion request deletes: those at an address that it names with all older versions, the others alone. */
export type DeletedRows = { readonly withOlder: ReadonlySet<number>; readonly alone: ReadonlySet<number> };

/** The rows that a deletion request deletes (NIP-09): only its author's, and never a deletion request. */
export function deletedRows(index: EventIndex, event: NostrEvent): DeletedRows {
  const withOlder = new Set<number>();
  const alone = new Set<number>();
  if (!isDeletion(event)) return { withOlder, alone };
  const author = index.findAuthor(event.pubkey);
  const { ids, addresses } = deletionTargets(event);
  for (const address of addresses) {
    for (const row of index.standingAt(address))
      if (index.rows.createdAt(row) <= event.created_at) withOlder.add(row);
  }
  for (const id of ids) {
    const row = index.findStored(id);
    if (row < 0 || index.rows.author(row) !== author || isDeletion({ kind: index.rows.kind(row) })) continue;
    if (!withOlder.has(row)) alone.add(row);
  }
  return { withOlder, alone };
}

/** Whether a deletion request keeps an event out: one that is stored, or was until it expired. */
function isDeleted(index: EventIndex, event: NostrEvent): boolean {
  if (isDeletion(event)) return false;
  const byId = index.listOf((terms) => terms.deletedId(event.pubkey, event.id));
  // Asked of every event and true of hardly any: no walk is begun over a list that is not there.
  if (byId !== 0) for (const _ of effectiveRows(index, byId)) return true;
  const address = addressOf(event);
  if (address === undefined) return false;
  const byAddress = index.listOf((terms) => terms.deletedAddress(address));
  // The newest request comes first, and it reaches furthest.
  for (const row of effectiveRows(index, byAddress)) return index.rows.createdAt(row) >= event.created_at;
  return false;
}

/** The stored rows at the address of a replaceable or addressable event, and whether each is older than the event. */
function standing(index: EventIndex, event: NostrEvent): { row: number; isOlder: boolean }[] {
  const address = addressOf(event);
  if (address === undefined) return [];
  const id = new Uint32Array(keyWords);
  readKey(event.id, id);
  const place = { createdAt: event.created_at, id, after: true };
  return index.standingAt(address).map((row) => ({ row, isOlder: index.rows.isBehind(row, place) }));
}

/** Of a list of deletion requests, those that have effect. */
function* effectiveRows(index: EventIndex, list: ListRef): Generator<number> {
  const cursor = new ListCursor(index.lists, list, undefined);
  for (; cursor.row >= 0; cursor.advance())
    if (keptStates.has(index.rows.state(cursor.row))) yield cursor.row;
}
