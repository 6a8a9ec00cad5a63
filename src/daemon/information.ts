import { isLoopbackDomain } from '../config/host.js';
import type { Options } from '../config/options.js';
import { programSoftware, programVersion } from '../config/version.js';
import type { PublicAddress } from '../git-http/page/repository-links.js';
import { iconPath } from '../http/pages/icon.js';
import { type RelayInformationDocument, relayInformation } from '../http/relay-information.js';
import type { ModerationLists } from '../moderation/lists.js';
import { normaliseRelayUrl, tryNormaliseRelayUrl } from '../nostr/relay-url.js';
import { fixedRelaySettings, limitationOf, servedNips } from '../relay/settings.js';
import { acceptanceOf, curationOf, isArchive } from './curation.js';

/** The NIP-11 document of a daemon with these options, and with what was changed while it runs. */
export function informationOf(
  options: Options,
  ownerPubkey: string,
  lists?: Pick<ModerationLists, 'text' | 'entries'>,
): RelayInformationDocument {
  return relayInformation({
    name: lists?.text('name') ?? options.relayName,
    description: lists?.text('description') ?? options.relayDescription,
    pubkey: ownerPubkey,
    supportedNips: servedNips,
    software: programSoftware,
    version: programVersion,
    icon: lists?.text('icon') ?? options.relayIcon ?? `${publicAddressOf(options).webUrl}${iconPath}`,
    limitation: limitationOf(fixedRelaySettings),
    supportedGrasps: graspsOf(options),
    repoAcceptanceCriteria: acceptanceOf(options),
    curation: curationOf(options, (lists?.entries('banned-pubkey').size ?? 0) > 0),
  });
}

/**
 * The URL at which clients reach this relay. Under a name of its own TLS is ended before it; on loopback nothing
 * stands between.
 */
export function relayUrlOf({ domain }: Pick<Options, 'domain'>): string {
  return `${isLoopbackDomain(domain) ? 'ws' : 'wss'}://${domain}`;
}

/** Whether a URL, of whichever protocol, is that of this relay as clients reach it (NIP-86, NIP-98). */
export function isRelayUrl(options: Pick<Options, 'domain'>, text: string): boolean {
  return tryNormaliseRelayUrl(text.replace(/^http/i, 'ws')) === normaliseRelayUrl(relayUrlOf(options));
}

/** How the world reaches this service. */
export function publicAddressOf(options: Options): PublicAddress {
  const relayUrl = relayUrlOf(options);
  return { relayUrl, webUrl: relayUrl.replace(/^ws/, 'http'), domain: options.domain };
}

/** The GRASP texts that are followed: hosting, sync, archives where there is one, and pull requests of others where wanted. */
export function graspsOf(options: Options): string[] {
  const archive = isArchive(options) ? ['GRASP-05'] : [];
  return ['GRASP-01', 'GRASP-02', ...archive, ...(options.grasp06Enable ? ['GRASP-06'] : [])];
}
