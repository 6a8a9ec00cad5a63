import { decode } from 'nostr-tools/nip19';

/** The public key of an `npub` (NIP-19) in hex; `undefined` when it is none. */
export function pubkeyOfNpub(text: string): string | undefined {
  const decoded = tryDecode(text);
  return decoded?.type === 'npub' ? decoded.data : undefined;
}

/** The id of an event in a `note` or `nevent` (NIP-19) in hex; `undefined` when it is none. */
export function eventIdOf(text: string): string | undefined {
  const decoded = tryDecode(text);
  if (decoded?.type === 'note') return decoded.data;
  return decoded?.type === 'nevent' ? decoded.data.id : undefined;
}

/** Whether `text` is an `nsec` (NIP-19). */
export function isNsec(text: string): boolean {
  return tryDecode(text)?.type === 'nsec';
}

function tryDecode(text: string): ReturnType<typeof decode> | undefined {
  try {
    return decode(text);
  } catch {
    return undefined;
  }
}
