import { naddrEncode } from 'nostr-tools/nip19';
import { npubOf } from '../../nostr/keys.js';
import { kinds } from '../../nostr/kinds.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';

/** How the world reaches this service. */
export type PublicAddress = {
  /** `https://<domain>`, or `http://` on loopback. */
  readonly webUrl: string;
  readonly relayUrl: string;
  readonly domain: string;
};

/** What users clone with: the `nostr://` URL of `git-remote-nostr`, then ours for plain git. */
export function cloneUrlsOf(
  { pubkey, identifier }: RepositoryId,
  { webUrl, domain }: PublicAddress,
): string[] {
  const npub = npubOf(pubkey);
  const name = segmentOf(identifier);
  return [`nostr://${npub}/${domain}/${name}`, `${webUrl}/${npub}/${name}.git`];
}

/** Where a repository can be looked at, and its issues and pull requests. */
export function linksOf(
  { pubkey, identifier }: RepositoryId,
  { relayUrl, domain }: PublicAddress,
): { readonly text: string; readonly url: string }[] {
  const kind = kinds.repositoryAnnouncement;
  const naddr = naddrEncode({ kind, pubkey, identifier, relays: [relayUrl] });
  const path = `${npubOf(pubkey)}/${segmentOf(domain)}/${segmentOf(identifier)}`;
  return [
    { text: 'gitworkshop.dev', url: `https://gitworkshop.dev/${path}` },
    { text: 'your own Nostr client', url: `nostr:${naddr}` },
  ];
}

/** A segment of a path in which nothing means anything to a shell either. */
function segmentOf(text: string): string {
  const percent = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replaceAll(/[!'()*~]/g, percent);
}
