import type { LookupAddress } from 'node:dns';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { programVersion } from '../../src/config/version.js';
import { deferred } from '../../src/lib/abort.js';
import { systemClock } from '../../src/lib/clock.js';
import type { Faults } from '../../src/lib/faults.js';
import type { Resolver } from '../../src/network/address-policy.js';
import type { SocketHandlers, TransportError } from '../../src/sync/dial/transport.js';
import { createWsDialer } from '../../src/sync/dial/ws-dialer.js';
import { silentFaults } from '../support/faults.js';
import { roomyMemory } from '../support/roomy-memory.js';
import { SocksProxy } from './support/socks-proxy.js';

const never = new AbortController().signal;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** An HTTP and WebSocket server on loopback. */
async function listen(
  onSocket: (socket: WebSocket) => void = () => {},
  onRequest: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end(),
): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const server: Server = createServer(onRequest);
  server.on('connection', () => {
    connections += 1;
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', onSocket);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

/** Resolves every name to these addresses. */
function resolvingTo(...addresses: string[]): Resolver {
  return (_host, _options, callback) => {
    const found: LookupAddress[] = addresses.map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }));
    callback(null, found);
  };
}

function recorder(memory = roomyMemory()) {
  const frames: string[] = [];
  const closed: (TransportError | undefined)[] = [];
  let heartbeats = 0;
  const handlers: SocketHandlers = {
    incoming: memory.open(),
    onMessage: (frame) => frames.push(frame),
    onHeartbeat: () => {
      heartbeats += 1;
    },
    onClosed: (error) => closed.push(error),
  };
  return { frames, closed, handlers, heartbeats: () => heartbeats };
}

type TestOptions = { allowPrivate?: boolean; resolve?: Resolver; faults?: Faults; onionProxy?: string };

function dialerOf(options: TestOptions = {}) {
  return createWsDialer({ clock: systemClock, faults: silentFaults(), allowPrivate: false, ...options });
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return (error as TransportError).failure;
  }
  return 'none';
}

describe('a URL of an event does not lead into private networks (docs/sync.md §1)', () => {
  it.each([
    ['127.0.0.1'],
    ['169.254.169.254'],
    ['10.0.0.7'],
    ['::1'],
    ['fd00:ec2::254'],
    ['::ffff:127.0.0.1'],
    ['64:ff9b::7f00:1'],
    ['224.0.0.1'],
  ])('a name that resolves to %s is refused after resolution, at connect time', async (address) => {
    const { port, connections } = await listen();
    const dialer = dialerOf({ resolve: resolvingTo(address) });
    const target = { url: `ws://rebinding.example.com:${port}`, trusted: false };
    expect(await failureOf(dialer.dial(target, recorder().handlers, never))).toBe('policy');
    expect(await dialer.information(target, never)).toBeUndefined();
    expect(connections()).toBe(0);
  });

  it('a name that was public when it was looked at and is private when it is connected to is refused', async () => {
    const { port, connections } = await listen();
    let lookups = 0;
    const resolve: Resolver = (host, options, callback) => {
      lookups += 1;
      resolvingTo(lookups === 1 ? '192.0.2.1' : '127.0.0.1')(host, options, callback);
    };
    const dialer = dialerOf({ resolve });
    const target = { url: `ws://rebinding.example.com:${port}`, trusted: false };
    await dialer.information(target, never);
    expect(await failureOf(dialer.dial(target, recorder().handlers, never))).toBe('policy');
    expect(connections()).toBe(0);
  });

  it.each(['127.0.0.1', '[::1]', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', 'localhost'])(
    'the host %s is refused',
    async (host) => {
      const { port, connections } = await listen();
      const target = { url: `ws://${host}:${port}`, trusted: false };
      expect(await failureOf(dialerOf().dial(target, recorder().handlers, never))).toBe('policy');
      expect(await dialerOf().information(target, never)).toBeUndefined();
      expect(connections()).toBe(0);
    },
  );

  it('unless the operator gave the URL, or allows it', async () => {
    const { port } = await listen();
    for (const [trusted, allowPrivate] of [
      [true, false],
      [false, true],
    ] as const) {
      const target = { url: `ws://127.0.0.1:${port}`, trusted };
      const { handlers } = recorder();
      const socket = await dialerOf({ allowPrivate }).dial(target, handlers, never);
      socket.close();
    }
  });

  it('a name with several addresses is connected to though that takes its time', async () => {
    const { port } = await listen();
    const resolve: Resolver = (host, options, callback) => {
      // Nobody listens at the second address. The first is dialled in the next turn, after which we are busy.
      resolvingTo('127.0.0.1', '::1')(host, options, callback);
      process.nextTick(() => {
        const busyUntil = performance.now() + 400;
        while (performance.now() < busyUntil);
      });
    };
    const target = { url: `ws://relay.example.com:${port}`, trusted: true };
    (await dialerOf({ resolve }).dial(target, recorder().handlers, never)).close();
  });

  it('redirects are never followed', async () => {
    const inner = await listen();
    const location = `http://127.0.0.1:${inner.port}/`;
    const redirecting = createServer((_, response) => response.writeHead(302, { location }).end());
    redirecting.on('upgrade', (_, socket) =>
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\n\r\n`),
    );
    await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
    closers.push(async () => void redirecting.close());
    const target = { url: `ws://127.0.0.1:${(redirecting.address() as AddressInfo).port}`, trusted: true };
    expect(await failureOf(dialerOf().dial(target, recorder().handlers, never))).toBe('protocol');
    expect(await dialerOf().information(target, never)).toBeUndefined();
    expect(inner.connections()).toBe(0);
  });
});

describe('names that are not of the public DNS (docs/sync.md §1)', () => {
  const names = [
    'x.onion',
    'x.i2p',
    'printer.local',
    'a.invalid',
    'a.b.test',
    'X.EXAMPLE',
    'db.internal',
    'name.alt',
    'a.onion.',
  ];

  it.each(names)('%s of an event is never looked up', async (name) => {
    const looked: string[] = [];
    const resolve: Resolver = (host, _, callback) => {
      looked.push(host);
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    for (const allowPrivate of [false, true]) {
      const target = { url: `ws://${name}:1`, trusted: false };
      const dialer = dialerOf({ allowPrivate, resolve });
      expect(await failureOf(dialer.dial(target, recorder().handlers, never))).toBe('policy');
      expect(await dialer.information(target, never)).toBeUndefined();
    }
    expect(looked).toEqual([]);
  });

  it('one that the operator gave is looked up, and so are names that only look alike', async () => {
    const { port } = await listen();
    const looked: string[] = [];
    const resolve: Resolver = (host, options, callback) => {
      looked.push(host);
      resolvingTo('127.0.0.1')(host, options, callback);
    };
    const dialer = dialerOf({ allowPrivate: true, resolve });
    for (const [name, trusted] of [
      ['relay.internal', true],
      ['example.com', false],
      ['onion.org', false],
    ] as const) {
      const target = { url: `ws://${name}:${port}`, trusted };
      (await dialer.dial(target, recorder().handlers, never)).close();
    }
    expect(looked).toEqual(['relay.internal', 'example.com', 'onion.org']);
  });

  it('.onion names go to the proxy as they are, where there is one, and nothing else does', async () => {
    const { port } = await listen(undefined, (_, response) => response.end('{"supported_nips": [77]}'));
    await using proxy = await SocksProxy.listen(port);
    const resolve: Resolver = (_host, _options, callback) => callback(null, []);
    const dialer = dialerOf({ resolve, onionProxy: proxy.url });
    for (const trusted of [false, true]) {
      const target = { url: 'ws://abc.onion:4848', trusted };
      expect(await dialer.information(target, never)).toMatchObject({ supportedNips: [77] });
      (await dialer.dial(target, recorder().handlers, never)).close();
    }
    const other = { url: 'ws://relay.example.com', trusted: false };
    expect(await failureOf(dialer.dial(other, recorder().handlers, never))).toBe('policy');
    expect(proxy.asked).toEqual(Array.from({ length: 4 }, () => 'abc.onion:4848'));
  });

  it('a proxy that is not there is a failure like others', async () => {
    const gone = await SocksProxy.listen(0);
    await gone[Symbol.asyncDispose]();
    const target = { url: 'ws://abc.onion', trusted: false };
    const dialer = dialerOf({ onionProxy: gone.url });
    expect(await failureOf(dialer.dial(target, recorder().handlers, never))).toBe('protocol');
    expect(await dialer.information(target, never)).toBeUndefined();
  });
});

describe('who we are', () => {
  it('is said in every request: User-Agent', async () => {
    const agents: (string | undefined)[] = [];
    const { port } = await listen(undefined, (request, response) => {
      agents.push(request.headers['user-agent']);
      response.end('{}');
    });
    const refusing = createServer();
    refusing.on('upgrade', (request, socket) => {
      agents.push(request.headers['user-agent']);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    closers.push(async () => void refusing.close());
    await dialerOf().information({ url: `ws://127.0.0.1:${port}`, trusted: true }, never);
    const target = { url: `ws://127.0.0.1:${(refusing.address() as AddressInfo).port}`, trusted: true };
    await failureOf(dialerOf().dial(target, recorder().handlers, never));
    expect(agents).toEqual([`graspd/${programVersion}`, `graspd/${programVersion}`]);
  });
});

describe('a WebSocket to a remote', () => {
  it('carries frames both ways, answers pings, and says once when it is closed', async () => {
    const { port } = await listen((socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
    const { frames, closed, handlers, heartbeats } = recorder();
    const socket = await dialerOf().dial({ url: `ws://127.0.0.1:${port}`, trusted: true }, handlers, never);
    socket.send('hello');
    socket.ping();
    await vi.waitFor(() => expect([frames, heartbeats()]).toEqual([['echo hello'], 1]));
    socket.close();
    socket.close();
    await vi.waitFor(() => expect(closed).toEqual([undefined]));
    socket.send('too late');
    expect(socket.bufferedBytes).toBe(0);
  });

  it('tells of what says nothing, too: pings, pongs that nobody asked for, binary messages', async () => {
    const { port } = await listen((socket) => {
      socket.ping();
      socket.pong();
      socket.send(Buffer.from('["NOTICE","binary"]'));
    });
    const { frames, handlers, heartbeats } = recorder();
    await dialerOf().dial({ url: `ws://127.0.0.1:${port}`, trusted: true }, handlers, never);
    await vi.waitFor(() => expect([frames, heartbeats()]).toEqual([[''], 2]));
  });

  it.each(['onMessage', 'onHeartbeat', 'onClosed'] as const)(
    'is ended, and nothing else, when %s of its handlers throws',
    async (name) => {
      const { port } = await listen((socket) => {
        socket.send('one');
        if (name === 'onClosed') socket.close();
      });
      const { handlers, closed } = recorder();
      const faults = silentFaults();
      const fault = () => {
        throw new Error('a fault of ours');
      };
      const socket = await dialerOf({ allowPrivate: true, faults }).dial(
        { url: `ws://127.0.0.1:${port}`, trusted: false },
        { ...handlers, [name]: fault },
        never,
      );
      socket.ping();
      await vi.waitFor(() => expect(faults.counts.get('remote')).toBe(1));
      if (name !== 'onClosed') await vi.waitFor(() => expect(closed).toHaveLength(1));
    },
  );

  it('stops reading while it is paused', async () => {
    const { port } = await listen((socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
    const { frames, handlers } = recorder();
    const socket = await dialerOf().dial({ url: `ws://127.0.0.1:${port}`, trusted: true }, handlers, never);
    socket.pause?.();
    socket.send('hello');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(frames).toEqual([]);
    socket.resume?.();
    await vi.waitFor(() => expect(frames).toEqual(['echo hello']));
    socket.close();
  });

  it('is read a piece at a time, in a slice of each turn of all remotes', async () => {
    const remotes = 20;
    const sent = 2_000;
    const sockets: WebSocket[] = [];
    const { port } = await listen((socket) => sockets.push(socket));
    let [messages, inTurn, most, workedMs] = [0, 0, 0, 0];
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + workedMs };
    const dialer = createWsDialer({ clock, faults: silentFaults(), allowPrivate: true });
    const handlers: SocketHandlers = {
      ...recorder().handlers,
      onMessage: () => {
        messages += 1;
        inTurn += 1;
        workedMs += 1;
        most = Math.max(most, inTurn);
      },
    };
    const ticks = () => {
      inTurn = 0;
      if (messages < remotes * sent) setImmediate(ticks);
    };
    ticks();
    const target = { url: `ws://127.0.0.1:${port}`, trusted: false };
    const dials = Array.from({ length: remotes }, () =>
      dialer.dial(target, handlers, new AbortController().signal),
    );
    await Promise.all(dials);
    await vi.waitFor(() => expect(sockets).toHaveLength(remotes));
    const frames = Buffer.from('\x81\x01x'.repeat(sent), 'latin1');
    for (const socket of sockets) (socket as unknown as { _socket: Socket })._socket.write(frames);
    await vi.waitFor(() => expect(messages).toBe(remotes * sent), { timeout: 10_000 });
    // All that one sends is less than a piece; two of them may be read in a turn.
    expect(most).toBeLessThanOrEqual(2 * sent);
  });

  it('drops a remote whose message is too long', async () => {
    const { port } = await listen((socket) => socket.send('x'.repeat(1_300_000)));
    const { closed, handlers } = recorder();
    await dialerOf().dial({ url: `ws://127.0.0.1:${port}`, trusted: true }, handlers, never);
    await vi.waitFor(() => expect(closed[0]?.failure).toBe('protocol'));
  });

  it('drops a remote for whose unfinished message there is no memory, and no other', async () => {
    const { port } = await listen((socket) => {
      socket.send('x'.repeat(200_000), { fin: false });
      socket.on('message', () => socket.send('end'));
    });
    const target = { url: `ws://127.0.0.1:${port}`, trusted: true };
    const memory = roomyMemory();
    const waitForCapacity = recorder(memory);
    const socket = await dialerOf().dial(target, waitForCapacity.handlers, never);
    const narrow = recorder(roomyMemory(100_000));
    await dialerOf().dial(target, narrow.handlers, never);
    await vi.waitFor(() => expect(narrow.closed).toHaveLength(1));
    await vi.waitFor(() => expect(memory.bytes).toBeGreaterThan(100_000));
    socket.send('go on');
    await vi.waitFor(() => expect(waitForCapacity.frames.map((frame) => frame.length)).toEqual([200_003]));
    expect(waitForCapacity.closed).toEqual([]);
    socket.close();
  });

  it('says when it was lost', async () => {
    const { port } = await listen((socket) => socket.terminate());
    const { closed, handlers } = recorder();
    await dialerOf().dial({ url: `ws://127.0.0.1:${port}`, trusted: true }, handlers, never);
    await vi.waitFor(() => expect(closed[0]?.failure).toBe('refused'));
  });

  it('a port where nobody listens refuses; a server without WebSockets breaks the protocol', async () => {
    const { port } = await listen();
    await closers.splice(0)[0]?.();
    const target = { url: `ws://127.0.0.1:${port}`, trusted: true };
    expect(await failureOf(dialerOf().dial(target, recorder().handlers, never))).toBe('refused');
    const plain = createServer((_, response) => response.end());
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    closers.push(async () => void plain.close());
    const url = `ws://127.0.0.1:${(plain.address() as AddressInfo).port}`;
    expect(await failureOf(dialerOf().dial({ url, trusted: true }, recorder().handlers, never))).toBe(
      'protocol',
    );
  });

  it.each(['ws', 'wss'])(
    'ends at once when the signal aborts, also in the midst of a handshake: %s',
    async (scheme) => {
      const ended = deferred<void>();
      const silent = createTcpServer((socket) => {
        socket.on('error', () => {});
        socket.once('close', () => ended.resolve());
        socket.once('data', () => stop.abort(reason));
      });
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      closers.push(async () => void silent.close());
      const url = `${scheme}://127.0.0.1:${(silent.address() as AddressInfo).port}`;
      const stop = new AbortController();
      const reason = new Error('stop');
      const dial = dialerOf().dial({ url, trusted: true }, recorder().handlers, stop.signal);
      await expect(dial).rejects.toBe(reason);
      await ended.promise;
    },
  );
});

describe('the NIP-11 document', () => {
  it('is asked for as one, and read', async () => {
    const accepts: (string | undefined)[] = [];
    const { port } = await listen(undefined, (request, response) => {
      accepts.push(request.headers.accept);
      response.end(JSON.stringify({ supported_nips: [1, 77], limitation: { max_subscriptions: 20 } }));
    });
    const information = await dialerOf().information(
      { url: `ws://127.0.0.1:${port}/path`, trusted: true },
      never,
    );
    expect(information).toMatchObject({ supportedNips: [1, 77], maxSubscriptions: 20, hasLimitation: true });
    expect(accepts).toEqual(['application/nostr+json']);
  });

  it('is bounded in size, and no fault when there is none', async () => {
    const { port } = await listen(undefined, (request, response) => {
      if (request.url === '/none') response.writeHead(404).end();
      else if (request.url === '/odd') response.end('<html>');
      else if (request.url === '/pieces') {
        for (let sent = 0; sent < 2_000; sent += 1) response.write(' ');
        response.end('{}');
      } else response.end(`{"name": "${'x'.repeat(400_000)}"}`);
    });
    for (const path of ['none', 'odd', 'long', 'pieces']) {
      const target = { url: `ws://127.0.0.1:${port}/${path}`, trusted: true };
      expect(await dialerOf().information(target, never)).toBeUndefined();
    }
  });
});
