import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
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
    openFilesMax: 400,
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
  // Those that hung up made room.
  await eventually(async () => (await fetch(`http://127.0.0.1:${daemon.port}/healthz`)).ok);
  await using other = await TestClient.connect(daemon.url);
  expect(await other.count({})).toBe(50);
  const faults = daemon.log.filter(({ level }) => level === 'error' || level === 'fatal');
  expect(faults).toEqual([]);
});
