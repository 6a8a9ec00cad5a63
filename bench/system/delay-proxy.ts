import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on loopback behind which a host seems to be far away. */
export type DelayProxy = AsyncDisposable & {
  readonly port: number;
  /** Connections that came until now, also those that were refused. */
  readonly connections: number;
  /** Ends all connections, in the middle of whatever they carry; `asReset` is without a FIN. */
  cut(asReset: boolean): void;
};

/** What a link does to its bytes beside delaying them; may change while it is in use. */
export type LinkFaults = {
  /**
   * `silent`: what comes is lost, and nobody is told; a connection that lost something carries nothing any more, also
   * when the link is open again. `refusing`: new connections end at once, those that stand become silent.
   */
  mode: 'open' | 'silent' | 'refusing';
  /** Further delay of a chunk, at most. */
  jitterMs: number;
  /** Bytes that pass in a millisecond. */
  bytesPerMs: number;
  /** The share of chunks of which a bit is flipped. */
  flipShare: number;
  readonly random: { next(): number };
};

/** Bytes under way in one direction above which its sender is not read: the window of a long, fat line. */
const windowBytes = 8 * 2 ** 20;

/** Passes on to `port` of loopback; each byte takes half of `roundTripMs` in either direction. */
export async function startDelayProxy(
  port: number,
  roundTripMs: number,
  faults?: LinkFaults,
): Promise<DelayProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true }, (near) => {
    connections += 1;
    if (faults?.mode === 'refusing') {
      near.on('error', () => {});
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    const line = { isDead: false };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => !line.isDead && to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        setTimeout(() => {
          if (faults !== undefined && faults.mode !== 'open') line.isDead = true;
          if (!line.isDead) to.end();
        }, roundTripMs / 2);
      });
      passOn(from, to, roundTripMs / 2, line, faults);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    cut(asReset) {
      for (const socket of sockets) {
        if (asReset) socket.resetAndDestroy();
        else socket.destroy();
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function passOn(
  from: Socket,
  to: Socket,
  delayMs: number,
  line: { isDead: boolean },
  faults: LinkFaults | undefined,
): void {
  let underWay = 0;
  let freeAt = 0;
  from.on('data', (chunk) => {
    if (faults !== undefined && faults.mode !== 'open') line.isDead = true;
    if (line.isDead) return;
    underWay += chunk.length;
    if (underWay > windowBytes) from.pause();
    const now = performance.now();
    const jitterMs = (faults?.jitterMs ?? 0) * (faults?.random.next() ?? 0);
    // No byte overtakes another: timers of the same length run in the order in which they were set.
    freeAt =
      Math.max(freeAt, now + jitterMs) + chunk.length / (faults?.bytesPerMs ?? Number.POSITIVE_INFINITY);
    if (faults !== undefined && faults.random.next() < faults.flipShare) flipBit(chunk, faults.random);
    setTimeout(
      () => {
        underWay -= chunk.length;
        if (from.isPaused() && underWay <= windowBytes) from.resume();
        if (!to.destroyed && !line.isDead) to.write(chunk);
      },
      Math.ceil(delayMs + freeAt - now),
    );
  });
}

function flipBit(chunk: Buffer, random: { next(): number }): void {
  const at = Math.floor(random.next() * chunk.length);
  chunk[at] = (chunk[at] ?? 0) ^ (1 << Math.floor(random.next() * 8));
}
