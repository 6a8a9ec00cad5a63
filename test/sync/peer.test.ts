import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { WorkTurns } from '../../src/lib/turns/turn-scheduler.js';
import { Peer } from '../../src/sync/peer/peer.js';
import { relayLimits } from '../../src/sync/peer/relay-limits.js';
import { RemoteEventSubmitter } from '../../src/sync/peer/remote-event-submitter.js';
import { roomyMemory } from '../support/roomy-memory.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const relay = 'wss://relay.example';
const never = new AbortController().signal;

/** A connection on which nothing is asked, and how many messages of the remote were found to say nothing. */
function connectionOf(reading: Pick<WorkTurns, 'isOver' | 'next'> = { isOver: false, next: async () => {} }) {
  let unasked = 0;
  const peer = new Peer({
    relay,
    reading,
    clock: new VirtualClock(),
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    metrics: { received: () => {}, sent: () => {}, violation: () => (unasked += 1) } as never,
    submitter: new RemoteEventSubmitter({} as never),
    identity: undefined,
    limits: relayLimits(undefined),
    held: roomyMemory(),
    authRequired: false,
  });
  const socket = { isOpen: true };
  peer.attach({
    bufferedBytes: 0,
    send: () => {},
    ping: () => {},
    close: () => Object.assign(socket, { isOpen: false }),
  });
  return { peer, socket, unasked: () => unasked, running: peer.run(never) };
}

it('reads many messages in as many turns as they take', async () => {
  const waiting: (() => void)[] = [];
  let read = 0;
  const reading = {
    get isOver() {
      read += 1;
      return read % 100 === 0;
    },
    next: async () => await new Promise<void>((resolve) => waiting.push(resolve)),
  };
  const { peer, unasked } = connectionOf(reading);
  for (let sent = 0; sent < 1_000; sent += 1) peer.handlers.onMessage('1');
  await settle();
  expect(unasked()).toBe(99);
  for (let turns = 0; turns < 10; turns += 1) {
    waiting.shift()?.();
    await settle();
  }
  expect(unasked()).toBe(1_000);
  peer.close();
});

it('looks at nothing that came before we let the remote go', async () => {
  const { peer, unasked, socket, running } = connectionOf();
  for (let sent = 0; sent < 3 * limits.remoteViolationsMax; sent += 1) peer.handlers.onMessage('1');
  await running;
  expect(socket.isOpen).toBe(false);
  expect(unasked()).toBe(limits.remoteViolationsMax + 1);
});

it('looks at what came before the remote closed', async () => {
  const { peer, unasked, running } = connectionOf();
  for (let sent = 0; sent < 10; sent += 1) peer.handlers.onMessage('1');
  peer.handlers.onClosed(undefined);
  await running;
  expect(unasked()).toBe(10);
});

it('lets a remote go that sends pings or pongs without end, which nobody else is told of', async () => {
  const { peer, unasked, socket } = connectionOf();
  for (let sent = 0; sent < limits.remoteViolationsMax; sent += 1) peer.handlers.onHeartbeat();
  expect(socket.isOpen).toBe(true);
  peer.handlers.onHeartbeat();
  expect(socket.isOpen).toBe(false);
  expect([peer.error?.failure, unasked()]).toEqual(['protocol', 0]);
});
