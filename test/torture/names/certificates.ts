import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { ReleaseStack } from '../../../src/lib/release-stack.js';
import { npubOf } from '../../../src/nostr/keys.js';
import { git, refsOf, scratchFolder, writeCommit } from '../../git/scratch.js';
import { CertificateAuthority } from '../../support/certificates.js';
import { DaemonProcess } from '../../support/daemon-process.js';
import { signedEvent, testIdentity } from '../../support/events.js';
import { GitServer } from '../../support/git-server.js';
import { PlainRelay } from '../../support/plain-relay.js';
import { quickArchive } from '../../support/quick-sync.js';
import { TestClient } from '../../support/test-client.js';
import { TlsFront } from '../../support/tls-front.js';
import { type Findings, heldWithin } from '../finding.js';

const owner = testIdentity(720);
const now = Math.floor(Date.now() / 1_000);
/** Servers with which nothing is spoken above TLS, by the names that they have below `localhost`. */
const badServers = ['expired', 'early', 'self-signed', 'unknown-authority', 'wrong-host', 'old'] as const;
type BadServer = (typeof badServers)[number];

const issueOf = (host: string) =>
  signedEvent(testIdentity(721), {
    kind: 1621,
    created_at: now,
    tags: [['a', `30617:${owner.pubkey}:good`]],
    content: host,
  });

/**
 * A daemon that trusts one authority more than its system does follows relays and git servers over TLS: those with a good
 * certificate are synced with, the others are refused as what they are, and told nothing.
 */
export async function certificates(patienceMs: number): Promise<{ findings: Findings; tried: number }> {
  using work = scratchFolder();
  const path = join(work.path, 'good.git');
  git(path, ['init', '-q', '--bare']);
  git(path, ['update-ref', 'refs/heads/main', writeCommit(path, 'first')]);
  await using stack = new ReleaseStack();
  const relay = stack.use(await PlainRelay.serve([issueOf('good')]));
  const server = stack.use(await GitServer.start(work.path));
  const authority = new CertificateAuthority(folderIn(work.path, 'authority'));
  const stranger = new CertificateAuthority(folderIn(work.path, 'stranger'));
  const bad = new Map<BadServer, TlsFront>();
  for (const name of badServers) {
    bad.set(name, stack.use(await TlsFront.before(relay.port, badOptions(name, authority, stranger))));
  }
  const certified = authority.issue({ host: 'good.localhost' });
  const [goodRelay, goodServer] = [
    stack.use(await TlsFront.before(relay.port, certified)),
    stack.use(await TlsFront.before(server.port, certified)),
  ];
  const daemon = stack.use(
    await DaemonProcess.start({ flags: quickArchive, environment: { NODE_EXTRA_CA_CERTS: authority.file } }),
  );
  await using client = await TestClient.connect(daemon.url);
  const goodUrl = `wss://good.localhost:${goodRelay.port}`;
  await publish(
    client,
    'good',
    refsOf(path),
    [goodUrl],
    [`https://good.localhost:${goodServer.port}/good.git`],
  );
  for (const [name, { port }] of bad) {
    const url = `//${name}.localhost:${port}`;
    await publish(
      client,
      name,
      { 'refs/heads/main': '1'.repeat(40) },
      [`wss:${url}`],
      [`https:${url}/a.git`],
    );
  }

  const findings: string[] = [];
  const expect = async (what: string, condition: () => Promise<boolean> | boolean) => {
    if (!(await heldWithin(patienceMs, condition))) findings.push(what);
  };
  await expect('a relay with a good certificate was not synced with', async () => {
    return (await client.count({ ids: [issueOf('good').id] })) === 1;
  });
  await expect('a git server with a good certificate was not fetched from', async () => {
    const text = await daemon.get(`/${npubOf(owner.pubkey)}/good.git/info/refs?service=git-upload-pack`);
    return Object.values(refsOf(path)).every((objectId) => text.includes(objectId));
  });
  for (const [name, front] of bad) {
    const url = `wss://${name}.localhost:${front.port}`;
    await expect(`${name}: the relay was not refused for its certificate`, () =>
      daemon.log.some((line) => line.relay === url && line.failure === 'tls'),
    );
    await expect(`${name}: the git server was not refused for its certificate`, async () => {
      const series = `ngit_git_sync_failures_total{host="${name}.localhost",failure="tls"}`;
      return (await daemon.metric(series)) > 0;
    });
    if (front.bytesIn > 0) findings.push(`${name}: it was told ${front.bytesIn} bytes`);
  }
  return { findings, tried: [...bad.values()].reduce((sum, { connections }) => sum + connections, 0) };
}

function badOptions(
  name: BadServer,
  authority: CertificateAuthority,
  stranger: CertificateAuthority,
): TlsOptions {
  const host = `${name}.localhost`;
  switch (name) {
    case 'expired':
      return authority.issue({ host, days: [-30, -1] });
    case 'early':
      return authority.issue({ host, days: [1, 30] });
    case 'self-signed':
      return authority.selfSigned(host);
    case 'unknown-authority':
      return stranger.issue({ host });
    case 'wrong-host':
      return authority.issue({ host: 'elsewhere.localhost' });
    case 'old': {
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      return { ...authority.issue({ host }), ...old };
    }
  }
}

async function publish(
  client: TestClient,
  name: string,
  refs: Readonly<Record<string, string>>,
  relays: readonly string[],
  servers: readonly string[],
): Promise<void> {
  const announced = [
    ['d', name],
    ['relays', ...relays],
    ['clone', ...servers],
  ];
  const stated = [['d', name], ...Object.entries(refs), ['HEAD', 'ref: refs/heads/main']];
  for (const [kind, tags] of [
    [30617, announced],
    [30618, stated],
  ] as const) {
    const { accepted, reason } = await client.publish(signedEvent(owner, { kind, created_at: now, tags }));
    if (!accepted) throw new Error(`${name}: ${reason}`);
  }
}

function folderIn(path: string, name: string): string {
  const folder = join(path, name);
  mkdirSync(folder);
  return folder;
}
