import { isHex32 } from '../lib/bytes.js';
import { type Address, parseAddress } from './address.js';
import { type NostrEvent, tagValues } from './event.js';
import { kinds } from './kinds.js';

/** What a kind 5 event asks to delete (NIP-09): ids, and addresses up to the request's own time. */
export type DeletionTargets = { readonly ids: readonly string[]; readonly addresses: readonly Address[] };

/**
 * Reads a deletion request, each target once. Addresses of other authors are left out: nobody deletes what is not theirs.
 */
export function deletionTargets(event: NostrEvent): DeletionTargets {
  const ids = new Set(tagValues(event, 'e').filter(isHex32));
  const addresses = [...new Set(tagValues(event, 'a'))].flatMap((value) => {
    const address = parseAddress(value);
    return address !== undefined && address.pubkey === event.pubkey ? [address] : [];
  });
  return { ids: [...ids], addresses };
}

/** Whether the event is a deletion request, which no deletion request can delete (NIP-09). */
export function isDeletion(event: Pick<NostrEvent, 'kind'>): boolean {
  return event.kind === kinds.deletion;
}
