import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import { git, scratchFolder } from '../git/scratch.js';
import { packOf } from '../hosting/hosting-world.js';
import { Cluster, type Node } from '../support/cluster.js';
import type { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { commitNoise } from '../support/noise.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { TestClient } from '../support/test-client.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

const owner = testIdentity(1);
/** Seconds are waited for here where a daemon waits for tens of them. */
const limits = { leaseMs: 2_000, leaseRenewMs: 250 };
/** Git takes much longer for so many bytes than the database for an answer. */
const packBytes = 20_000_000;

describe.skipIf(obstacle !== undefined)('a graspd that writes to PostgreSQL, and two that follow it', () => {
  let server: PostgresServer;
  let cluster: Cluster;
  let directory: string;
  let first: Node;
  let others: readonly Node[];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'graspd-hung-'));
    server = await PostgresServer.start();
    cluster = await Cluster.start({
      ...{ server, database: 'nodes', count: 3, directory, limits },
      flags: ['--archive-all', '--archive-read-only=false'],
    });
    [first, ...others] = cluster.nodes as [Node, Node, Node];
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  /** An announcement of a repository elsewhere, which is stored at once. */
  const archived = (identifier: string) => signedEvent(owner, { kind: 30617, tags: [['d', identifier]] });
  const pathOf = (identifier: string) => `/${npubOf(owner.pubkey)}/${identifier}.git`;

  async function publishAt({ url }: Node, ...events: readonly NostrEvent[]): Promise<void> {
    await using client = await TestClient.connect(url);
    for (const event of events) expect(await client.publish(event)).toMatchObject({ accepted: true });
  }

  async function idsAt({ url }: Node): Promise<string[]> {
    await using client = await TestClient.connect(url);
    return (await client.query({ authors: [owner.pubkey] })).map(({ id }) => id).sort();
  }

  /** A push of `main` to a repository that waits for it, whose last bytes are not sent yet. */
  async function beginPush(to: Node, identifier: string, commit: string, pack: Buffer) {
    const command = pktLine(`${'0'.repeat(40)} ${commit} refs/heads/main\0report-status\n`);
    const body = Buffer.concat([command, flushPkt, pack]);
    const socket = connect(to.port, '127.0.0.1');
    socket.on('error', () => {});
    const answer: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => answer.push(bytes));
    socket.write(
      `POST ${pathOf(identifier)}/git-receive-pack HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    await new Promise((resolve) => socket.write(body.subarray(0, -10), resolve));
    const isTaken = () =>
      readdirSync(join(directory, 'data', 'git', '.graspd')).some((name) => name.startsWith('incoming-'));
    await eventually(isTaken);
    return { end: () => socket.write(body.subarray(-10)), answer: () => Buffer.concat(answer).toString() };
  }

  it('is taken over when it hangs for longer than its lease, and writes nothing when it goes on', {
    timeout: 120_000,
  }, async () => {
    const hung = first.daemon as DaemonProcess;
    using work = scratchFolder();
    git(work.path, ['init', '-q', '--bare']);
    const commit = commitNoise(work.path, packBytes);
    const clone = `http://127.0.0.1:${first.port}${pathOf('pushed')}`;
    const announcement = signedEvent(owner, {
      kind: 30617,
      tags: [
        ['d', 'pushed'],
        ['clone', clone],
        ['relays', first.url],
      ],
    });
    const state = signedEvent(owner, {
      kind: 30618,
      tags: [
        ['d', 'pushed'],
        ['refs/heads/main', commit],
        ['HEAD', 'ref: refs/heads/main'],
      ],
    });
    await publishAt(first, announcement, state, archived('before'));
    const push = await beginPush(first, 'pushed', commit, packOf(work.path, [commit]));
    await using client = await TestClient.connect(first.url);

    hung.kill('SIGSTOP');
    const late = archived('late');
    const answered = client.publish(late).then(
      ({ accepted }) => accepted,
      () => false,
    );
    const tookOver = () => others.find(({ daemon }) => daemon?.writes);
    await eventually(() => tookOver() !== undefined);
    const meanwhile = others.map((_, number) => archived(`meanwhile-${number}`));
    for (const [at, node] of others.entries()) await publishAt(node, meanwhile[at] as NostrEvent);

    push.end();
    hung.kill('SIGCONT');
    expect(await hung.exited).toBe(3);
    expect(hung.output.join('\n')).toContain('another graspd has taken the database over');
    expect(await answered).toBe(false);
    expect(push.answer()).not.toContain('ok refs/heads/main');
    const stays = [archived('before'), ...meanwhile].map(({ id }) => id).sort();
    for (const node of others) await expect.poll(() => idsAt(node), { timeout: 10_000 }).toEqual(stays);
    const urlAt = ({ port }: Node) => `http://127.0.0.1:${port}${pathOf('pushed')}`;
    for (const node of others) expect(git(work.path, ['ls-remote', urlAt(node)])).toBe('');

    // What waited for the push waits still, and comes with it.
    await cluster.startNode(first);
    git(work.path, ['push', '-q', urlAt(first), 'main']);
    const all = [...stays, announcement.id, state.id].sort();
    for (const node of cluster.nodes) await expect.poll(() => idsAt(node), { timeout: 10_000 }).toEqual(all);
  });
});
