import { readFileSync } from 'node:fs';
import type { Options } from '../config/options.js';
import { type RelayInformationDocument, relayInformation } from '../http/relay-information.js';
import { limitationOf, servedNips } from '../relay/settings.js';
import { relaySettingsOf } from './settings.js';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly name: string;
  readonly version: string;
};

/** The version of the program. */
export const version: string = manifest.version;

/** The NIP-11 document of a daemon with these options. */
export function informationOf(options: Options, ownerPubkey: string): RelayInformationDocument {
  return relayInformation({
    name: options.relayName,
    description: options.relayDescription,
    pubkey: ownerPubkey,
    supportedNips: servedNips,
    software: manifest.name,
    version: manifest.version,
    icon: undefined,
    limitation: limitationOf(relaySettingsOf(options)),
    supportedGrasps: ['GRASP-02'],
    repoAcceptanceCriteria: acceptanceOf(options),
    curation: curationOf(options),
  });
}

/** Which announcements are accepted, in words. */
function acceptanceOf(options: Options): string {
  const accepted: string[] = [];
  if (!options.archiveReadOnly) {
    const which =
      options.repositoryWhitelist.length > 0 ? 'those on a whitelist that list' : 'those that list';
    accepted.push(`${which} ${options.domain} in both clone and relays`);
  }
  if (options.archiveAll) accepted.push('all others, as an archive');
  if (options.archiveWhitelist.length > 0) accepted.push('those on an archive whitelist');
  if (options.archiveGraspServices.length > 0) {
    accepted.push(`those that list one of ${options.archiveGraspServices.join(', ')}`);
  }
  return `Repository announcements: ${accepted.join('; ')}; and those of their maintainers.`;
}

function curationOf(options: Options): string | undefined {
  const isCurated =
    options.repositoryWhitelist.length + options.repositoryBlacklist.length + options.eventBlacklist.length >
    0;
  return isCurated
    ? 'The operator keeps lists of repositories or authors that are accepted or refused.'
    : undefined;
}
