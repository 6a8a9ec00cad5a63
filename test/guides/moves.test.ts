import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { TestClient } from '../support/test-client.js';
import { blocksOf, Follower } from './follower.js';

const maintainer = testIdentity(1);
const author = testIdentity(2);
const npub = npubOf(maintainer.pubkey);

/** Settings beside those of the guides: sync begins at once. */
const environment = {
  NGIT_SYNC_STARTUP_DELAY_SECS: '0',
  NGIT_SYNC_STARTUP_JITTER_MS: '0',
  NGIT_TEST: '1',
};

let git: GitClient;
let commit: string;
beforeAll(async () => {
  git = await GitClient.init();
  commit = await git.commit('a.txt', 'one');
});
afterAll(() => git[Symbol.asyncDispose]());

/** A repository as events, at these URLs: announcement, state, and an issue. */
function eventsOf(clone: string, relay: string): NostrEvent[] {
  const about = { created_at: 1_700_000_000 };
  return [
    signedEvent(maintainer, {
      ...about,
      kind: 30617,
      tags: [
        ['d', 'project'],
        ['clone', clone],
        ['relays', relay],
      ],
    }),
    signedEvent(maintainer, {
      ...about,
      kind: 30618,
      tags: [
        ['d', 'project'],
        ['refs/heads/main', commit],
        ['HEAD', 'ref: refs/heads/main'],
      ],
    }),
    signedEvent(author, {
      ...about,
      kind: 1621,
      content: 'an issue',
      tags: [['a', `30617:${maintainer.pubkey}:project`]],
    }),
  ];
}

const refsAt = async (port: number): Promise<string> =>
  (await git.run('ls-remote', `http://127.0.0.1:${port}/${npub}/project.git`)).stdout;

it('the guide from ngit-grasp moves events, repositories, key and settings', {
  timeout: 180_000,
}, async () => {
  const port = await freePort();
  const events = eventsOf(`https://git.example.org/${npub}/project.git`, 'wss://git.example.org');
  // What the old server is for others: its events over the relay protocol. What it has on its disk is made below by git.
  await using old = await HostingDaemon.start({ flags: ['--domain', 'git.example.org'] });
  for (const event of events.slice(0, 2)) await old.publish(event);
  await git.ok('push', '--quiet', old.urlOf(maintainer, 'project'), 'main');
  for (const event of events.slice(2)) await old.publish(event);
  await using person = new Follower({ port, environment });
  const before = join(person.folder, 'old');
  const after = join(person.folder, 'new');
  mkdirSync(join(before, 'data/git', npub), { recursive: true });
  const bare = join(before, 'data/git', npub, 'project.git');
  execFileSync('git', ['clone', '--quiet', '--bare', git.directory, bare]);
  execFileSync('git', ['-C', bare, 'config', 'uploadpack.allowReachableSHA1InWant', 'true']);
  writeFileSync(join(before, '.relay-owner.nsec'), author.toNsec());
  chmodSync(join(before, '.relay-owner.nsec'), 0o644);
  const settings = [
    'NGIT_DOMAIN=git.example.org',
    `NGIT_BIND_ADDRESS=127.0.0.1:${port}`,
    'NGIT_RELAY_NAME="Old and new"',
    'NGIT_DATABASE_BACKEND=lmdb',
    'NGIT_NAUGHTY_LIST_EXPIRATION_HOURS=12',
  ];
  writeFileSync(join(before, '.env'), `${settings.join('\n')}\n`);
  const oldFiles = execFileSync('find', [before, '-type', 'f'], { encoding: 'utf8' });

  await person.follow(
    blocksOf('docs/how-to/move-from-ngit-grasp.md'),
    [
      ['/srv/ngit-grasp', before],
      ['/srv/graspd', after],
      ['ws://127.0.0.1:7335', old.daemon.url],
    ],
    [
      { has: 'mkdir -p', run: true },
      { has: 'cp -a /srv/ngit-grasp/data/git', run: true },
      {
        has: 'graspd check-config',
        run: true,
        after: (output) => expect(output).toContain(`bind-address = 127.0.0.1:${port}`),
      },
      {
        has: '--sync-bootstrap-relay-url',
        start: true,
        after: () => eventually(async () => (await refsAt(port)).includes(commit)),
      },
      {
        has: 'graspd relays',
        before: async () => {
          await using client = await TestClient.connect(`ws://127.0.0.1:${port}`);
          await eventually(async () => (await client.count({})) === events.length);
        },
        run: true,
        after: (output) => {
          expect(output).toMatch(new RegExp(`${old.daemon.url} +connected +healthy +\\d{4}-`));
          expect(output).toMatch(/project +-/);
          expect(output.trimEnd().split('\n').at(-1)).toBe('2');
        },
      },
      { has: 'graspd doctor --fix', run: true, after: (output) => expect(output).toMatch(/no faults\n*$/) },
      { has: 'graspd\n', start: true },
    ],
  );
  expect(await refsAt(port)).toContain(commit);
  const information = await fetch(`http://127.0.0.1:${port}/`, {
    headers: { Accept: 'application/nostr+json' },
  });
  expect(await information.json()).toMatchObject({ pubkey: author.pubkey, name: 'Old and new' });
  expect(statSync(join(after, '.relay-owner.nsec')).mode & 0o777).toBe(0o600);
  // The way back is open: nothing at the old server was touched.
  expect(execFileSync('find', [before, '-type', 'f'], { encoding: 'utf8' })).toBe(oldFiles);
});

it('the guide from strfry takes what is about git, and fetches the git data', {
  timeout: 180_000,
}, async () => {
  const port = await freePort();
  // A git server that the announcement lists.
  await using elsewhere = await HostingDaemon.start();
  const clone = elsewhere.urlOf(maintainer, 'project');
  const events = eventsOf(clone, elsewhere.daemon.url);
  for (const event of events.slice(0, 2)) await elsewhere.publish(event);
  await git.ok('push', '--quiet', clone, 'main');
  await using person = new Follower({
    port,
    environment: { ...environment, NGIT_BIND_ADDRESS: `127.0.0.1:${port}` },
  });
  // A relay with all kinds; `strfry export` writes a JSON line for each, the oldest first, and nothing else.
  const note = signedEvent(author, { kind: 1, content: 'a note', created_at: 1_600_000_000 });
  const lines = [note, ...events].map((event) => JSON.stringify(event));
  writeFileSync(join(person.folder, 'strfry.jsonl'), `${lines.join('\n')}\n`);
  const strfry = join(person.folder, '.bin/strfry');
  writeFileSync(strfry, `#!/bin/sh\n[ "$1" = export ] && cat '${join(person.folder, 'strfry.jsonl')}'\n`);
  chmodSync(strfry, 0o755);

  const here = `127.0.0.1:${port}`;
  await person.follow(
    blocksOf('docs/how-to/move-from-strfry.md'),
    [
      ['git.example.org', here],
      ['wss://strfry.example.org', elsewhere.daemon.url],
    ],
    [
      { has: '"archive-all": true', write: 'graspd.json' },
      { has: 'strfry export', run: true },
      {
        has: 'graspd import',
        run: true,
        after: (output) => {
          expect(output).toContain('3 stored, 0 known or superseded, 1 refused, 0 lines that are no event');
        },
      },
      {
        has: 'graspd --config graspd.json',
        start: true,
        after: () => eventually(async () => (await refsAt(port)).includes(commit)),
      },
      {
        has: 'graspd repositories --incomplete',
        run: true,
        after: (output) => expect(output).not.toContain('project'),
      },
      {
        has: '"sync-bootstrap-relay-url"',
        before: async () => {
          await person.stop();
          rmSync(join(person.folder, 'data'), { recursive: true });
        },
        write: 'graspd.json',
      },
    ],
  );
  // "Over the network", from nothing.
  await person.follow(
    [{ language: 'sh', text: 'graspd --config graspd.json' }],
    [],
    [
      {
        has: 'graspd',
        start: true,
        after: () => eventually(async () => (await refsAt(port)).includes(commit)),
      },
    ],
  );
  await using client = await TestClient.connect(`ws://${here}`);
  await eventually(async () => (await client.count({})) === 2);
});

it('the guide to an upgrade leads there, and back', { timeout: 180_000 }, async () => {
  const port = await freePort();
  await using person = new Follower({
    port,
    environment: { ...environment, NGIT_BIND_ADDRESS: `127.0.0.1:${port}` },
  });
  writeFileSync(join(person.folder, 'graspd.json'), '{ "archive-all": true, "archive-read-only": false }');
  mkdirSync(join(person.folder, 'backup'));
  const start = [{ language: 'sh', text: 'graspd --config graspd.json' }];
  const startAnew = () => person.follow(start, [], [{ has: 'graspd', start: true }]);
  await startAnew();
  // Of a server that answers nobody, so that it is stored at once and without git data.
  const [announcement] = eventsOf('http://127.0.0.1:1/project.git', 'ws://127.0.0.1:1');
  {
    await using client = await TestClient.connect(`ws://127.0.0.1:${port}`);
    expect(await client.publish(announcement as NostrEvent)).toMatchObject({ accepted: true });
  }
  await person.follow(
    blocksOf('docs/how-to/upgrade.md'),
    [['/backup/', `${join(person.folder, 'backup')}/`]],
    [
      { has: 'graspd backup', run: true },
      {
        has: 'git pull',
        skip: 'there is no newer version; a clone is installed before every release is tested',
      },
      {
        has: 'graspd check-config',
        run: true,
        after: (output) => expect(output).toContain('archive-all = true'),
      },
      {
        has: 'systemctl restart',
        skip: 'no systemd runs here; test/e2e/update.test.ts restarts it upon the socket. A restart by hand instead',
        after: async () => {
          await person.stop();
          await startAnew();
        },
      },
      {
        has: 'graspd status',
        run: true,
        after: (output) => expect(output).toContain('no faults'),
      },
      { has: 'graspd restore', before: () => person.stop(), run: true },
    ],
  );
  expect(existsSync(join(person.folder, 'data.newer/relay'))).toBe(true);
  await startAnew();
  await using client = await TestClient.connect(`ws://127.0.0.1:${port}`);
  expect(await client.count({})).toBe(1);
});
