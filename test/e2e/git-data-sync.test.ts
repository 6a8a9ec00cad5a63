import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import { git, refsOf, scratchFolder, writeCommit } from '../git/scratch.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { GitServer } from '../support/git-server.js';
import { expectServed } from '../support/service/expect-served.js';
import { type Service, type ServiceOptions, startService } from '../support/service/service.js';
import { TestClient } from '../support/test-client.js';

const owner = testIdentity(1);
const main = 'refs/heads/main';
let seconds = Math.floor(Date.now() / 1_000) - 10_000;

function event(kind: number, ...tags: string[][]): NostrEvent {
  seconds += 1;
  return signedEvent(owner, { kind, created_at: seconds, tags });
}

function stateOf(name: string, gitDir: string): NostrEvent {
  const refs = Object.entries(refsOf(gitDir));
  return event(30618, ['d', name], ...refs.map(([ref, id]) => [ref, id]), ['HEAD', `ref: ${main}`]);
}

/** What goes to a server must not keep this process waiting: some servers of a test are in it. */
let client: GitClient;
beforeAll(async () => {
  client = await GitClient.init();
});
afterAll(async () => {
  await client[Symbol.asyncDispose]();
});

/** The refs that a server shows. */
async function shown(url: string): Promise<Record<string, string>> {
  const lines = (await client.ok('ls-remote', url)).split('\n');
  const refs = lines.map((line) => line.split('\t').reverse() as [string, string]);
  return Object.fromEntries(refs.filter(([ref]) => ref?.startsWith('refs/')));
}

async function push(gitDir: string, url: string, ...refs: string[]): Promise<void> {
  await client.ok(`--git-dir=${gitDir}`, 'push', '-q', url, ...refs);
}

async function publish(to: Service, ...events: NostrEvent[]): Promise<void> {
  await using publisher = await TestClient.connect(to.url);
  for (const one of events) {
    const { accepted, reason } = await publisher.publish(one);
    if (!accepted) throw new Error(reason);
  }
}

const soon = { timeout: 30_000, interval: 100 };

describe('three daemons with one repository', () => {
  it('agree when one was away while the others were pushed to', async () => {
    using work = scratchFolder();
    git(work.path, ['init', '-q', '--bare']);
    git(work.path, ['update-ref', main, writeCommit(work.path, 'first')]);
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    const urls = ports.map((port) => `http://127.0.0.1:${port}/${npubOf(owner.pubkey)}/r.git`);
    const directory = mkdtempSync(join(tmpdir(), 'graspd-third-'));
    const options = (port: number): ServiceOptions => ({
      port,
      flags: [
        '--sync-startup-delay-secs',
        '0',
        '--sync-startup-jitter-ms',
        '0',
        '--sync-base-backoff-secs',
        '1',
      ],
    });
    await using one = await startService(options(ports[0] as number));
    await using two = await startService(options(ports[1] as number));
    const announcement = event(
      30617,
      ['d', 'r'],
      ['clone', ...urls],
      ['relays', ...ports.map((port) => `ws://127.0.0.1:${port}`)],
    );
    try {
      const first = stateOf('r', work.path);
      {
        await using third = await startService({ ...options(ports[2] as number), directory });
        for (const service of [one, two, third]) await publish(service, announcement, first);
        for (const url of urls) await push(work.path, url, main);
      }
      const tip = git(work.path, ['commit-tree', git(work.path, ['mktree']), '-p', main, '-m', 'second']);
      git(work.path, ['update-ref', main, tip]);
      git(work.path, ['update-ref', 'refs/heads/side', writeCommit(work.path, 'side')]);
      const second = stateOf('r', work.path);
      for (const service of [one, two]) await publish(service, second);
      for (const url of urls.slice(0, 2)) await push(work.path, url, main, 'refs/heads/side');
      await using third = await startService({ ...options(ports[2] as number), directory });
      await expect.poll(() => shown(urls[2] as string), soon).toEqual(refsOf(work.path));
      await using reader = await TestClient.connect(third.url);
      const statesAtThird = async () => (await reader.query({ kinds: [30618] })).map(({ id }) => id);
      await expectServed(statesAtThird).toEqual([second.id]);
      using clone = scratchFolder();
      await client.ok('clone', '-q', '--mirror', urls[2] as string, join(clone.path, 'c'));
      expect(refsOf(join(clone.path, 'c'))).toEqual(refsOf(work.path));
      expect(await third.metric('ngit_git_sync_incomplete_repositories')).toBe(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe('an archive', () => {
  it('fetches the data of strangers, refuses pushes, and fetches it again when its folder is lost', async () => {
    using theirs = scratchFolder();
    const repositories = ['one', 'two'].map((name) => ({ name, path: join(theirs.path, `${name}.git`) }));
    await using server = await GitServer.start(theirs.path);
    const directory = mkdtempSync(join(tmpdir(), 'graspd-archive-'));
    const options = {
      flags: ['--archive-all', '--sync-startup-delay-secs', '0'],
      directory,
    };
    try {
      for (const { path } of repositories) {
        git(path, ['init', '-q', '--bare']);
        git(path, ['update-ref', main, writeCommit(path, path)]);
        git(path, ['update-ref', 'refs/tags/v1', writeCommit(path, `v1 ${path}`)]);
      }
      const check = async (service: Service) => {
        for (const { name, path } of repositories) {
          const url = `http://127.0.0.1:${service.port}/${npubOf(owner.pubkey)}/${name}.git`;
          await expect.poll(() => shown(url), soon).toEqual(refsOf(path));
        }
      };
      {
        await using service = await startService(options);
        for (const { name, path } of repositories) {
          const announcement = event(
            30617,
            ['d', name],
            ['clone', server.urlOf(`${name}.git`)],
            ['relays', 'ws://127.0.0.1:1'],
          );
          await publish(service, announcement, stateOf(name, path));
        }
        await check(service);
        expect(await pushWithoutReport(service, 'one')).toContain(
          'ERR authorisation failed: this server is a read-only archive',
        );
        await check(service);
      }
      rmSync(join(directory, 'data', 'git'), { recursive: true });
      await using again = await startService(options);
      await check(again);
      expect(await again.metric('ngit_git_sync_fetches_total{outcome="fetched"}')).toBe(2);
      expect(await again.metric('ngit_git_sync_incomplete_repositories')).toBe(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

/** The answer to a push that deletes a branch, of a client that asks for no report. */
async function pushWithoutReport(service: Service, name: string): Promise<string> {
  const line = `${'1'.repeat(40)} ${'0'.repeat(40)} ${main}\0`;
  const url = `http://127.0.0.1:${service.port}/${npubOf(owner.pubkey)}/${name}.git/git-receive-pack`;
  const body = `${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`;
  return (await fetch(url, { method: 'POST', body })).text();
}
