import { decode } from 'nostr-tools/nip19';

const keyBytes = 32;

/** The public key of an `npub` (NIP-19) in hex; `undefined` when it is none. */
export function pubkeyOfNpub(text: string): string | undefined {
  const decoded = tryDecode(text);
  return decoded?.type === 'npub' && isWhole(decoded.data) ? decoded.data : undefined;
}

/** The id of an event in a `note` or `nevent` (NIP-19) in hex; `undefined` when it is none. */
export function eventIdOf(text: string): string | undefined {
  const decoded = tryDecode(text);
  if (decoded?.type === 'note') return isWhole(decoded.data) ? decoded.data : undefined;
  return decoded?.type === 'nevent' ? decoded.data.id : undefined;
}

/** Whether `text` is an `nsec` (NIP-19). */
export function isNsec(text: string): boolean {
  const decoded = tryDecode(text);
  return decoded?.type === 'nsec' && decoded.data.length === keyBytes;
}

/** nostr-tools decodes keys and ids of any length. */
function isWhole(hex: string): boolean {
  return hex.length === 2 * keyBytes;
}

function tryDecode(text: string): ReturnType<typeof decode> | undefined {
  try {
    return decode(text);
  } catch {
    return undefined;
  }
}
