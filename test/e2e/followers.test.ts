import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { NodesReport } from '../../src/web/status/status-report.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { runCommand } from '../support/run-command.js';
import { TestClient } from '../support/test-client.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

const owner = testIdentity(1);

/** An announcement of a repository elsewhere, which is stored at once: nobody has to push. */
function archived(identifier: string): NostrEvent {
  const clone = ['clone', `https://elsewhere.example/${identifier}.git`];
  return signedEvent(owner, {
    kind: 30617,
    tags: [['d', identifier], clone, ['relays', 'wss://elsewhere.example']],
  });
}

describe.skipIf(obstacle !== undefined)('three graspd on one PostgreSQL', () => {
  let server: PostgresServer;
  let folder: string;
  let shared: readonly string[];
  let writer: HostingDaemon;
  const followers: DaemonProcess[] = [];
  const clients: TestClient[] = [];

  /** Starts one that is reached by the others; all have the repositories in one folder. */
  async function flagsOf(name: string, port: number): Promise<readonly string[]> {
    return [
      ...shared,
      ...['--node-url', `http://127.0.0.1:${port}`],
      ...['--relay-data-path', join(folder, name), '--git-data-path', join(folder, 'git')],
    ];
  }

  beforeAll(async () => {
    server = await PostgresServer.start();
    folder = await mkdtemp(join(tmpdir(), 'graspd-nodes-'));
    const url = await server.createDatabase('nodes');
    const writerPort = await freePort();
    shared = [
      ...['--database-backend', 'postgresql', '--database-url', url],
      ...['--domain', `127.0.0.1:${writerPort}`, '--trusted-proxy', '127.0.0.1'],
      ...['--archive-all', '--archive-read-only=false'],
    ];
    expect(await runCommand({ directory: folder }, 'migrate', ...shared.slice(0, 4))).toMatchObject({
      code: 0,
    });
    const directory = folder;
    writer = await HostingDaemon.start({
      flags: await flagsOf('one', writerPort),
      directory,
      port: writerPort,
    });
    for (const name of ['two', 'three']) {
      const port = await freePort();
      followers.push(await DaemonProcess.start({ flags: await flagsOf(name, port), directory, port }));
    }
    for (const { url: at } of [writer.daemon, ...followers]) clients.push(await TestClient.connect(at));
  }, 120_000);

  afterAll(async () => {
    for (const client of clients) await client[Symbol.asyncDispose]();
    for (const follower of followers) await follower[Symbol.asyncDispose]();
    await writer?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const idsAt = async (client: TestClient): Promise<string[]> =>
    (await client.query({ authors: [owner.pubkey] })).map(({ id }) => id).sort();
  const publishAt = async (at: number, event: NostrEvent): Promise<void> => {
    expect(await clients[at]?.publish(event)).toMatchObject({ accepted: true });
  };

  it('serve what is published at any of them, at once where it was published, and live at all', async () => {
    const [one, two, three] = clients as [TestClient, TestClient, TestClient];
    for (const client of clients) client.send('REQ', 'live', { authors: [owner.pubkey], limit: 0 });
    for (const client of clients) await client.message(([type, id]) => type === 'EOSE' && id === 'live');
    const announcement = archived('first');
    await publishAt(1, announcement);
    expect(await idsAt(two)).toEqual([announcement.id]);
    for (const client of [one, two, three]) {
      const [, , event] = await client.message(([type, id]) => type === 'EVENT' && id === 'live');
      expect(event).toMatchObject({ id: announcement.id });
    }
    expect(await three.count({ authors: [owner.pubkey] })).toBe(1);
    for (const client of clients) client.send('CLOSE', 'live');
  });

  it('refuse at any of them what the one that writes refuses, with its words', async () => {
    const stranger = signedEvent(testIdentity(2), { kind: 1621, tags: [['a', '30617:00:none']] });
    const answers = [];
    for (const client of clients) answers.push(await client.publish(stranger));
    expect(answers[0]).toMatchObject({ accepted: false });
    expect(new Set(answers.map(({ reason }) => reason)).size).toBe(1);
  });

  it('let go at all of them of what is deleted at one', async () => {
    const [, , three] = clients as [TestClient, TestClient, TestClient];
    const announcement = archived('gone');
    await publishAt(2, announcement);
    await publishAt(1, signedEvent(owner, { kind: 5, tags: [['e', announcement.id]] }));
    await eventually(async () => !(await idsAt(three)).includes(announcement.id));
    expect(await three.count({ ids: [announcement.id] })).toBe(0);
  });

  it('take pushes, and serve clones and pages, at any of them', async () => {
    const [, two] = followers;
    const urlAt = (port: number | undefined) =>
      writer.urlOf(owner, 'shared').replace(`:${writer.daemon.port}/`, `:${port}/`);
    await using git = await GitClient.init();
    const commit = await git.commit('file', 'content');
    await publishAt(1, writer.announcement(owner, 'shared'));
    await publishAt(2, writer.state(owner, 'shared', { 'refs/heads/main': commit }));
    await git.ok('push', urlAt(followers[0]?.port), 'main');
    await using reader = await GitClient.init();
    await reader.ok('clone', '--quiet', urlAt(two?.port), 'copy');
    expect(await reader.ok('-C', 'copy', 'rev-parse', 'HEAD')).toBe(commit);
    const informationOf = async (port: number | undefined) => {
      const headers = { accept: 'application/nostr+json' };
      return await (await fetch(`http://127.0.0.1:${port}/`, { headers })).json();
    };
    expect(await informationOf(two?.port)).toEqual(await informationOf(writer.daemon.port));
    expect(await two?.get('/')).toContain('shared');
    expect(await two?.metric('ngit_follower_connected')).toBe(1);
    expect(await writer.daemon.metric('ngit_followers')).toBe(2);
  });

  it('show at any of them who writes, until when it may, who follows, and how far each is behind', async () => {
    type Status = { readonly at: string; readonly nodes: NodesReport };
    const statusAt = async (node: DaemonProcess) => JSON.parse(await node.get('/status.json')) as Status;
    const nodeUrl = ({ port }: DaemonProcess) => `http://127.0.0.1:${port}`;
    await publishAt(1, archived('shown'));
    for (const node of [writer.daemon, ...followers]) {
      await eventually(async () => {
        const { nodes } = await statusAt(node);
        return nodes.followers.every(({ behind }) => behind.events === 0);
      });
      const { at, nodes } = await statusAt(node);
      expect(nodes).toMatchObject({ role: 'writer', writer: { url: nodeUrl(writer.daemon) } });
      expect(nodes.writer.holder).toContain(String(writer.daemon.pid));
      expect(Date.parse(nodes.writer.until)).toBeGreaterThan(Date.parse(at));
      expect(nodes.followers.map(({ url }) => url).sort()).toEqual(followers.map(nodeUrl).sort());
      const page = await node.get('/status');
      for (const { port } of followers) expect(page).toContain(`http://127.0.0.1:${port}</th><td>follows`);
      expect(JSON.stringify(nodes) + page).not.toMatch(/postgres:|secret/);
    }
    for (const follower of followers)
      expect(await follower.metric('ngit_follower_tail_seconds_count{step="fold"}')).toBeGreaterThan(0);
  });

  it('go on when the one that writes is killed: reads at once, and what is published when another has taken over', {
    timeout: 90_000,
  }, async () => {
    const before = await idsAt(clients[1] as TestClient);
    writer.daemon.kill('SIGKILL');
    await writer.daemon.exited;
    expect(await idsAt(clients[1] as TestClient)).toEqual(before);
    // Until another has taken over, each says what it knows itself.
    const [second] = followers;
    const status = JSON.parse((await second?.get('/status.json')) ?? '') as { readonly nodes: NodesReport };
    expect(status.nodes).toMatchObject({
      role: 'follower',
      writer: { url: `http://127.0.0.1:${writer.daemon.port}` },
      followers: [{ url: `http://127.0.0.1:${second?.port}`, behind: { events: 0 } }],
    });
    const event = archived('later');
    const published = followers.map(async ({ url }) => {
      await using client = await TestClient.connect(url);
      return await client.publish(event);
    });
    await server.query('UPDATE graspd_leases SET ends_at = now()', 'nodes');
    const writes = ({ log }: DaemonProcess) => log.some(({ msg }) => msg === 'listening');
    await eventually(() => followers.some(writes));
    const other = followers.find((follower) => !writes(follower)) as DaemonProcess;
    // At the one that took over the connections ended; at the other it has its answer.
    const outcomes = await Promise.allSettled(published);
    expect(outcomes[followers.indexOf(other)]).toMatchObject({ value: { accepted: true } });
    for (const { url } of followers) {
      await using client = await TestClient.connect(url);
      await eventually(async () => (await idsAt(client)).includes(event.id));
    }
  });

  it('stop without waiting for those that follow, of which one takes over', async () => {
    const writes = ({ log }: DaemonProcess) => log.some(({ msg }) => msg === 'listening');
    const stopped = followers.find(writes) as DaemonProcess;
    const other = followers.find((follower) => follower !== stopped) as DaemonProcess;
    await eventually(async () => (await other.metric('ngit_follower_connected')) === 1);
    stopped.kill('SIGTERM');
    expect(await stopped.exited).toBe(0);
    expect(stopped.log.map(({ msg }) => msg)).not.toContain('connections are cut that did not end in time');
    await eventually(() => writes(other));
  });
});
