import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Ports that systems give to no connection by themselves: Linux gives 32768 and above, others 49152 and above. */
const [lowest, highest] = [15_000, 32_767];

/**
 * A port on loopback that is free at the moment, and hardly taken before it is used: nothing else asks for one there but tests
 * that run beside this one, and these choose at random.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest + 1);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
