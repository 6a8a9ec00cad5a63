import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Random } from '../../../../src/lib/random.js';
import type { Target } from '../fleet.js';

/** What hostile clients did since counting began anew, by kind of attack: pieces sent, and connections made. */
export type HostileReport = Readonly<Record<string, { readonly sent: number; readonly connections: number }>>;

/** What one attack is given. */
export type Attacker = {
  readonly target: Target;
  readonly random: Random;
  /** As which it connects, by way of a proxy. */
  readonly address: string;
  readonly count: { sent: number; connections: number };
};

/** One life of an attack: connects, does its worst, and resolves when the relay has had enough of it, or it of the relay. */
export type Attack = { readonly name: string; run(attacker: Attacker): Promise<void> };

/** An open WebSocket connection. Rejects when it is refused. */
export async function openSocket({ target, address, count }: Attacker): Promise<WebSocket> {
  const socket = new WebSocket(target.url, {
    perMessageDeflate: false,
    headers: { 'x-forwarded-for': address },
  });
  socket.on('error', () => {});
  await once(socket, 'open');
  count.connections += 1;
  return socket;
}

/** An open connection without any protocol. */
export async function openRaw({ target, count }: Attacker): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(target.url).port), allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  count.connections += 1;
  return socket;
}

/**
 * Sends what `next` makes, as quickly as the socket takes it, until the connection ends, `next` has no more, or it went on
 * for `msMax`. Resolves when the connection is gone.
 */
export async function flood(
  attacker: Attacker,
  socket: WebSocket,
  msMax: number,
  next: (number: number) => string | Buffer | undefined,
): Promise<void> {
  const endsAt = performance.now() + msMax;
  let wake = () => {};
  socket.once('close', () => wake());
  for (let number = 0; socket.readyState === WebSocket.OPEN && performance.now() < endsAt; number += 1) {
    const frame = next(number);
    if (frame === undefined) break;
    await new Promise<void>((resolve) => {
      wake = resolve;
      socket.send(frame, () => resolve());
    });
    attacker.count.sent += 1;
  }
  socket.terminate();
  await closed(socket);
}

export async function closed(socket: WebSocket): Promise<void> {
  if (socket.readyState !== WebSocket.CLOSED)
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
