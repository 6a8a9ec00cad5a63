import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { Cluster, type Node } from '../support/cluster.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { QuickSigner } from '../support/quick-signing.js';
import { TestClient } from '../support/test-client.js';
import { LiveSet, served } from '../torture/kills/questions.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

const owner = testIdentity(1);
/** Events that each client publishes between two steps of the update, at least. */
const eventsPerStep = 20;
/** Pause between two events of a client: as many as can be are not the point here. */
const pauseMs = 10;
let seconds = Math.floor(Date.now() / 1_000) - 1_000_000;

/** A client of one node that publishes one event after the other, and reads each again; it connects anew where it has to. */
class Publisher {
  readonly node: Node;
  readonly acknowledged: string[] = [];
  /** What it was told that must not be. */
  readonly wrong: string[] = [];
  connections = 0;
  readonly #signer: QuickSigner;

  constructor(node: Node, number: number) {
    this.node = node;
    this.#signer = new QuickSigner(new Uint8Array(32).fill(number + 1));
  }

  async run(signal: AbortSignal): Promise<void> {
    let event = this.#next();
    while (!signal.aborted) {
      try {
        await using client = await TestClient.connect(this.node.url);
        this.connections += 1;
        while (!signal.aborted) {
          if (await this.#publish(client, event)) event = this.#next();
          await sleep(pauseMs);
        }
      } catch {
        // The node ends, or is not there yet: what had no answer is sent again.
        await sleep(pauseMs);
      }
    }
  }

  /** Whether it was taken; what cannot be taken at the moment is sent again. */
  async #publish(client: TestClient, event: NostrEvent): Promise<boolean> {
    const { accepted, reason } = await client.publish(event);
    if (!accepted) {
      if (!reason.startsWith('error: ')) this.wrong.push(`${event.id} was refused: ${reason}`);
      return false;
    }
    this.acknowledged.push(event.id);
    const found = await client.query({ ids: [event.id] });
    if (found.length !== 1) this.wrong.push(`${event.id} is not served where it was published`);
    return true;
  }

  #next(): NostrEvent {
    seconds += 1;
    const tags = [['a', `30617:${owner.pubkey}:project`]];
    return this.#signer.sign({ kind: 1621, created_at: seconds, tags, content: `${seconds}` });
  }
}

describe.skipIf(obstacle !== undefined)('three graspd on one PostgreSQL, updated one after the other', () => {
  let server: PostgresServer;
  let cluster: Cluster;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'graspd-update-'));
    server = await PostgresServer.start();
    cluster = await Cluster.start({
      ...{ server, database: 'nodes', count: 3, directory },
      flags: ['--archive-all', '--archive-read-only=false', '--client-events-per-minute=0'],
    });
    await using client = await TestClient.connect(cluster.nodes[0]?.url ?? '');
    const announcement = signedEvent(owner, { kind: 30617, tags: [['d', 'project']] });
    expect(await client.publish(announcement)).toMatchObject({ accepted: true });
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  it('lose nothing that was acknowledged, and end no connection at one that is neither stopped nor takes over', {
    timeout: 180_000,
  }, async () => {
    const { nodes } = cluster;
    const publishers = nodes.map((node, number) => new Publisher(node, number));
    const stop = new AbortController();
    const publishing = Promise.all(publishers.map((publisher) => publisher.run(stop.signal)));
    const goOn = async (those: readonly Publisher[]) => {
      const until = those.map(({ acknowledged }) => acknowledged.length + eventsPerStep);
      await eventually(() => those.every(({ acknowledged }, at) => acknowledged.length >= (until[at] ?? 0)));
    };
    // Those that follow first, so that the right to write moves once.
    for (const node of [...nodes.slice(1), ...nodes.slice(0, 1)]) {
      await goOn(publishers);
      const live = await Promise.all(
        nodes.map(({ url }) => LiveSet.open(url, { kinds: [1621], since: seconds })),
      );
      const before = publishers.map(({ connections }) => connections);
      const wrote = cluster.writer === node;
      expect(await cluster.stop(node)).toBe(0);
      if (wrote) await eventually(() => cluster.writer !== undefined);
      await goOn(publishers.filter((publisher) => publisher.node !== node));
      await cluster.startNode(node);
      await goOn(publishers);
      for (const [at, set] of live.entries()) {
        const isKept = nodes[at] !== node && !(wrote && nodes[at] === cluster.writer);
        expect([nodes[at]?.name, set.isOver]).toEqual([nodes[at]?.name, !isKept]);
        if (isKept) {
          expect(publishers[at]?.connections).toBe(before[at]);
          await eventually(async () => (await set.differences(() => false)).length === 0);
        }
        await set[Symbol.asyncDispose]();
      }
    }
    stop.abort();
    await publishing;
    expect(publishers.flatMap(({ wrong }) => wrong)).toEqual([]);
    await eventually(() => cluster.isAtRest());
    const acknowledged = publishers.flatMap((publisher) => publisher.acknowledged);
    for (const { url } of nodes) {
      const there = await served(url, acknowledged);
      expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
    }
  });
});
