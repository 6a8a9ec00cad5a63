import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { DaemonProcess } from '../../support/daemon-process.js';
import { signedEvent, testIdentity } from '../../support/events.js';
import { type NameAnswer, NameServer, type Naming } from '../../support/name-server.js';
import { quickArchive } from '../../support/quick-sync.js';
import { TestClient } from '../../support/test-client.js';
import { type Findings, heldWithin } from '../finding.js';

const owner = testIdentity(740);
const now = Math.floor(Date.now() / 1_000);

/** What DNS says of names of strangers, by their first label, and the class of failure that it has to be. */
const lies: Readonly<Record<string, { readonly answer: NameAnswer; readonly failure: string }>> = {
  loopback: { answer: { addresses: ['127.0.0.1', '::1'] }, failure: 'policy' },
  private: { answer: { addresses: ['10.0.0.1', 'fd00::1'] }, failure: 'policy' },
  mapped: { answer: { addresses: ['::ffff:127.0.0.1'] }, failure: 'policy' },
  translated: { answer: { addresses: ['64:ff9b::7f00:1'] }, failure: 'policy' },
  metadata: { answer: { addresses: ['169.254.169.254'] }, failure: 'policy' },
  unspecified: { answer: { addresses: ['0.0.0.0', '::'] }, failure: 'policy' },
  aliased: {
    answer: { addresses: ['127.0.0.1'], aliases: ['a.company.net', 'localhost'] },
    failure: 'policy',
  },
  crowd: {
    answer: { addresses: Array.from({ length: 1_000 }, (_, n) => `127.0.${n >> 8}.${n & 255}`) },
    failure: 'policy',
  },
  absent: { answer: 'no such name', failure: 'dns' },
  failing: { answer: 'failure', failure: 'dns' },
  empty: { answer: { addresses: [] }, failure: 'dns' },
};

/**
 * A daemon that may not be led into its own network, and relays and git servers whose names lead there, in every way: none
 * is connected to, and each is refused as what it is. One name changes what it says with each question.
 */
export async function lyingNames(patienceMs: number): Promise<{ findings: Findings; tried: number }> {
  let connections = 0;
  const trap = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  trap.listen(0, '::');
  await once(trap, 'listening');
  const { port } = trap.address() as AddressInfo;
  let questions = 0;
  const naming: Naming = (name) => {
    if (!name.startsWith('changing')) return lies[name.split('.', 1)[0] ?? '']?.answer ?? 'no such name';
    questions += 1;
    return questions <= 2 ? 'no such name' : { addresses: ['127.0.0.1', '::1'] };
  };
  await using names = await NameServer.listen(naming);
  const flags = [...quickArchive, '--sync-allow-private-relays=false'];
  await using daemon = await DaemonProcess.start({ nameServer: names.address, flags });
  await using client = await TestClient.connect(daemon.url);
  for (const name of [...Object.keys(lies), 'changing']) await publish(client, name, port);

  const findings: string[] = [];
  for (const [name, { failure }] of [...Object.entries(lies), ['changing', { failure: 'policy' }] as const]) {
    const isRefused = () =>
      daemon.log.some((line) => line.relay === `ws://${name}.liar.net:${port}` && line.failure === failure);
    if (!(await heldWithin(patienceMs, isRefused)))
      findings.push(`${name}: the relay did not fail as ${failure}`);
    const series = `ngit_git_sync_failures_total{host="${name}.liar.net",failure="${failure}"}`;
    const isGitRefused = async () => name === 'changing' || (await daemon.metric(series)) > 0;
    if (!(await heldWithin(patienceMs, isGitRefused)))
      findings.push(`${name}: the git server did not fail as ${failure}`);
  }
  if (connections > 0) findings.push(`${connections} connections were made into the own network`);
  trap.close();
  return { findings, tried: names.asked.length };
}

async function publish(client: TestClient, name: string, port: number): Promise<void> {
  const announced = [
    ['relays', `ws://${name}.liar.net:${port}`],
    ['clone', `http://${name}.liar.net:${port}/a.git`],
  ];
  const stated = [
    ['refs/heads/main', '1'.repeat(40)],
    ['HEAD', 'ref: refs/heads/main'],
  ];
  for (const [kind, tags] of [
    [30617, announced],
    [30618, stated],
  ] as const) {
    const event = signedEvent(owner, { kind, created_at: now, tags: [['d', name], ...tags] });
    const { accepted, reason } = await client.publish(event);
    if (!accepted) throw new Error(`${name}: ${reason}`);
  }
}
