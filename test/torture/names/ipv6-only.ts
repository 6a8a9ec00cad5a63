import { join } from 'node:path';
import { npubOf } from '../../../src/nostr/keys.js';
import { git, refsOf, scratchFolder, writeCommit } from '../../git/scratch.js';
import { DaemonProcess } from '../../support/daemon-process.js';
import { signedEvent, testIdentity } from '../../support/events.js';
import { NameServer } from '../../support/name-server.js';
import { quickArchive, quickSync } from '../../support/quick-sync.js';
import { TestClient } from '../../support/test-client.js';
import { type Findings, heldWithin } from '../finding.js';

const owner = testIdentity(730);
const now = Math.floor(Date.now() / 1_000);

/**
 * Two daemons that have nothing but IPv6: one is pushed to, the other follows it by a name that has only an IPv6 address,
 * and by its address where the announcement says so. Events and git data get there.
 */
export async function ipv6Only(patienceMs: number): Promise<Findings> {
  using work = scratchFolder();
  git(work.path, ['init', '-q', '--bare']);
  git(work.path, ['update-ref', 'refs/heads/main', writeCommit(work.path, 'first')]);
  const naming = (name: string) => (name === 'six.net' ? { addresses: ['::1'] } : 'no such name');
  await using names = await NameServer.listen(naming);
  const bound = { host: '[::1]', nameServer: names.address } as const;
  await using first = await DaemonProcess.start({ ...bound, flags: quickSync });
  const bootstrap = `--sync-bootstrap-relay-url=ws://six.net:${first.port}`;
  await using second = await DaemonProcess.start({ ...bound, flags: [...quickArchive, bootstrap] });

  const url = `http://[::1]:${first.port}/${npubOf(owner.pubkey)}/six.git`;
  const announced = [
    ['clone', url, `http://six.net:${first.port}/a.git`],
    ['relays', first.url],
  ];
  const stated = [...Object.entries(refsOf(work.path)), ['HEAD', 'ref: refs/heads/main']];
  await using client = await TestClient.connect(first.url);
  for (const [kind, tags] of [
    [30617, announced],
    [30618, stated],
  ] as const) {
    const event = signedEvent(owner, { kind, created_at: now, tags: [['d', 'six'], ...tags] });
    const { accepted, reason } = await client.publish(event);
    if (!accepted) return [`the first daemon refused kind ${kind}: ${reason}`];
  }
  git(work.path, ['push', '-q', url, 'refs/heads/main']);
  git(work.path, ['clone', '-q', '--bare', url, join(work.path, 'clone')]);

  await using reader = await TestClient.connect(second.url);
  const hasEvents = async () => (await reader.count({ kinds: [30617, 30618] })) === 2;
  if (!(await heldWithin(patienceMs, hasEvents))) return ['the other daemon lacks events'];
  const path = `/${npubOf(owner.pubkey)}/six.git/info/refs?service=git-upload-pack`;
  const hasRefs = async () => {
    const text = await second.get(path);
    return Object.values(refsOf(work.path)).every((objectId) => text.includes(objectId));
  };
  return (await heldWithin(patienceMs, hasRefs)) ? [] : ['the other daemon lacks git data'];
}
