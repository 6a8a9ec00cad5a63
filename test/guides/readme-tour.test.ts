import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { npubOf } from '../../src/nostr/keys.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { TestClient } from '../support/test-client.js';
import { blocksOf, Follower } from './follower.js';

const author = testIdentity(1);
const owner = testIdentity(2);
/** What the tour archives is the repository `known` of the author; what it hosts is `demo` of the owner. */
let source: HostingDaemon;
let git: GitClient;
let commit: string;

beforeAll(async () => {
  source = await HostingDaemon.start();
  git = await GitClient.init();
  commit = await git.commit('a.txt', 'one');
  await source.publish(source.announcement(author, 'known'));
  await source.publish(source.state(author, 'known', { 'refs/heads/main': commit }));
  await git.ok('push', '--quiet', source.urlOf(author, 'known'), 'main');
}, 60_000);
afterAll(async () => {
  await git[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
});

/** What is set beside what the README sets. */
const surroundings = (port: number) => ({
  port,
  environment: {
    // The port, where the README has that of the default.
    NGIT_BIND_ADDRESS: `127.0.0.1:${port}`,
    // A start waits some seconds before it syncs, so that many servers that start together do not come all at once.
    NGIT_SYNC_STARTUP_DELAY_SECS: '0',
    NGIT_SYNC_STARTUP_JITTER_MS: '0',
    NGIT_TEST: '1',
  },
});

it('starts, answers and says what it can as "Run it" says', { timeout: 120_000 }, async () => {
  const port = await freePort();
  await using person = new Follower(surroundings(port));
  await person.follow(
    blocksOf('README.md', '## Run it'),
    // Every release is installed anew before its tests run.
    [['npm install\n', '']],
    [
      { has: 'npm start', start: true },
      {
        has: 'dist/main.js status',
        run: true,
        after: (output) => {
          expect(output).toContain(`listens at    127.0.0.1:${port}`);
          expect(output).toContain('Usage: graspd');
        },
      },
      { has: 'npm run demo', skip: 'it takes most of a minute, and test/commands/program.test.ts runs it' },
    ],
  );
  expect(existsSync(join(person.folder, '.relay-owner.nsec'))).toBe(true);
  expect(existsSync(join(person.folder, 'data/relay'))).toBe(true);
});

it('syncs and hosts as the tour says, each step as it is written', { timeout: 120_000 }, async () => {
  const port = await freePort();
  const here = `127.0.0.1:${port}`;
  await using person = new Follower(surroundings(port));
  const tour = blocksOf('README.md', '## A first sync in five minutes');
  const known = `${npubOf(author.pubkey)}/known`;
  await person.follow(
    tour,
    [
      ['wss://relay.example.org', source.daemon.url],
      ['127.0.0.1:7334', here],
      ['git.example.org', here],
      ['<npub>/<identifier>', known],
    ],
    [
      { has: '"archive-all": true', write: 'graspd.json' },
      {
        has: 'npm start -- --config graspd.json',
        start: true,
        after: () => eventually(async () => (await refsAt(`http://${here}/${known}.git`)).includes(commit)),
      },
      {
        has: 'main.js relays',
        run: true,
        after: (output) => {
          expect(output).toMatch(new RegExp(`${source.daemon.url} +connected +healthy`));
          expect(output).toMatch(new RegExp(`${known} +-`));
        },
      },
      {
        has: 'main.js events',
        run: true,
        after: (output) => expect(JSON.parse(output)).toMatchObject({ kind: 30617, pubkey: author.pubkey }),
      },
      {
        has: 'git clone',
        run: true,
        after: async () => expect(await readFile(join(person.folder, 'known/a.txt'), 'utf8')).toBe('one'),
      },
      {
        has: 'main.js backup',
        run: true,
        after: () => expect(existsSync(join(person.folder, 'graspd.tar'))).toBe(true),
      },
      { has: '"archive-read-only": false', write: 'graspd.json' },
    ],
  );
  // "… and start again as in step 1."
  await person.follow(tour.slice(1, 2), [], [{ has: 'npm start', start: true }]);

  await using client = await TestClient.connect(`ws://${here}`);
  const publish = async (kind: number, ...tags: string[][]): Promise<string> => {
    const created_at = Math.floor(Date.now() / 1_000);
    const event = signedEvent(owner, { kind, created_at, tags: [['d', 'demo'], ...tags] });
    const { accepted, reason } = await client.publish(event);
    expect(accepted, reason).toBe(true);
    return reason;
  };
  const url = `http://${here}/${npubOf(owner.pubkey)}/demo.git`;
  await person.follow(
    blocksOf('README.md', '## Host a repository'),
    [
      ['https://git.example.org', `http://${here}`],
      ['<npub>/<identifier>', `${npubOf(owner.pubkey)}/demo`],
    ],
    [
      { has: 'ngit init', skip: 'ngit is not part of this; the steps below are what it does' },
      {
        has: 'git push',
        // "Announce it", and "Say what it is to be".
        before: async () => {
          expect(await publish(30617, ['clone', url], ['relays', `ws://${here}`])).toBe(
            "purgatory: won't be served until git data arrives",
          );
          await publish(30618, ['refs/heads/main', commit], ['HEAD', 'ref: refs/heads/main']);
        },
        run: true,
        in: git.directory,
      },
      {
        has: 'git clone',
        run: true,
        after: async () => expect(await readFile(join(person.folder, 'demo/a.txt'), 'utf8')).toBe('one'),
      },
    ],
  );
  expect(await client.query({ authors: [owner.pubkey] })).toHaveLength(2);
});

/** What git is told of a repository; nothing while it cannot be read. */
async function refsAt(url: string): Promise<string> {
  return (await git.run('ls-remote', url)).stdout;
}
