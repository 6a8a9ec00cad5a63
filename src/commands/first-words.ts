import { formatBindAddress } from '../config/host.js';
import type { Options } from '../config/options.js';
import { urlOf } from '../config/url.js';
import { programName, programVersion } from '../config/version.js';
import type { Daemon } from '../daemon/daemon.js';
import { graspsOf, publicAddressOf } from '../daemon/information.js';
import { type OwnerKey, ownerKeyFile } from '../daemon/owner-key.js';
import { npubOf } from '../nostr/keys.js';

/** What is told of a daemon that has started. */
export type Started = Pick<Daemon, 'address' | 'owner' | 'eventsAtStart'> & {
  /** Name of the library that checks signatures. */
  readonly signatures: string;
};

/** What an operator at a terminal reads first: what this is, where it is reached, what it keeps where, and from where. */
export function firstWords(options: Options, { address, owner, eventsAtStart, signatures }: Started): string {
  const { relayUrl, webUrl } = publicAddressOf(options);
  const bound = formatBindAddress(address);
  const behind = options.domain === bound ? '' : `, listening at ${bound}`;
  const rows: [string, string][] = [
    ['relay', `${relayUrl}${behind}`],
    ['web', webUrl],
    ...(options.statusPage ? [['status', `${webUrl}/status`] as [string, string]] : []),
    ...(options.metricsEnabled ? [['metrics', `${webUrl}/metrics`] as [string, string]] : []),
    ['events', storageOf(options, eventsAtStart)],
    ['git', options.gitDataPath],
    ['owner', `${npubOf(owner.identity.pubkey)} (${originOf(owner)})`],
    ['signatures', signatures],
    ['syncs from', sourcesOf(options)],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(12)}${value}`);
  const title = `${programName} ${programVersion}: a Nostr relay and git server (${graspsOf(options).join(', ')})`;
  return `\n${title}\n\n${lines.join('\n')}\n\n`;
}

function storageOf(options: Options, events: number): string {
  return `${placeOf(options)} (${events} stored)`;
}

function placeOf({ databaseBackend, databaseUrl = '', relayDataPath }: Options): string {
  switch (databaseBackend) {
    case 'level':
      return relayDataPath;
    case 'memory':
      return 'in memory, gone with the process';
    case 'postgresql': {
      // Without what may be a password.
      const url = urlOf(databaseUrl);
      return `PostgreSQL at ${url?.host ?? ''}${url?.pathname ?? ''}`;
    }
  }
}

function originOf({ origin }: OwnerKey): string {
  switch (origin) {
    case 'given':
      return 'as it was set';
    case 'file':
      return `from ${ownerKeyFile}`;
    case 'made':
      return `made now, its secret is in ${ownerKeyFile}`;
  }
}

function sourcesOf({ syncBootstrapRelayUrl }: Options): string {
  const named = 'the relays that stored announcements name';
  if (syncBootstrapRelayUrl.length > 0) return `${syncBootstrapRelayUrl.join(', ')} and ${named}`;
  return `${named}; to begin with one: --sync-bootstrap-relay-url wss://relay.example.org`;
}
