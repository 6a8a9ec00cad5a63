import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { type Identity, npubOf } from '../../src/nostr/keys.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { PlainRelay } from '../support/plain-relay.js';
import { runCommand } from '../support/run-command.js';
import { TestClient } from '../support/test-client.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graspd-reload-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const flags = ['--config', 'graspd.json'];
const write = (settings: object | string) =>
  writeFile(
    join(directory, 'graspd.json'),
    typeof settings === 'string' ? settings : JSON.stringify(settings),
  );
const reload = (...more: string[]) => runCommand({ directory }, 'reload', ...flags, ...more);

async function nameOf(daemon: DaemonProcess): Promise<string> {
  const headers = { accept: 'application/nostr+json' };
  const response = await fetch(`http://127.0.0.1:${daemon.port}/`, { headers });
  return ((await response.json()) as { name: string }).name;
}

let second = 1_700_000_000;

/** Of a repository that is elsewhere, as an archive takes it. */
function foreign(author: Identity, identifier: string): NostrEvent {
  second += 1;
  return signedEvent(author, {
    kind: 30617,
    created_at: second,
    tags: [
      ['d', identifier],
      ['clone', `https://git.example.org/${identifier}.git`],
      ['relays', 'wss://relay.example.org'],
    ],
  });
}

const folderOf = (author: Identity, identifier: string) =>
  join(directory, 'data', 'git', npubOf(author.pubkey), `${identifier}.git`);
const isOpen = (path: string) => existsSync(path) && !existsSync(join(path, 'graspd-closed'));

/** Publishes one event after the other, each when the one before has its answer, until it is told to end. */
function publishing(client: TestClient, author: Identity) {
  let isOver = false;
  const answers: boolean[] = [];
  const work = (async () => {
    for (let number = 0; !isOver; number += 1) {
      const { accepted } = await client.publish(foreign(author, `load-${number % 50}`));
      answers.push(accepted);
    }
  })();
  return {
    answers,
    async end(): Promise<void> {
      isOver = true;
      await work;
    },
  };
}

describe('a reload', { timeout: 120_000 }, () => {
  it('under load loses no OK, no connection, no clone and no push, be the settings good or bad', async () => {
    const common = { 'archive-all': true, 'archive-read-only': false, 'client-events-per-minute': 0 };
    await write({ ...common, 'relay-name': 'before' });
    await using host = await HostingDaemon.start({ directory, flags });
    const { daemon } = host;
    const [owner, busy, blocked] = [testIdentity(1), testIdentity(2), testIdentity(3)];
    await host.publish(host.announcement(owner, 'project'));
    await using git = await GitClient.init();
    await git.ok('remote', 'add', 'origin', host.urlOf(owner, 'project'));
    const push = async (number: number): Promise<void> => {
      const commit = await git.commit(`file-${number}`, String(number).repeat(10_000));
      await host.publish(host.state(owner, 'project', { 'refs/heads/main': commit }));
      await git.ok('push', 'origin', 'main');
    };
    await push(0);
    await using subscriber = await TestClient.connect(daemon.url);
    subscriber.send('REQ', 'live', { kinds: [30617], authors: [busy.pubkey] });
    await using client = await TestClient.connect(daemon.url);
    await using other = await TestClient.connect(daemon.url);
    const load = publishing(client, busy);
    let isOver = false;
    const pushing = (async () => {
      for (let number = 1; !isOver; number += 1) {
        await push(number);
        await using clone = await GitClient.init();
        await clone.ok('fetch', host.urlOf(owner, 'project'), 'main');
      }
    })();
    for (let round = 0; round < 2; round += 1) {
      await write({ ...common, 'relay-name': `round ${round}`, 'max-connections': 3 });
      expect(await reload()).toMatchObject({ code: 0, stdout: expect.stringContaining('--relay-name') });
      await write({ ...common, 'relay-name': 'wrong', 'max-connections': 'many' });
      const refused = await reload();
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toContain("'max-connections' in the config file 'graspd.json' takes");
      daemon.kill('SIGHUP');
      expect(await nameOf(daemon)).toBe(`round ${round}`);
    }
    expect(await other.publish(foreign(blocked, 'early'))).toMatchObject({ accepted: true });
    await write({ ...common, 'event-blacklist': npubOf(blocked.pubkey) });
    expect(await reload()).toMatchObject({ code: 0 });
    expect(await other.publish(foreign(blocked, 'late'))).toEqual({
      accepted: false,
      reason: 'blocked: the author is on the blacklist',
    });
    isOver = true;
    await pushing;
    await load.end();
    expect(load.answers.length).toBeGreaterThan(10);
    expect(load.answers).not.toContain(false);
    const told = () => subscriber.received.filter(([type]) => type === 'EVENT').length;
    await eventually(() => told() === load.answers.length);
    expect([subscriber.closed, client.closed, other.closed]).toEqual([false, false, false]);
    const refusals = daemon.log.filter(({ msg }) => msg.startsWith('the settings stay as they were'));
    expect(refusals.length).toBeGreaterThanOrEqual(2);
    expect(refusals[0]).toMatchObject({ level: 'error', why: expect.stringContaining('max-connections') });
  });

  it('says what took effect and what waits for a start, also as JSON; values are not shown', async () => {
    await write({ 'relay-name': 'before' });
    await using daemon = await DaemonProcess.start({ directory, flags });
    await write({ 'relay-name': 'after', 'verify-workers': 3, 'log-level': 'warn' });
    const { code, stdout } = await reload('--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      type: 'applied',
      changed: ['--relay-name', '--log-level'],
      needRestart: ['--verify-workers'],
    });
    await eventually(() => daemon.log.some(({ msg }) => msg.startsWith('these settings changed')));
    expect(daemon.log.some(({ msg }) => msg === 'settings reloaded')).toBe(false);
    expect((await reload()).stdout).toBe(
      'nothing has changed that takes effect now\ntake effect at the next start: --verify-workers\n',
    );
    await write('{');
    const refused = await reload('--json');
    expect(refused).toMatchObject({ code: 2, stderr: '' });
    expect(JSON.parse(refused.stdout)).toEqual({
      type: 'refused',
      why: "the config file 'graspd.json' is not JSON",
    });
    expect(await nameOf(daemon)).toBe('after');
    expect((await reload('--help')).stdout).toMatch(/--accept-closing N/);
  });

  it('takes what .env has by now, and never ends the process by SIGHUP, however many come', async () => {
    await write({});
    await using daemon = await DaemonProcess.start({ directory, flags });
    await writeFile(join(directory, '.env'), 'NGIT_RELAY_NAME=of the file\n');
    for (let number = 0; number < 50; number += 1) daemon.kill('SIGHUP');
    await eventually(async () => (await nameOf(daemon)) === 'of the file');
    daemon.kill('SIGHUP');
    daemon.kill('SIGTERM');
    daemon.kill('SIGHUP');
    expect(await daemon.exited).toBe(0);
    const reloads = daemon.log.filter(({ msg }) => msg === 'settings reloaded');
    expect(reloads.length).toBeGreaterThan(0);
    expect(reloads.length).toBeLessThan(50);
    expect(await reload()).toMatchObject({ code: 4 });
  });

  it('closes repositories that lists no longer admit, refuses to close many, and opens them again', async () => {
    const author = testIdentity(4);
    const names = Array.from({ length: 14 }, (_, number) => `repo-${number}`);
    const countOpen = () => names.filter((name) => isOpen(folderOf(author, name))).length;
    await write({ 'archive-all': true });
    await using daemon = await DaemonProcess.start({ directory, flags });
    await using client = await TestClient.connect(daemon.url);
    for (const name of names) await client.publish(foreign(author, name));
    await eventually(() => countOpen() === 14);
    await write({ 'archive-all': true, 'repository-blacklist': 'repo-0,repo-1' });
    expect(await reload()).toMatchObject({ code: 0, stdout: 'changed: --repository-blacklist\n' });
    await eventually(() => countOpen() === 12);
    await write({});
    const refused = await reload();
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('12 of 12 repositories on disk are served no longer');
    expect(refused.stderr).toContain('--archive-all was true and is false');
    expect(countOpen()).toBe(12);
    expect(await reload('--accept-closing', '12')).toMatchObject({ code: 0 });
    await eventually(() => countOpen() === 0);
    expect(names.every((name) => existsSync(folderOf(author, name)))).toBe(true);
    await write({ 'archive-all': true });
    expect(await reload()).toMatchObject({ code: 0 });
    await eventually(() => countOpen() === 14);
  });

  it('follows new bootstrap relays, lets old ones go, and has what a list refused come again', async () => {
    const author = testIdentity(5);
    await using first = await PlainRelay.serve([foreign(author, 'wanted'), foreign(author, 'refused')]);
    await using next = await PlainRelay.serve([foreign(author, 'elsewhere')]);
    const common = { 'archive-all': true, 'sync-startup-delay-secs': 0, 'sync-startup-jitter-ms': 0 };
    await write({
      ...common,
      'sync-bootstrap-relay-url': first.url,
      'repository-blacklist': 'refused',
    });
    await using daemon = await DaemonProcess.start({ directory, flags });
    await using client = await TestClient.connect(daemon.url);
    const has = async (name: string) => (await client.count({ kinds: [30617], '#d': [name] })) === 1;
    await eventually(() => has('wanted'));
    expect(await has('refused')).toBe(false);
    await write({ ...common, 'sync-bootstrap-relay-url': first.url });
    expect(await reload()).toMatchObject({ code: 0, stdout: 'changed: --repository-blacklist\n' });
    await eventually(() => has('refused'));
    await write({ ...common, 'sync-bootstrap-relay-url': next.url });
    expect(await reload()).toMatchObject({ code: 0 });
    await eventually(() => has('elsewhere'));
    const relays = async () => (await runCommand({ directory }, 'relays')).stdout;
    await eventually(
      async () => (await relays()).includes(next.url) && !(await relays()).includes(first.url),
    );
  });
});
