import { isLoopbackDomain } from '../config/host.js';
import type { Options } from '../config/options.js';
import { programHomepage, programVersion } from '../config/version.js';
import type { PublicAddress } from '../git-http/page/repository-links.js';
import { type RelayInformationDocument, relayInformation } from '../http/relay-information.js';
import { fixedRelaySettings, limitationOf, servedNips } from '../relay/settings.js';
import { acceptanceOf, curationOf, isArchive } from './curation.js';

/** The NIP-11 document of a daemon with these options. */
export function informationOf(options: Options, ownerPubkey: string): RelayInformationDocument {
  return relayInformation({
    name: options.relayName,
    description: options.relayDescription,
    pubkey: ownerPubkey,
    supportedNips: servedNips,
    software: programHomepage,
    version: programVersion,
    icon: options.relayIcon,
    limitation: limitationOf(fixedRelaySettings),
    supportedGrasps: graspsOf(options),
    repoAcceptanceCriteria: acceptanceOf(options),
    curation: curationOf(options),
  });
}

/**
 * The URL at which clients reach this relay. Under a name of its own TLS is ended before it; on loopback nothing
 * stands between.
 */
export function relayUrlOf({ domain }: Options): string {
  return `${isLoopbackDomain(domain) ? 'ws' : 'wss'}://${domain}`;
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
