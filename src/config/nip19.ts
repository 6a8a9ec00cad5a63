import { decode } from 'nostr-tools/nip19';

/** The public key of an `npub` (NIP-19) in hex; `undefined` when it is none. */
export function pubkeyOfNpub(text: string): string | undefined {
  const decoded = tryDecode(text);
  return decoded?.type === 'npub' ? decoded.data : undefined;
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
