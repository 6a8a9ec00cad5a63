import { z } from 'zod';
import { limits } from './limits.js';
import * as kind from './value-kinds.js';

/** How help, the reference page and error lines speak of an option. */
export type OptionText = {
  readonly group: OptionGroup;
  /** What the option does, a sentence without a full stop. */
  readonly about: string;
  /** The default as an operator would write it, or what it follows from. */
  readonly defaultText: string;
  /** Set in the environment only; there is no flag and no key in the config file. */
  readonly environmentOnly: boolean;
  /** What it takes for a change to take effect: `graspd reload`, or a new start. */
  readonly changes: 'live' | 'restart';
  /** The environment variable, where it is not made of the key. */
  readonly variable?: string;
  /** Another name of the environment variable, which other servers use. */
  readonly otherVariable?: string;
} & Pick<kind.ValueKind<unknown>, 'takes' | 'placeholder' | 'isList' | 'isSecret'>;

export const optionGroups = [
  'Service',
  'Storage',
  'Access',
  'Archive',
  'Pull requests of others',
  'Sync',
  'Resources and logs',
  'Testing',
] as const;
export type OptionGroup = (typeof optionGroups)[number];

const optionTexts = z.registry<OptionText>();

type About = {
  readonly group: OptionGroup;
  readonly about: string;
  readonly environmentOnly?: boolean;
  /** A new start, where nothing is said. */
  readonly changes?: 'live';
  /** Where it is not made of the key. */
  readonly variable?: string;
  readonly otherVariable?: string;
};

/** An option whose default is a value that an operator could write. */
function withDefault<T>(value: kind.ValueKind<T>, defaultText: string, about: About) {
  return described(value.schema.prefault(defaultText), value, defaultText, about);
}

/** An option that may be absent; what then holds is decided in `options.ts` and said in `defaultText`. */
function optional<T>(value: kind.ValueKind<T>, defaultText: string, about: About) {
  return described(value.schema.optional(), value, defaultText, about);
}

function described<S extends z.ZodType>(
  schema: S,
  { schema: _, ...words }: kind.ValueKind<unknown>,
  defaultText: string,
  about: About,
): S {
  optionTexts.add(schema, { ...words, defaultText, environmentOnly: false, changes: 'restart', ...about });
  return schema;
}

const days = 24 * 3600;
const service = (about: string): About => ({ group: 'Service', about });
const storage = (about: string): About => ({ group: 'Storage', about });
const access = (about: string): About => ({ group: 'Access', about });
const archive = (about: string): About => ({ group: 'Archive', about });
const prs = (about: string): About => ({ group: 'Pull requests of others', about });
const sync = (about: string): About => ({ group: 'Sync', about });
const resources = (about: string): About => ({ group: 'Resources and logs', about });
/** An option that a running daemon takes anew (`graspd reload`). */
const live = (about: About): About => ({ ...about, changes: 'live' });

/**
 * Every option of the daemon. A key gives the flag (`--bind-address`), the environment variable
 * (`NGIT_BIND_ADDRESS`) and the key of the config file (`bind-address`).
 */
export const optionsSchema = z.object({
  domain: optional(
    kind.domain,
    'the bind address when that is loopback, else required',
    service('The name under which announcements list this service'),
  ),
  bindAddress: withDefault(
    kind.bindAddress,
    '127.0.0.1:7334',
    service('Where to listen; one port serves WebSocket, HTTP and metrics'),
  ),
  relayOwnerNsec: optional(
    kind.nsec,
    'the key in .relay-owner.nsec in the working directory, made once',
    service("The relay owner's secret key; better given in the environment than as a flag"),
  ),
  adminPubkeys: withDefault(
    kind.npubs,
    '',
    live(service('Who may manage the relay over HTTP (NIP-86) beside its owner')),
  ),
  relayName: optional(
    kind.line(limits.relayNameCharsMax),
    '<domain> grasp relay',
    live(service('The name in the NIP-11 document')),
  ),
  relayDescription: withDefault(
    kind.line(limits.relayDescriptionCharsMax),
    'A GRASP relay: git repositories, their issues and patches, over Nostr',
    live(service('The description in the NIP-11 document')),
  ),
  relayIcon: optional(
    kind.webUrl,
    '/icon.png of this service',
    live(service('The icon in the NIP-11 document')),
  ),
  metricsEnabled: withDefault(kind.toggle, 'true', service('Serve Prometheus metrics at /metrics')),
  statusPage: withDefault(
    kind.toggle,
    'true',
    service('Serve the status page at /status, and what it says as JSON at /status.json'),
  ),
  statusToken: optional(
    kind.token,
    'none: everybody may see the status page',
    live(
      service(
        'The token without which the status page is not shown, as Authorization: Bearer or ?token=; better given in the environment',
      ),
    ),
  ),
  maxConnections: optional(
    kind.whole(1, 1_000_000),
    'what the limit of open files leaves',
    live(
      service(
        'Most client connections at once; more are refused, as are those that the limit of open files has no room for',
      ),
    ),
  ),
  trustedProxy: withDefault(kind.networks, '', {
    ...service(
      'Reverse proxies whose X-Forwarded-For is believed; without them limits of one address count for the proxy',
    ),
    variable: 'NGIT_TRUSTED_PROXY_CIDRS',
  }),
  keyRepositories: withDefault(
    kind.whole(1, 1_000_000),
    '1000',
    live(service('Repositories that one key may announce here')),
  ),
  keyEvents: withDefault(
    kind.whole(1, 100_000_000),
    '250000',
    live(service('Events that one key may have stored here')),
  ),
  keyEventsMb: withDefault(
    kind.whole(1, 1_000_000),
    '1000',
    live(service('Megabytes that the stored events of one key may take, each rounded up to a power of two')),
  ),
  repositories: withDefault(
    kind.whole(1, 10_000_000),
    '100000',
    live(service('Repositories that may be announced here, of all keys')),
  ),
  keyHeldRepositories: withDefault(
    kind.whole(1, 1_000_000),
    '100',
    live(service('Announced repositories of one key to which nothing was pushed yet')),
  ),
  heldRepositories: withDefault(
    kind.whole(1, 10_000_000),
    '5000',
    live(service('Announced repositories to which nothing was pushed yet, of all keys')),
  ),
  clientEventsPerMinute: withDefault(
    kind.whole(0, 1_000_000),
    '60',
    live(service('Events that one client may publish in a minute, as many of them at once; 0 is no limit')),
  ),

  addressConnections: withDefault(
    kind.whole(1, 1_000_000),
    '500',
    live(service('Most connections from one address (of IPv6, one /64) at once')),
  ),
  addressEventsPerMinute: optional(
    kind.whole(0, 10_000_000),
    'ten times --client-events-per-minute',
    live(service('Events that the clients of one address may publish in a minute together; 0 is no limit')),
  ),

  gitDataPath: withDefault(kind.path, './data/git', storage('Folder of the bare repositories')),
  relayDataPath: withDefault(kind.path, './data/relay', storage('Folder of the event database')),
  databaseBackend: withDefault(
    kind.choice(['level', 'memory', 'postgresql'], { lmdb: 'level' }),
    'level',
    storage(
      'Where events are kept: on disk, in memory until the process ends, or in a database of PostgreSQL',
    ),
  ),
  databaseUrl: optional(
    kind.postgresUrl,
    'none',
    storage(
      'The database of PostgreSQL (--database-backend postgresql); a password is better given in a file or in PGPASSWORD',
    ),
  ),
  databasePasswordFile: optional(
    kind.path,
    'the password in --database-url, or PGPASSWORD',
    storage('File with the password of the database of PostgreSQL'),
  ),
  nodeUrl: optional(
    kind.webUrl,
    'none: it stands by while another graspd writes to the database',
    storage(
      'Where other graspd on the same database reach this one (http://10.0.0.1:7334); with it, one that may not write serves what the other writes',
    ),
  ),
  durability: withDefault(
    kind.choice(['sync', 'system']),
    'sync',
    storage(
      'What OK true promises: the event is on the disk and outlives a power failure, or the system has it and it outlives the process',
    ),
  ),
  diskFloorMb: withDefault(
    kind.whole(0, 10_000_000),
    '200',
    live(
      storage(
        'Free megabytes of the disk of events or repositories below which no events are taken; reads go on; 0 is no floor',
      ),
    ),
  ),
  repositoryMaxMb: withDefault(
    kind.whole(1, 100_000_000),
    '20000',
    live(
      storage(
        'Megabytes that the git data of one repository may take; from then on pushes to it are refused',
      ),
    ),
  ),
  repositoriesMaxGb: withDefault(
    kind.whole(1, 1_000_000),
    '1000',
    live(
      storage(
        'Gigabytes that the git data of all repositories may take; from then on all pushes are refused',
      ),
    ),
  ),
  repositoryGraceDays: withDefault(
    kind.whole(0, 3650),
    '7',
    live(storage('How long the git data of a deleted repository is kept before it is removed')),
  ),

  repositoryWhitelist: withDefault(
    kind.repositoryPatterns,
    '',
    live(access('When set, only announcements that match are accepted for our own service')),
  ),
  repositoryBlacklist: withDefault(
    kind.repositoryPatterns,
    '',
    live(access('Announcements that match are refused, before any other rule')),
  ),
  eventBlacklist: withDefault(
    kind.npubs,
    '',
    live(access('Events of these authors are refused, whatever their kind')),
  ),

  archiveAll: withDefault(
    kind.toggle,
    'false',
    live(archive('Accept every announcement, whether or not it lists our service')),
  ),
  archiveWhitelist: withDefault(
    kind.repositoryPatterns,
    '',
    live(archive('Accept announcements that match, whether or not they list our service')),
  ),
  archiveGraspServices: withDefault(
    kind.domains,
    '',
    live(archive('Accept announcements that list one of these GRASP services')),
  ),
  archiveReadOnly: optional(
    kind.toggle,
    'true when any other archive setting is set, else false',
    live(archive('Mirror only: that an announcement lists our service is no reason to accept it')),
  ),
  archiveHoldUntilGitData: withDefault(
    kind.toggle,
    'false',
    live(archive('Serve what is archived only when its git data is here, as what lists our service')),
  ),

  grasp06Enable: withDefault(
    kind.toggle,
    'false',
    prs('Take pull requests of people who have no repository here, at /prs (GRASP-06)'),
  ),
  grasp06RepositoryMaxMb: withDefault(
    kind.whole(1, 100_000_000),
    '2000',
    live(prs('Megabytes that one repository of pull requests may take: those of one key to one project')),
  ),
  grasp06KeyMaxMb: withDefault(
    kind.whole(1, 100_000_000),
    '10000',
    live(prs('Megabytes that all repositories of pull requests of one key may take')),
  ),
  grasp06MaxGb: withDefault(
    kind.whole(1, 1_000_000),
    '100',
    live(prs('Gigabytes that all repositories of pull requests may take, beside --repositories-max-gb')),
  ),
  grasp06KeyRepositories: withDefault(
    kind.whole(1, 1_000_000),
    '1000',
    live(prs('Repositories of pull requests that one key may have: one for each project')),
  ),
  grasp06Repositories: withDefault(
    kind.whole(1, 10_000_000),
    '20000',
    live(prs('Repositories of pull requests that there may be, of all keys')),
  ),

  syncBootstrapRelayUrl: withDefault(
    kind.relayUrls,
    '',
    live(sync('Relays to begin with, never dropped; a URL without a scheme means wss')),
  ),
  syncStartupDelaySecs: withDefault(kind.whole(0, 3600), '5', sync('Wait before the first dial of a relay')),
  syncStartupJitterMs: withDefault(
    kind.whole(0, 600_000),
    '2000',
    sync('Random wait on top of that, up to this, so that relays are not dialled all at once'),
  ),
  syncBatchDelaySecs: withDefault(
    kind.whole(0, 3600),
    '60',
    sync('Pause between the batches of the daily catch-up'),
  ),
  syncReconnectDelaySecs: withDefault(
    kind.whole(0, 3600),
    '10',
    sync('Wait between a reconnection and its catch-up'),
  ),
  syncReconnectLookbackDays: withDefault(
    kind.whole(1, 3650),
    '3',
    sync('How far a catch-up after a reconnection looks back, at least'),
  ),
  syncMaxTagsPerFilter: withDefault(kind.whole(1, 1000), '100', sync('Most tag values in one filter')),
  syncMaxSubscriptions: withDefault(
    kind.whole(3, 10_000),
    '150',
    sync('Filters on one connection above which its subscriptions are packed anew'),
  ),
  syncBaseBackoffSecs: withDefault(
    kind.whole(1, 3600),
    '5',
    sync('Wait after the first failure of a relay; doubles with each further one'),
  ),
  syncMaxBackoffSecs: withDefault(kind.whole(1, 7 * days), '3600', sync('Longest wait between tries')),
  syncDeadThresholdSecs: withDefault(
    kind.whole(1, 365 * days),
    '86400',
    sync('Unbroken failure after which a relay counts as dead'),
  ),
  syncDeadRetrySecs: withDefault(
    kind.whole(1, 365 * days),
    '86400',
    sync('Wait between tries of a dead relay'),
  ),
  syncDisableNegentropy: withDefault(
    kind.toggle,
    'false',
    sync('Catch up by paged requests only, never by NIP-77'),
  ),
  syncAllowPrivateRelays: optional(
    kind.toggle,
    'true when domain and bind address are loopback, else false',
    {
      ...sync('Follow relay URLs of events into loopback and private networks'),
      otherVariable: 'NGIT_SYNC_ALLOW_NON_GLOBAL_TARGETS',
    },
  ),
  onionProxy: optional(
    kind.socksProxyUrl,
    'none: relays under .onion names of events are not connected to',
    sync('SOCKS proxy, such as socks5h://127.0.0.1:9050 of Tor, by which .onion relays are reached'),
  ),
  rejectedHotCacheDurationSecs: withDefault(
    kind.whole(0, days),
    '120',
    sync('How long a refused event is kept at hand, to be tried again when what it missed arrives'),
  ),
  rejectedColdIndexExpirySecs: withDefault(
    kind.whole(60, 365 * days),
    '604800',
    sync('How long the id of a refused event is remembered, so that it is not downloaded again'),
  ),

  verifyWorkers: optional(
    kind.whole(1, 256),
    'one fewer than the processor cores, at least 1',
    resources('Threads that verify signatures'),
  ),
  signatureLibrary: withDefault(
    kind.choice(['system', 'wasm']),
    'system',
    resources(
      "Which libsecp256k1 checks signatures: the system's where it is installed, or always its WASM build",
    ),
  ),
  clientMemoryMaxMb: withDefault(
    kind.whole(16, 65_536),
    '256',
    resources(
      'Most memory, in megabytes, of what clients make the relay hold: open filters, requests and queries, events on their way in, and what waits to be sent; the largest give way',
    ),
  ),
  kernelMemoryMaxMb: withDefault(
    kind.whole(64, 4096),
    '1024',
    resources(
      'Most memory, in megabytes, of the WebAssembly kernels (event ids under reconciliation): one half for clients, one for sync',
    ),
  ),
  gitUploadsMax: withDefault(
    kind.whole(1, 10_000),
    '16',
    live(resources('Git processes that serve clones and fetches at once; the requests above wait')),
  ),
  gitReceivesMax: withDefault(kind.whole(1, 10_000), '8', live(resources('Pushes that are taken at once'))),
  gitFetchesMax: withDefault(
    kind.whole(1, 1_000),
    '8',
    live(resources('Fetches of missing git data from other servers at once')),
  ),
  gitFetchMaxMb: withDefault(
    kind.whole(1, 1_000_000),
    '4096',
    live(sync('Megabytes that one fetch of git data from another server may bring')),
  ),
  gitSyncHostPerMinute: withDefault(
    kind.whole(1, 100_000),
    '30',
    live(sync('Fetches of git data from one host that are begun in a minute, at most')),
  ),
  gitWaitingMax: withDefault(
    kind.whole(0, 100_000),
    '256',
    live(resources('Most git requests that wait for their turn, pushes apart; more are answered with 503')),
  ),
  gitMinutesMax: withDefault(
    kind.whole(1, 1440),
    '60',
    live(resources('Longest that git may work on one clone, fetch or push, in minutes')),
  ),
  gitPushMaxMb: withDefault(kind.whole(1, 1_000_000), '2000', live(resources('Largest push, in megabytes'))),
  logLevel: optional(
    kind.choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    'info; warn for graspd import',
    live(resources('Least level of the log lines that are written')),
  ),
  logFormat: withDefault(
    kind.choice(['auto', 'json', 'text']),
    'auto',
    resources('How log lines are written; auto: as text on a terminal, as JSON elsewhere'),
  ),

  test: withDefault(kind.toggle, 'false', {
    group: 'Testing',
    about: 'Shortens the windows in which filters are gathered into a batch from 5 s to 200 ms',
    environmentOnly: true,
  }),
});

/** The key of an option in `Options`. */
export type OptionKey = keyof typeof optionsSchema.shape;

/** An option with all its names. */
export type OptionEntry = OptionText & {
  readonly key: OptionKey;
  /** Without the two dashes; the key in the config file too. `undefined` when it is set in the environment only. */
  readonly flag: string | undefined;
  readonly variable: string;
};

/** All options in the order of the schema. */
export const optionEntries: readonly OptionEntry[] = Object.entries(optionsSchema.shape).map(
  ([key, schema]) => {
    const text = optionTexts.get(schema);
    if (text === undefined) throw new TypeError(`the option ${key} has no text`);
    const words = key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
    return {
      ...text,
      key: key as OptionKey,
      flag: text.environmentOnly ? undefined : words,
      variable: text.variable ?? `NGIT_${words.replaceAll('-', '_').toUpperCase()}`,
    };
  },
);
