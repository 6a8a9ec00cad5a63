import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OptionKey, optionEntries } from '../../../src/config/schema.js';
import { npubOf } from '../../../src/nostr/keys.js';
import { testIdentity } from '../../support/events.js';
import { manage } from '../../support/manage.js';
import { PlainRelay } from '../../support/plain-relay.js';
import { LiveCore } from './live-core.js';
import { besideOneThatStays, push, pushProposal } from './live-git.js';
import { announced, LiveWorld, type Settings } from './live-world.js';

let world: LiveWorld;
let relay: PlainRelay;
beforeAll(async () => {
  world = await LiveWorld.start();
  relay = await PlainRelay.serve([]);
}, 60_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
});

/** How an option is seen to hold: what there is with its default, and what with another value. */
type Probe = {
  readonly value: () => string;
  /** Set before and after alike. */
  readonly beside?: Settings;
  readonly see: () => Promise<unknown>;
  readonly before: unknown;
  readonly after: unknown;
};

const taken = '';
/** Archives beside what is hosted: what is archived is served at once. */
const archiving: Settings = { archiveAll: 'true', archiveReadOnly: 'false' };
const blocked = testIdentity(1_000_000);
const megabyte = 1_000_000;
const wholeFetch = '0014command=ls-refs\n0000';

const refused = (reason: string) => expect.stringContaining(reason);
const of = (
  value: string,
  see: Probe['see'],
  before: unknown,
  after: unknown,
  beside: Settings = {},
): Probe => ({
  value: () => value,
  see,
  before,
  after,
  beside,
});
const information = (name: string) => async () => (await world.information())[name];
const oneHosted = async () => (await world.publish(world.hosted(world.author(), 'one')))[0];
const oneArchived = async (name = 'one', clone?: string, author = world.author()) =>
  (await world.publish(announced(author, name, clone)))[0];

async function twoArchived(content = ''): Promise<string[]> {
  const author = world.author();
  return await world.publish(
    announced(author, 'one', undefined, undefined, content),
    announced(author, 'two', undefined, undefined, content),
  );
}

async function twoHosted(): Promise<string[]> {
  const author = world.author();
  return await world.publish(world.hosted(author, 'one'), world.hosted(author, 'two'));
}

async function twoOfStranger(): Promise<string[]> {
  const author = world.author();
  return await world.publishAsStranger(announced(author, 'one'), announced(author, 'two'));
}

/** Whether a proposal to a second repository of the key is taken. */
async function secondProposal(): Promise<string> {
  const signer = world.author();
  await pushProposal(world, signer, 'one');
  return await pushProposal(world, signer, 'two');
}

async function isArchivedServed(): Promise<boolean> {
  const announcement = announced(world.author(), 'one');
  await world.publish(announcement);
  return await world.isServed(announcement);
}

/** Whether the relay is asked for anything within so many milliseconds. */
async function isRelayAsked(waitMs: number): Promise<boolean> {
  for (const untilMs = performance.now() + waitMs; performance.now() < untilMs; )
    if (relay.requested.length > 0) return true;
    else await new Promise((resolve) => setTimeout(resolve, 25));
  return false;
}

const both = [taken, taken];
const manyPerMinute = refused('events a minute');

const managed = async () => (await manage(`http://127.0.0.1:${world.port}`, blocked, 'supportedmethods'))[0];

const shown = async () => (await fetch(`http://127.0.0.1:${world.port}/status`)).status;

const probesOfDaemon: Partial<Record<OptionKey, Probe>> = {
  adminPubkeys: of(npubOf(blocked.pubkey), managed, 401, 200),
  statusToken: of('a-token-of-the-operator', shown, 200, 401),
  relayName: of('other', information('name'), expect.stringContaining('grasp relay'), 'other'),
  relayDescription: of('other', information('description'), expect.stringContaining('A GRASP'), 'other'),
  relayIcon: of(
    'https://a.example/i.png',
    information('icon'),
    expect.stringMatching(/^http:.*\/icon\.png$/),
    'https://a.example/i.png',
  ),
  maxConnections: of('1', () => world.connect(2), 2, 1),
  addressConnections: of('1', () => world.connect(2, true), 2, 1),
  keyRepositories: of('1', twoArchived, both, [taken, refused('1 repositories here')], archiving),
  keyEvents: of('1', twoArchived, both, [taken, refused('1 events here')], archiving),
  keyEventsMb: of(
    '1',
    () => twoArchived('x'.repeat(600_000)),
    both,
    [taken, refused('bytes here')],
    archiving,
  ),
  repositories: of('1', oneArchived, taken, refused('has 1 repositories'), archiving),
  keyHeldRepositories: of('1', twoHosted, both, [expect.anything(), refused('this key may have 1')]),
  heldRepositories: of('1', oneHosted, taken, refused('this relay takes 1')),
  clientEventsPerMinute: of('1', twoArchived, both, [taken, manyPerMinute], archiving),
  addressEventsPerMinute: of('1', twoOfStranger, both, [taken, manyPerMinute], archiving),
  diskFloorMb: of('1000', oneArchived, taken, refused('the disk of this relay is full'), archiving),
  repositoryWhitelist: of('listed', oneHosted, taken, refused('not on the whitelist')),
  repositoryBlacklist: of('one', oneHosted, taken, refused('on the blacklist')),
  eventBlacklist: of(
    npubOf(blocked.pubkey),
    () => oneArchived('one', undefined, blocked),
    taken,
    refused('the author is on the blacklist'),
    archiving,
  ),
  archiveAll: of('true', oneArchived, refused('does not list this service'), taken),
  archiveWhitelist: of('listed', () => oneArchived('listed'), refused('does not list'), taken),
  archiveGraspServices: of(
    'a.example',
    () => oneArchived('one', 'https://a.example/npub/one.git'),
    refused('does not list'),
    taken,
  ),
  archiveReadOnly: of('false', oneHosted, refused('read-only'), taken, { archiveWhitelist: 'listed' }),
  archiveHoldUntilGitData: of('true', isArchivedServed, true, false, archiving),
  syncBootstrapRelayUrl: {
    value: () => relay.url,
    see: () => isRelayAsked(relay.requested.length > 0 || isSetAnew ? 10_000 : 100),
    before: false,
    after: true,
  },
  repositoryMaxMb: of('1', () => push(world, 2 * megabyte), taken, refused('--repository-max-mb')),
  gitPushMaxMb: of('1', () => push(world, 2 * megabyte), taken, refused('--git-push-max-mb')),
  grasp06RepositoryMaxMb: of(
    '1',
    () => pushProposal(world, world.author(), 'one', 2 * megabyte),
    taken,
    refused('--grasp06-repository-max-mb'),
  ),
  grasp06KeyMaxMb: of(
    '1',
    () => pushProposal(world, world.author(), 'one', 2 * megabyte),
    taken,
    refused('--grasp06-key-max-mb'),
  ),
  grasp06KeyRepositories: of('1', secondProposal, taken, expect.stringMatching(/./)),
  grasp06Repositories: of('1', secondProposal, taken, expect.stringMatching(/./)),
  gitUploadsMax: of('1', () => besideOneThatStays(world, 'git-upload-pack', wholeFetch), 200, 503, {
    gitWaitingMax: '0',
  }),
  gitReceivesMax: of('1', () => besideOneThatStays(world, 'git-receive-pack', 'nothing'), 200, 503, {
    gitWaitingMax: '0',
  }),
  gitWaitingMax: of('0', () => besideOneThatStays(world, 'git-upload-pack', wholeFetch), 'waits', 503, {
    gitUploadsMax: '1',
  }),
  logLevel: of('error', () => world.saysReloads(), true, false),
};

/** What takes more, or longer, than a test may is seen where parts ask for it. */
const probesOfCore: Partial<
  Record<
    OptionKey,
    readonly [value: string, see: (core: LiveCore) => unknown, before: unknown, after: unknown]
  >
> = {
  repositoriesMaxGb: ['1', (core) => core.room(), 20_000 * megabyte, 1_000 * megabyte],
  grasp06MaxGb: ['1', (core) => core.proposalRoom(), 2_000 * megabyte, 1_000 * megabyte],
  repositoryGraceDays: ['0', (core) => core.isClosedKept(), true, false],
  gitMinutesMax: ['1', (core) => core.minutes(), [60, 60, 60], [1, 1, 1]],
  gitFetchMaxMb: ['1', (core) => core.fetched.bytesMax, 4_096 * megabyte, megabyte],
  gitFetchesMax: ['1', (core) => core.gitSync.fetchesMax, 8, 1],
  gitSyncHostPerMinute: ['1', (core) => core.gitSync.hostFetchesPerMinuteMax, 30, 1],
};

let isSetAnew = false;

describe('an option that is changed by reload', { timeout: 60_000 }, () => {
  it('is every one that the schema says is, and no other', () => {
    const live = optionEntries.filter(({ changes }) => changes === 'live').map(({ key }) => key);
    expect(Object.keys({ ...probesOfDaemon, ...probesOfCore }).sort()).toEqual([...live].sort());
  });

  it.each(Object.entries(probesOfDaemon))('takes effect in a daemon that runs: %s', async (key, probe) => {
    const { value, beside = {}, see, before, after } = probe;
    isSetAnew = false;
    await world.set(beside);
    expect(await see()).toEqual(before);
    isSetAnew = true;
    await world.set({ ...beside, [key]: value() });
    expect(await see()).toEqual(after);
  });

  it.each(Object.entries(probesOfCore))('is asked for at each use: %s', async (key, probe) => {
    const [value, see, before, after] = probe;
    await using core = await LiveCore.open();
    expect(await see(core)).toEqual(before);
    core.set({ [key]: value });
    expect(await see(core)).toEqual(after);
  });
});
