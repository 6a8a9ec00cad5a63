import { isHex32 } from '../lib/bytes.js';
import { firstTagValue, isKind, type NostrEvent } from './event.js';
import { isAddressableKind, isReplaceableKind } from './kinds.js';

/** The coordinates of a replaceable or addressable event (NIP-01); the identifier is `''` when replaceable. */
export type Address = { readonly kind: number; readonly pubkey: string; readonly identifier: string };

/** `<kind>:<pubkey>:<identifier>`, as in `a` tags. */
export function formatAddress(address: Address): string {
  return `${address.kind}:${address.pubkey}:${address.identifier}`;
}

/** Reads an `a` value. It is split at its first two colons only: an identifier may contain more. */
export function parseAddress(text: string): Address | undefined {
  const first = text.indexOf(':');
  const second = text.indexOf(':', first + 1);
  if (first < 1 || first > 5 || second < 0) return undefined;
  const kindText = text.slice(0, first);
  const kind = Number(kindText);
  const pubkey = text.slice(first + 1, second);
  if (!isKind(kind) || String(kind) !== kindText || !isHex32(pubkey)) return undefined;
  return { kind, pubkey, identifier: text.slice(second + 1) };
}

/** The address under which an event stands, if its kind is replaceable or addressable. */
export function addressOf(event: NostrEvent): Address | undefined {
  if (isReplaceableKind(event.kind)) return { kind: event.kind, pubkey: event.pubkey, identifier: '' };
  if (!isAddressableKind(event.kind)) return undefined;
  return { kind: event.kind, pubkey: event.pubkey, identifier: firstTagValue(event, 'd') ?? '' };
}

/** The same as text. */
export function addressTextOf(event: NostrEvent): string | undefined {
  const address = addressOf(event);
  return address && formatAddress(address);
}

/** Whether `a` replaces `b` at the same address: the newer wins, on a tie the lower id (NIP-01). */
export function supersedes(
  a: Pick<NostrEvent, 'created_at' | 'id'>,
  b: Pick<NostrEvent, 'created_at' | 'id'>,
): boolean {
  return a.created_at !== b.created_at ? a.created_at > b.created_at : a.id < b.id;
}
