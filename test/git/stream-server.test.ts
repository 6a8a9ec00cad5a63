import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { StreamServer } from '../../src/git/processes/stream-server.js';

it('takes a header up to a size, and ends a connection with a longer one, however it ends', async () => {
  const server = new StreamServer(() => {});
  try {
    const path = await server.listen();
    const isEnded = async (bytes: number): Promise<boolean> => {
      const socket = connect(path);
      socket.on('error', () => {});
      const header = JSON.stringify({ id: bytes, direction: 'input' });
      socket.write(`${header.padEnd(bytes - 1, ' ')}\n`);
      const ended = once(socket, 'close').then(() => true);
      const other = connect(path);
      // Its other half: both are told that they are connected.
      other.write(
        `${JSON.stringify({ id: bytes, direction: 'output', command: { gitDir: '/', args: [] } })}\n`,
      );
      const ready = once(socket, 'data').then(() => false);
      const result = await Promise.race([ended, ready]);
      for (const each of [socket, other]) each.destroy();
      return result;
    };
    expect(await isEnded(limits.gitStreamHeaderBytesMax)).toBe(false);
    expect(await isEnded(limits.gitStreamHeaderBytesMax + 1)).toBe(true);
  } finally {
    server.close();
  }
});
