import { addressOf, formatAddress } from '../../nostr/address.js';
import { deletionTargets, isDeletion } from '../../nostr/deletion.js';
import { isAddressableKind, isReplaceableKind, kinds } from '../../nostr/kinds.js';
import type { EventStore } from '../event-store.js';

/**
 * Applies the rules of NIP-01 and 09 to what is stored, when writes in the middle of the log were lost: an event whose
 * removal was in them stands again, beside what came later. `kindsStored`: the kinds of which there are any.
 */
export async function reapplyRules(store: EventStore, kindsStored: readonly number[]): Promise<void> {
  const deletedUntil = await applyDeletions(store);
  const replaceable = kindsStored.filter((kind) => isReplaceableKind(kind) || isAddressableKind(kind));
  const seen = new Set<string>();
  for await (const events of store.query([{ kinds: replaceable }])) {
    for (const { event } of events) {
      const address = formatAddress(addressOf(event)!);
      const isDeleted = event.created_at <= (deletedUntil.get(address) ?? Number.NEGATIVE_INFINITY);
      // Newest first: whatever comes second at an address is overtaken.
      if (isDeleted || seen.has(address)) store.remove(event.id);
      seen.add(address);
    }
  }
  await store.flush();
}

/** Removes what stored requests delete by id; gives, by address, up to which time they delete it. */
async function applyDeletions(store: EventStore): Promise<Map<string, number>> {
  const deletedUntil = new Map<string, number>();
  for await (const requests of store.query([{ kinds: [kinds.deletion] }])) {
    for (const { event: request } of requests) {
      const { ids, addresses } = deletionTargets(request);
      for (const id of ids) {
        const event = (await store.get(id))?.event;
        if (event?.pubkey === request.pubkey && !isDeletion(event)) store.remove(id);
      }
      // Newest first.
      for (const address of addresses.map(formatAddress)) {
        if (!deletedUntil.has(address)) deletedUntil.set(address, request.created_at);
      }
    }
  }
  return deletedUntil;
}
