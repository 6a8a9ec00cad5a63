import { optionFlags, parseArguments } from '../../../../src/config/arguments.js';
import { type Options, readOptions } from '../../../../src/config/options.js';
import { OptionsError } from '../../../../src/config/options-error.js';
import { withEnvFile } from '../../../../src/config/sources/env-file.js';
import { systemClock } from '../../../../src/lib/clock.js';
import { Authorization, UnauthorizedError } from '../../../../src/moderation/management/authorization.js';
import { call } from '../../../../src/moderation/management/methods.js';
import type { Moderation } from '../../../../src/moderation/moderation.js';
import { attemptAsync, claim, claimSame, type Target } from '../target.js';
import { buffersOf, npub, sampleEvents, signer } from './samples.js';

const config = {
  domain: 'git.example.org',
  'bind-address': '127.0.0.1:7334',
  'archive-all': true,
  'sync-bootstrap-relay-url': ['wss://relay.example', 'other.example'],
  'repository-blacklist': `${npub},name`,
  'trusted-proxy': ['10.0.0.0/8'],
  'max-connections': 100,
  'disk-floor-mb': '200',
};

/** The options that a read gives; a refusal is one line. */
function optionsOf(read: () => Options): Options | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    claim(!/\p{Cc}/u.test(error.message), 'a refusal has more than one line');
    return undefined;
  }
}

const file: Target = {
  name: 'config-file',
  cost: 6,
  form: 'json',
  words: Object.keys(config),
  seeds: () => buffersOf([config, { domain: 'a.example', 'archive-all': 'false' }, {}]),
  run(input) {
    const text = input.toString('utf8');
    const options = optionsOf(() =>
      readOptions({ flags: new Map([['config', 'f']]), environment: {}, readFile: () => text }),
    );
    if (options === undefined) return;
    for (const value of Object.values(options)) claim(!Number.isNaN(value), 'an option is no number');
    const again = optionsOf(() =>
      readOptions({
        flags: new Map([
          ['config', 'f'],
          ['domain', options.domain],
        ]),
        environment: {},
        readFile: () => text,
      }),
    );
    claimSame(again?.domain, options.domain, 'a domain is another one');
  },
};

const flags: Target = {
  name: 'flags',
  cost: 6,
  form: 'text',
  words: [
    '--',
    '-',
    '=',
    '\0',
    '--domain',
    '--archive-all',
    '--no-',
    '-h',
    'true',
    ',',
    '--__proto__',
    '--constructor=1',
  ],
  seeds: () =>
    buffersOf([
      ['serve', '--domain=git.example', '--bind-address', '127.0.0.1:1', '--archive-all'].join('\0'),
      ['--sync-bootstrap-relay-url=a.example', '--sync-bootstrap-relay-url', 'b.example', '--', 'x'].join(
        '\0',
      ),
      ['--metrics-enabled=false', '--max-connections=7', '--config=f'].join('\0'),
    ]),
  run(input) {
    const args = input.toString('utf8').split('\0');
    const environment = withEnvFile({}, () => args[0] ?? '');
    optionsOf(() => readOptions({ ...parseArguments(args, optionFlags), environment, readFile: () => '{}' }));
  },
};

const parts = {
  verifier: { verify: () => Promise.reject(new Error('nothing is verified here')) },
  clock: { ...systemClock, now: () => 1_700_000_000_000 },
  isOwnUrl: (url: string) => url === 'https://git.example',
  isAdmin: (pubkey: string) => pubkey === signer.pubkey,
};
const authorization = new Authorization(parts);
const authorizationEvent = signer.sign({
  kind: 27_235,
  created_at: 1_700_000_000,
  tags: [
    ['u', 'https://git.example'],
    ['method', 'POST'],
    ['payload', 'ab'.repeat(32)],
  ],
  content: '',
});

const authorizations: Target = {
  name: 'authorization',
  form: 'json',
  words: ['"u"', 'method', 'payload'],
  seeds: () => buffersOf([authorizationEvent, ...sampleEvents.slice(0, 3)]),
  run(input) {
    const header = input[0] === 0x4e ? input.toString('latin1') : `Nostr ${input.toString('base64')}`;
    try {
      const event = authorization.read(header);
      claim(event.pubkey === signer.pubkey && event.kind === 27_235, 'somebody else may manage the relay');
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
    }
  },
};

/** Takes all that it is told. */
const moderation = new Proxy({ lists: { entries: () => new Map() } } as unknown as Moderation, {
  get: (target, name) => (name === 'lists' ? target.lists : () => Promise.resolve()),
});

const management: Target = {
  name: 'management',
  form: 'json',
  words: ['banpubkey', 'supportedmethods', 'listblockedips', 'changerelayname', 'constructor'],
  seeds: () =>
    buffersOf([
      { method: 'supportedmethods', params: [] },
      { method: 'banpubkey', params: [signer.pubkey, 'spam'] },
      { method: 'blockip', params: ['203.0.113.7'] },
      { method: 'changerelayicon', params: ['https://a.example/x.png'] },
      { method: 'listbannedevents' },
    ]),
  async run(input) {
    const request = await attemptAsync(
      async () => ({ value: JSON.parse(input.toString('utf8')) as unknown }),
      SyntaxError,
    );
    if (request === undefined) return;
    const answer = await call(moderation, request.value, npub);
    claim('result' in answer || typeof answer.error === 'string', 'a call has no answer');
  },
};

export const settingTargets: readonly Target[] = [file, flags, authorizations, management];
