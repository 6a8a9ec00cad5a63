import { describe, expect, it } from 'vitest';
import { errorCode } from '../../../src/lib/errors.js';
import { seededRandom } from '../../../src/lib/random.js';
import type { RelaySocket, SocketHandlers } from '../../../src/sync/dial/transport.js';
import { roomyMemory } from '../../support/roomy-memory.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { silent } from '../trace.js';
import type { HostPeer } from './connection.js';
import { type Host, SimNetwork } from './network.js';

const url = 'wss://echo.example';
const speed = { latencyMs: 50, jitterMs: 20, bytesPerMs: 100 };

/** A host that answers each text with the same text, and remembers its connections. */
function echo(): Host & { readonly peers: HostPeer[]; closed: number } {
  const host = {
    url,
    peers: [] as HostPeer[],
    closed: 0,
    information: () => undefined,
    accept(peer: HostPeer) {
      host.peers.push(peer);
      return {
        answersPings: true,
        received: (text: string) => peer.send(text),
        closed: () => {
          host.closed += 1;
        },
      };
    },
  };
  return host;
}

function setUp(seed = 1) {
  const clock = new VirtualClock();
  const network = new SimNetwork(clock, seededRandom(seed), silent);
  const host = echo();
  network.add(host, speed);
  const life = network.startLife();
  const heard: string[] = [];
  const handlers: SocketHandlers = {
    incoming: roomyMemory().open(),
    onMessage: (frame) => heard.push(frame),
    onHeartbeat: () => heard.push('pong'),
    onClosed: (error) => heard.push(`closed ${error === undefined ? 'cleanly' : errorCode(error)}`),
  };
  let outcome: RelaySocket | unknown;
  const dial = async (to = url, signal = new AbortController().signal) => {
    outcome = undefined;
    life.dialer.dial({ url: to, trusted: false }, handlers, signal).then(
      (socket) => {
        outcome = socket;
      },
      (error) => {
        outcome = error;
      },
    );
    await clock.advance(200);
    return outcome;
  };
  return { clock, network, host, life, heard, dial };
}

describe('SimNetwork', () => {
  it('carries frames both ways, in order, and takes time for them', async () => {
    const { clock, heard, dial } = setUp();
    const socket = (await dial()) as RelaySocket;
    for (let i = 0; i < 20; i++) socket.send(`${i}`);
    socket.ping();
    await clock.advance(99);
    expect(heard).toEqual([]);
    await clock.advance(100);
    expect(heard).toEqual([...Array.from({ length: 20 }, (_, i) => `${i}`), 'pong']);
  });

  it('shows what has not left yet', async () => {
    const { clock, dial } = setUp();
    const socket = (await dial()) as RelaySocket;
    socket.send('x'.repeat(10_000));
    expect(socket.bufferedBytes).toBe(10_006);
    await clock.advance(50);
    expect(socket.bufferedBytes).toBe(5_006);
    await clock.advance(51);
    expect(socket.bufferedBytes).toBe(0);
  });

  it('closes cleanly from either side', async () => {
    const { clock, host, heard, dial } = setUp();
    const socket = (await dial()) as RelaySocket;
    socket.send('last');
    socket.close();
    await clock.advance(300);
    expect(heard).toEqual(['last', 'closed cleanly']);
    await dial();
    host.peers[1]?.close();
    await clock.advance(300);
    expect(heard.slice(2)).toEqual(['closed cleanly']);
    expect(host.closed).toBe(2);
  });

  it('ends a half-open socket only when our side closes it', async () => {
    const { clock, network, heard, dial } = setUp();
    const socket = (await dial()) as RelaySocket;
    network.loseConnections(url, true);
    socket.send('into the void');
    socket.ping();
    await clock.advance(60_000);
    expect(heard).toEqual([]);
    socket.close();
    await clock.advance(5_000);
    expect(heard).toEqual(['closed cleanly']);
  });

  it('loses a connection at a byte', async () => {
    const { clock, network, heard, dial } = setUp();
    network.faults = { lossChance: 1, lossBytesMax: 1000, silentLossChance: 0 };
    const socket = (await dial()) as RelaySocket;
    for (let i = 0; i < 100; i++) socket.send('0123456789');
    await clock.advance(5_000);
    expect(heard.at(-1)).toBe('closed transport_protocol');
    expect(heard.length).toBeLessThan(100);
  });

  it('fails dials by their class, and ends them by their signal', async () => {
    const { clock, network, dial } = setUp();
    network.setReachability(url, 'tls');
    expect(errorCode(await dial())).toBe('transport_tls');
    expect(errorCode(await dial('wss://nowhere.example'))).toBe('transport_dns');
    network.setReachability(url, 'black-hole');
    const controller = new AbortController();
    expect(await dial(url, controller.signal)).toBeUndefined();
    controller.abort();
    await clock.advance(1);
    expect(network.dials.map(({ failedAt }) => failedAt !== undefined)).toEqual([true, true, true]);
  });

  it('lets nothing of a crashed process live on', async () => {
    const { clock, host, life, heard, dial } = setUp();
    const socket = (await dial()) as RelaySocket;
    socket.send('unheard');
    life.crash();
    await clock.advance(1_000);
    expect(heard).toEqual([]);
    expect(host.closed).toBe(1);
    expect(await dial()).toBeUndefined();
  });

  it('does the same for the same seed', async () => {
    const run = async () => {
      const { clock, heard, network, dial } = setUp(7);
      network.faults = { lossChance: 0.5, lossBytesMax: 500, silentLossChance: 0.3 };
      for (let i = 0; i < 10; i++) {
        const socket = (await dial()) as RelaySocket;
        for (let j = 0; j < 30; j++) socket.send(`${i} ${j}`);
        await clock.advance(3_000);
      }
      return heard;
    };
    expect(await run()).toEqual(await run());
  });
});
