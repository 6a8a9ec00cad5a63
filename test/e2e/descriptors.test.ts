import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder } from '../git/scratch.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { TestClient } from '../support/test-client.js';

/** Opens a connection that asks for nothing, or is refused. */
function idleSocket(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(socket));
  });
}

it('with few descriptors and more connections than there are, the store is written and read', async () => {
  await using daemon = await DaemonProcess.start({
    openFilesMax: 420,
    flags: ['--archive-all', '--verify-workers=1', '--client-events-per-minute=0'],
  });
  await using client = await TestClient.connect(daemon.url);
  const idle = await Promise.all(Array.from({ length: 500 }, () => idleSocket(daemon.port)));
  try {
    await expect(TestClient.connect(daemon.url)).rejects.toThrow();
    const author = testIdentity(1);
    for (let number = 0; number < 50; number += 1) {
      const event = signedEvent(author, {
        kind: 30_617,
        created_at: 1_700_000_000 + number,
        tags: [
          ['d', `repository-${number}`],
          ['clone', `https://git.example.org/${number}.git`],
          ['relays', 'wss://git.example.org'],
        ],
      });
      expect(await client.publish(event)).toMatchObject({ accepted: true });
    }
    expect(await client.count({ kinds: [30_617] })).toBe(50);
  } finally {
    for (const socket of idle) socket.destroy();
  }
  // Those that hung up made room; until that was noticed, connections may be closed at once.
  const isHealthy = () => fetch(`http://127.0.0.1:${daemon.port}/healthz`).then(({ ok }) => ok);
  await eventually(() => isHealthy().catch(() => false));
  await using other = await TestClient.connect(daemon.url);
  expect(await other.count({})).toBe(50);
  const faults = daemon.log.filter(({ level }) => level === 'error' || level === 'fatal');
  expect(faults).toEqual([]);
});

it('where more clients are to be served than there are descriptors for, the start and a reload say what is needed', async () => {
  using folder = scratchFolder();
  const want = (connections: number) =>
    writeFile(join(folder.path, '.env'), `NGIT_MAX_CONNECTIONS=${connections}\n`);
  await want(6_000);
  await using daemon = await DaemonProcess.start({
    openFilesMax: 1_024,
    directory: folder.path,
    flags: ['--archive-all', '--verify-workers=1'],
  });
  const said = () =>
    daemon.log.filter(({ level }) => level === 'warn').map(({ msg, ...more }) => [msg, more]);
  const warning = (maxConnections: number) => [
    expect.stringMatching(
      /^the limit of open files .* raise it to 'needed' \(LimitNOFILE of systemd, ulimit -n\)/,
    ),
    expect.objectContaining({ limit: 1_024, maxConnections, needed: expect.any(Number) }),
  ];
  await eventually(() => said().length > 0);
  expect(said()).toEqual([warning(6_000)]);
  await want(7_000);
  daemon.kill('SIGHUP');
  await eventually(() => said().length > 1);
  expect(said()).toEqual([warning(6_000), warning(7_000)]);
  await want(100);
  daemon.kill('SIGHUP');
  await eventually(() => daemon.log.filter(({ msg }) => msg === 'settings reloaded').length === 2);
  expect(said()).toHaveLength(2);
});
