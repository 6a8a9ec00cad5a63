import { join } from 'node:path';
import { npubOf } from '../../../src/nostr/keys.js';
import { git, refsOf, scratchFolder, writeCommit } from '../../git/scratch.js';
import { DaemonProcess } from '../../support/daemon-process.js';
import { signedEvent, testIdentity } from '../../support/events.js';
import { eventually } from '../../support/eventually.js';
import { GitServer } from '../../support/git-server.js';
import { NameServer, type Naming } from '../../support/name-server.js';
import { PlainRelay } from '../../support/plain-relay.js';
import { quickArchive } from '../../support/quick-sync.js';
import { TestClient } from '../../support/test-client.js';
import { type Findings, heldWithin } from '../finding.js';

export type SilentNamesOptions = {
  /** Relays of strangers whose names no DNS server answers for. */
  readonly relays: number;
  /** Git servers of the same kind. */
  readonly gitServers: number;
  /** How long an honest relay or git server may take until it is reached, in milliseconds. */
  readonly patienceMs: number;
};

/** What came of it: findings, publishes that were answered, and the slowest of these. */
export type SilentNamesOutcome = {
  readonly findings: Findings;
  readonly publishes: number;
  readonly slowestMs: number;
};

const now = Math.floor(Date.now() / 1_000);
const stranger = testIdentity(700);
const honest = testIdentity(701);

/**
 * A daemon whose DNS server never answers for the names of strangers, and late for those of an honest relay and an honest
 * git server: these are reached all the same, and clients are answered meanwhile.
 */
export async function silentNames(options: SilentNamesOptions): Promise<SilentNamesOutcome> {
  using work = scratchFolder();
  const source = join(work.path, 'honest.git');
  git(source, ['init', '-q', '--bare']);
  git(source, ['update-ref', 'refs/heads/main', writeCommit(source, 'first')]);
  const naming: Naming = (name) =>
    name.endsWith('honest.net') ? { addresses: ['127.0.0.1', '::1'], afterMs: 300 } : 'silent';
  await using names = await NameServer.listen(naming);
  await using relay = await PlainRelay.serve();
  await using server = await GitServer.start(work.path);
  await using daemon = await DaemonProcess.start({ nameServer: names.address, flags: quickArchive });
  await using client = await TestClient.connect(daemon.url);
  await client.publish(
    announcement('silent', silentRelays(options.relays), silentServers(options.gitServers)),
  );
  await client.publish(stateOf(stranger, 'silent', { 'refs/heads/main': '1'.repeat(40) }));
  await eventually(() => new Set(names.asked).size >= Math.min(options.relays, 2));

  const relayUrl = `ws://honest.net:${relay.port}`;
  const cloneUrl = `http://git.honest.net:${server.port}/honest.git`;
  await client.publish(announcement('honest', [relayUrl], [cloneUrl]));
  await client.publish(stateOf(honest, 'honest', refsOf(source)));
  const publishing = publishUntil(client);
  const findings: string[] = [];
  const [isConnected, isFetched] = await Promise.all([
    heldWithin(
      options.patienceMs,
      async () => (await daemon.metric(`ngit_sync_relay_connected{relay="${relayUrl}"}`)) === 1,
    ),
    heldWithin(options.patienceMs, () => isServed(daemon, refsOf(source))),
  ]);
  if (!isConnected) findings.push(`an honest relay was not reached in ${options.patienceMs} ms`);
  if (!isFetched) findings.push(`an honest git server was not reached in ${options.patienceMs} ms`);
  const times = await publishing.end();
  return { findings, publishes: times.length, slowestMs: Math.max(...times) };
}

function silentRelays(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `ws://relay-${n}.silent.net`);
}

function silentServers(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `http://git-${n}.silent.net/a.git`);
}

function announcement(name: 'silent' | 'honest', relays: readonly string[], servers: readonly string[]) {
  return signedEvent(name === 'silent' ? stranger : honest, {
    kind: 30617,
    created_at: now,
    tags: [
      ['d', name],
      ['relays', ...relays],
      ['clone', ...servers],
    ],
  });
}

function stateOf(author: typeof honest, name: string, refs: Readonly<Record<string, string>>) {
  const tags = [['d', name], ...Object.entries(refs), ['HEAD', 'ref: refs/heads/main']];
  return signedEvent(author, { kind: 30618, created_at: now, tags });
}

async function isServed(daemon: DaemonProcess, refs: Readonly<Record<string, string>>): Promise<boolean> {
  const path = `/${npubOf(honest.pubkey)}/honest.git/info/refs?service=git-upload-pack`;
  const text = await daemon.get(path);
  return Object.values(refs).every((objectId) => text.includes(objectId));
}

/** Publishes one event after the other; the end gives the time that each took until its OK, in milliseconds. */
function publishUntil(client: TestClient): { end(): Promise<number[]> } {
  let isOver = false;
  const times: number[] = [];
  const run = async () => {
    for (let n = 0; !isOver; n++) {
      const event = signedEvent(honest, { kind: 30617, created_at: now, tags: [['d', `p-${n}`]] });
      const begun = performance.now();
      const { accepted, reason } = await client.publish(event);
      if (!accepted) throw new Error(`a publish was refused: ${reason}`);
      times.push(performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    }
  };
  const running = run();
  running.catch(() => {});
  return {
    async end() {
      isOver = true;
      await running;
      return times;
    },
  };
}
