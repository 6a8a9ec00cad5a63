import { npubEncode, nsecEncode } from 'nostr-tools/nip19';
import { describe, expect, test } from 'vitest';
import { optionFlags, parseArguments } from '../../src/config/arguments.js';
import { type Options, readOptions } from '../../src/config/options.js';
import { optionEntries } from '../../src/config/schema.js';

type Given = { args?: string[]; environment?: Record<string, string>; files?: Record<string, string> };

function read({ args = [], environment = {}, files = {} }: Given): Options {
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  };
  return readOptions({ flags: parseArguments(args, optionFlags).flags, environment, readFile });
}

const pubkey = 'a'.repeat(64);
const npub = npubEncode(pubkey);
const nsec = nsecEncode(new Uint8Array(32).fill(7));

test('defaults are those of the table', () => {
  const { verifyWorkers, relayDescription, ...options } = read({});
  expect(verifyWorkers).toBeGreaterThanOrEqual(1);
  expect(relayDescription).not.toBe('');
  expect(options).toEqual({
    domain: '127.0.0.1:7334',
    bindAddress: { host: '127.0.0.1', port: 7334 },
    relayName: '127.0.0.1:7334 grasp relay',
    gitDataPath: './data/git',
    gitUploadsMax: 16,
    gitReceivesMax: 8,
    gitFetchesMax: 8,
    gitFetchMaxMb: 4096,
    gitSyncHostPerMinute: 30,
    gitWaitingMax: 256,
    gitMinutesMax: 60,
    gitPushMaxMb: 2000,
    logFormat: 'auto',
    relayDataPath: './data/relay',
    databaseBackend: 'level',
    durability: 'sync',
    diskFloorMb: 200,
    repositoryMaxMb: 20_000,
    repositoriesMaxGb: 1_000,
    metricsEnabled: true,
    statusPage: true,
    keyRepositories: 1000,
    keyEvents: 250_000,
    keyEventsMb: 1000,
    repositories: 100_000,
    keyHeldRepositories: 100,
    grasp06Enable: false,
    grasp06RepositoryMaxMb: 2000,
    grasp06KeyMaxMb: 10_000,
    grasp06MaxGb: 100,
    grasp06KeyRepositories: 1000,
    grasp06Repositories: 20_000,
    heldRepositories: 5000,
    clientEventsPerMinute: 60,
    trustedProxy: [],
    addressConnections: 500,
    addressEventsPerMinute: 600,
    signatureLibrary: 'system',
    repositoryGraceDays: 7,
    repositoryWhitelist: [],
    repositoryBlacklist: [],
    adminPubkeys: [],
    eventBlacklist: [],
    archiveAll: false,
    archiveWhitelist: [],
    archiveGraspServices: [],
    archiveReadOnly: false,
    archiveHoldUntilGitData: false,
    syncBootstrapRelayUrl: [],
    syncStartupDelaySecs: 5,
    syncStartupJitterMs: 2000,
    syncBatchDelaySecs: 60,
    syncReconnectDelaySecs: 10,
    syncReconnectLookbackDays: 3,
    syncMaxTagsPerFilter: 100,
    syncMaxSubscriptions: 150,
    syncBaseBackoffSecs: 5,
    syncMaxBackoffSecs: 3600,
    syncDeadThresholdSecs: 86400,
    syncDeadRetrySecs: 86400,
    syncDisableNegentropy: false,
    syncAllowPrivateRelays: true,
    syncBatchWindowMs: 5000,
    rejectedHotCacheDurationSecs: 120,
    rejectedColdIndexExpirySecs: 604800,
    clientMemoryMaxMb: 256,
    kernelMemoryMaxMb: 1024,
  });
});

test('a flag wins over the environment, that over the config file, that over the default', () => {
  const files = { 'graspd.json': '{"relay-name": "file", "sync-batch-delay-secs": 3, "log-level": "warn"}' };
  const environment = { NGIT_RELAY_NAME: 'environment', NGIT_SYNC_BATCH_DELAY_SECS: '2', NGIT_UNKNOWN: 'x' };
  const options = read({ args: ['--config', 'graspd.json', '--relay-name=flag'], environment, files });
  expect(options).toMatchObject({
    relayName: 'flag',
    syncBatchDelaySecs: 2,
    logLevel: 'warn',
    syncStartupDelaySecs: 5,
  });
});

test.each(['socks5://127.0.0.1:9050', '127.0.0.1:9050', 'http://127.0.0.1:9050', 'socks5h://'])(
  '%s is no proxy that looks names up itself',
  (proxy) => {
    expect(() => read({ args: ['--onion-proxy', proxy] })).toThrow(/--onion-proxy takes/);
  },
);

test('every option is read from its flag, its variable and its key alike', () => {
  const samples: Record<string, string> = {
    domain: 'git.example.org',
    'bind-address': '[::1]:80',
    'relay-owner-nsec': nsec,
    'repository-whitelist': `${npub},${npub}/a:b,name`,
    'repository-blacklist': 'name',
    'event-blacklist': npub,
    'admin-pubkeys': npub,
    'archive-whitelist': 'name',
    'archive-grasp-services': 'Other.Example:443',
    'trusted-proxy': '10.0.0.0/8,2001:DB8::1',
    'sync-bootstrap-relay-url': 'relay.example,ws://127.0.0.1:1',
    'relay-icon': 'https://git.example.org/icon.png',
    'database-backend': 'memory',
    'database-url': 'postgres://graspd@db.example/graspd',
    'node-url': 'http://10.0.0.2:7334',
    durability: 'system',
    'log-level': 'debug',
    'signature-library': 'wasm',
    'archive-read-only': 'false',
    'metrics-enabled': 'false',
    'status-page': 'false',
    'status-token': 'a-token-of-the-operator',
    'sync-allow-private-relays': 'false',
    'onion-proxy': 'socks5h://127.0.0.1:9050',
  };
  for (const { flag, variable, placeholder } of optionEntries) {
    if (flag === undefined) continue;
    const value = samples[flag] ?? (placeholder === undefined ? 'true' : placeholder === 'N' ? '77' : 'text');
    const extra =
      flag === 'sync-max-backoff-secs'
        ? ['--sync-base-backoff-secs=1']
        : flag === 'archive-read-only'
          ? ['--archive-all']
          : flag === 'node-url'
            ? ['--database-backend=postgresql', '--database-url=postgres://db.example/graspd']
            : [];
    const byFlag = read({ args: [...extra, `--${flag}=${value}`] });
    const byVariable = read({ args: extra, environment: { [variable]: value } });
    const files = { f: JSON.stringify({ [flag]: value }) };
    expect(byVariable, flag).toEqual(byFlag);
    expect(read({ args: [...extra, '--config=f'], files }), flag).toEqual(byFlag);
    expect(byFlag, flag).not.toEqual(read({ args: extra }));
  }
});

test('the config file takes numbers, switches, lists and null', () => {
  const files = {
    f: JSON.stringify({
      'max-connections': 10,
      'metrics-enabled': false,
      'repository-blacklist': ['a,b', 'c'],
      'relay-name': null,
    }),
  };
  expect(read({ environment: { NGIT_CONFIG: 'f' }, files })).toMatchObject({
    maxConnections: 10,
    metricsEnabled: false,
    repositoryBlacklist: [{ identifier: 'a,b' }, { identifier: 'c' }],
    relayName: '127.0.0.1:7334 grasp relay',
  });
});

describe('what follows from other options', () => {
  test.each([
    ['127.0.0.2:1', '127.0.0.2:1'],
    ['[::1]:7334', '[::1]:7334'],
  ])('bound to %s, the domain is that', (address, domain) => {
    expect(read({ args: [`--bind-address=${address}`] })).toMatchObject({
      domain,
      syncAllowPrivateRelays: true,
    });
  });

  test.each([
    ['git.example.org', false],
    ['10.0.0.1', false],
    ['localhost:7334', true],
    ['127.0.0.1', true],
    ['[::1]:7334', true],
  ])('bound to loopback under the domain %s, private relays are followed: %s', (domain, expected) => {
    expect(read({ args: [`--domain=${domain}`] }).syncAllowPrivateRelays).toBe(expected);
  });

  test('bound to the world, private relays are not followed', () => {
    const args = ['--bind-address=0.0.0.0:7334', '--domain=Git.Example.org'];
    expect(read({ args })).toMatchObject({ domain: 'git.example.org', syncAllowPrivateRelays: false });
  });

  test.each(['--archive-all', '--archive-whitelist=x', '--archive-grasp-services=a.example'])(
    'an archive with %s is read-only unless told otherwise',
    (flag) => {
      expect(read({ args: [flag] }).archiveReadOnly).toBe(true);
      expect(read({ args: [flag, '--archive-read-only=false'] }).archiveReadOnly).toBe(false);
    },
  );

  test('NGIT_TEST=1 shortens the batch window', () => {
    expect(read({ environment: { NGIT_TEST: '1' } }).syncBatchWindowMs).toBe(200);
  });
});

test('lists are read entry by entry', () => {
  const args = [
    `--repository-whitelist= ${npub} , ${npub}/a:b,name,`,
    `--event-blacklist=${npub}`,
    '--sync-bootstrap-relay-url=relay.example:8080',
    '--sync-bootstrap-relay-url=ws://[::1]:7, WSS://b.example/path',
    '--sync-bootstrap-relay-url=[::1]:7/x, c.example?a=b',
    '--archive-grasp-services=A.example:443',
    '--archive-read-only=false',
    '--trusted-proxy=10.0.0.1, FD00:0::/8',
  ];
  expect(read({ args })).toMatchObject({
    repositoryWhitelist: [
      { pubkey, identifier: undefined },
      { pubkey, identifier: 'a:b' },
      { pubkey: undefined, identifier: 'name' },
    ],
    eventBlacklist: [pubkey],
    syncBootstrapRelayUrl: [
      'wss://relay.example:8080',
      'ws://[::1]:7',
      'wss://b.example/path',
      'wss://[::1]:7/x',
      'wss://c.example?a=b',
    ],
    archiveGraspServices: ['a.example:443'],
    trustedProxy: ['10.0.0.1/32', 'fd00::/8'],
  });
});

test('lmdb, which existing servers are configured with, means level', () => {
  expect(read({ environment: { NGIT_DATABASE_BACKEND: 'lmdb' } }).databaseBackend).toBe('level');
});

test('a variable that is set to nothing is not set', () => {
  expect(
    read({ environment: { NGIT_DOMAIN: '', NGIT_MAX_CONNECTIONS: ' ' } }).maxConnections,
  ).toBeUndefined();
});

describe('what stops the start, in one line', () => {
  const cases: [Given, string][] = [
    [{ args: ['--bind-address=x'] }, "--bind-address takes ip:port, not 'x'"],
    [{ args: ['--bind-address=127.0.0.1:65536'] }, "--bind-address takes ip:port, not '127.0.0.1:65536'"],
    [{ environment: { NGIT_BIND_ADDRESS: 'x' } }, "NGIT_BIND_ADDRESS takes ip:port, not 'x'"],
    [
      { args: ['--config=f'], files: { f: '{"bind-address":"x"}' } },
      "'bind-address' in the config file 'f' takes",
    ],
    [{ args: ['--config=f'], files: { f: '{"no-such":"x"}' } }, "unknown key 'no-such'"],
    [{ args: ['--config=f'], files: { f: '{"no\\nsuch\\u001b":"x"}' } }, "unknown key 'no such '"],
    [{ args: ['--no\nsuch'] }, 'there is no option --no such'],
    [{ args: [`--event-blacklist=${npubEncode('abcd')}`] }, '--event-blacklist takes'],
    [
      { args: ['--config=f'], files: { f: '{"domain":{}}' } },
      "'domain' in the config file 'f' takes a host name",
    ],
    [{ args: ['--config=f'], files: { f: '{' } }, "the config file 'f' is not JSON"],
    [{ args: ['--config=f'], files: { f: '[]' } }, "the config file 'f' takes one JSON object"],
    [{ args: ['--config=f'] }, "the config file 'f' cannot be read: ENOENT"],
    [{ args: ['--no-such'] }, 'there is no option --no-such'],
    [{ args: ['-d'] }, 'there is no option -d'],
    [{ args: ['--domain'] }, '--domain takes a value'],
    [{ args: ['--domain=a', '--domain=b'] }, '--domain is given twice'],
    [{ args: ['--domain=https://a.example'] }, '--domain takes a host name, or host:port'],
    [{ args: ['--domain=a.example/x'] }, '--domain takes a host name, or host:port'],
    [{ args: ['--bind-address=0.0.0.0:7334'] }, '--domain (NGIT_DOMAIN) is required'],
    [{ args: ['--metrics-enabled=maybe'] }, "--metrics-enabled takes true or false, not 'maybe'"],
    [{ args: ['--max-connections=0'] }, '--max-connections takes a whole number from 1 to'],
    [{ args: ['--sync-batch-delay-secs=1e3'] }, "not '1e3'"],
    [
      { args: ['--database-backend=sqlite'] },
      '--database-backend takes level, memory or postgresql (lmdb means level)',
    ],
    [
      { args: ['--database-backend=postgresql'] },
      '--database-backend postgresql takes --database-url (NGIT_DATABASE_URL) beside it',
    ],
    [
      { args: ['--database-url=mysql://secret@db.example/graspd'] },
      '--database-url takes a URL of PostgreSQL',
    ],
    [{ args: ['--sync-bootstrap-relay-url=wss://a.example,http://b'] }, "not 'http://b'"],
    ...[
      'ws:/x',
      'ws:///x',
      'wss:x',
      'wss:',
      'http:x',
      'ws:\\\\x',
      '//x',
      '/x',
      'a b',
      'a:b',
      'me@a.example',
      '?',
    ].map((url): [Given, string] => [{ args: [`--sync-bootstrap-relay-url=${url}`] }, `not '${url}'`]),
    ...['10.0.0.0/33', '10.0.0', 'localhost', '10.0.0.0/8/8', '::1/x'].map((network): [Given, string] => [
      { args: [`--trusted-proxy=10.0.0.1,${network}`] },
      `not '${network}'`,
    ]),
    [{ args: ['--relay-icon=icon.png'] }, "--relay-icon takes a URL (https or http), not 'icon.png'"],
    [{ args: ['--relay-icon=data:image/png,x'] }, "not 'data:image/png,x'"],
    [{ args: ['--repository-whitelist=ok,npub1nope'] }, "not 'npub1nope'"],
    [{ args: [`--repository-whitelist=${npub}/..`] }, '--repository-whitelist takes entries'],
    [{ args: ['--event-blacklist=name'] }, "--event-blacklist takes npubs, comma separated, not 'name'"],
    [{ args: [`--event-blacklist=${nsec}`] }, '--event-blacklist takes npubs'],
    [{ args: ['--archive-all', '--archive-grasp-services=a.example'] }, 'together with --archive-all'],
    [
      { args: ['--archive-whitelist=x', '--archive-grasp-services=a.example'] },
      'together with --archive-whitelist',
    ],
    [{ args: ['--archive-read-only'] }, '--archive-read-only takes one of'],
    [{ args: ['--repository-whitelist=x', '--archive-all'] }, '--repository-whitelist cannot be set'],
    [{ args: ['--sync-max-backoff-secs=1'] }, '--sync-max-backoff-secs takes a number not below'],
    [{ environment: { NGIT_RELAY_NAME: 'a\nb' } }, "at most 200 characters, not 'a b'"],
  ];
  test.each(cases)('%j', (given, line) => {
    expect(() => read(given)).toThrow(line);
    expect(() => read(given)).toThrow(/^[^\n]+$/);
  });

  test('an invalid nsec is not repeated', () => {
    expect(() => read({ args: ['--relay-owner-nsec=nsec1secret'] })).toThrow(
      /^--relay-owner-nsec takes a secret key in nsec form \(NIP-19\)$/,
    );
  });
});
