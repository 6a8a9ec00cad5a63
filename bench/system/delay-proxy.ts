import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on loopback behind which a host seems to be far away. */
export type DelayProxy = AsyncDisposable & { readonly port: number };

/** Bytes under way in one direction above which its sender is not read: the window of a long, fat line. */
const windowBytes = 8 * 2 ** 20;

/** Passes on to `port` of loopback; each byte takes half of `roundTripMs` in either direction. */
export async function startDelayProxy(port: number, roundTripMs: number): Promise<DelayProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        setTimeout(() => to.end(), roundTripMs / 2);
      });
      passOn(from, to, roundTripMs / 2);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function passOn(from: Socket, to: Socket, delayMs: number): void {
  let underWay = 0;
  from.on('data', (chunk) => {
    underWay += chunk.length;
    if (underWay > windowBytes) from.pause();
    // Timers of the same length run in the order in which they were set, so no byte overtakes another.
    setTimeout(() => {
      underWay -= chunk.length;
      if (from.isPaused() && underWay <= windowBytes) from.resume();
      if (!to.destroyed) to.write(chunk);
    }, delayMs);
  });
}
