/** The process behind `Hostile`: clients that send the worst requests that are legal, and read what comes back. */
import { WebSocket } from 'ws';
import type { Filter } from '../../src/nostr/filter.js';
import type { HostileAnswer, HostileCommand } from './hostile.js';

/** Subscriptions that a client has open; the next one takes the place of the first. */
const subscriptions = 8;

let sent = 0;

function values(count: number, from: number): string[] {
  return Array.from({ length: count }, (_, at) => (from + at).toString(36));
}

function hexValues(count: number, from: number): string[] {
  return Array.from({ length: count }, (_, at) => (from + at).toString(16).padStart(64, '0'));
}

/** As many filters, with as many values, as fit: values that nothing has, and those that everything has. */
function worst(known: HostileCommand & { type: 'open' }, client: number): Filter[][] {
  const filters = (count: number, filterOf: (at: number) => Filter) =>
    Array.from({ length: count }, (_, at) => filterOf(client * 20 + at));
  return [
    filters(20, (at) => ({ '#t': values(5_000, at * 5_000) })),
    filters(3, (at) => ({ authors: hexValues(5_000, at * 5_000) })),
    filters(3, (since) => ({
      authors: [...known.authors, ...hexValues(4_500 - known.authors.length, 0)],
      since,
    })),
    filters(4, (since) => ({
      authors: [...known.authors],
      '#p': [...known.authors],
      kinds: [1, 1111, 1617],
      since,
    })),
    filters(20, (since) => ({ since, limit: 5_000 })),
    filters(20, (since) => ({ '#a': [...known.addresses.slice(0, 400)], since, limit: 5_000 })),
  ];
}

function attack(command: HostileCommand & { type: 'open' }, client: number): Promise<void> {
  const frames = worst(command, client).flatMap((filters) => [
    JSON.stringify(['REQ', 'ID', ...filters]),
    JSON.stringify(['COUNT', 'ID', ...filters]),
    JSON.stringify(['NEG-OPEN', 'ID', filters[0], '6100000200']),
    JSON.stringify(['NEG-CLOSE', 'ID']),
  ]);
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(command.url, { perMessageDeflate: false, skipUTF8Validation: true });
    let next = client;
    const sendNext = (error?: Error) => {
      if (error || socket.readyState !== WebSocket.OPEN) return;
      const frame = frames[next % frames.length] as string;
      sent += 1;
      next += 1;
      socket.send(frame.replace('ID', `hostile-${(next >>> 2) % subscriptions}`), sendNext);
    };
    socket.on('open', () => {
      resolve();
      sendNext();
    });
    socket.on('message', () => {});
    socket.on('error', reject);
  });
}

function answer(message: HostileAnswer): void {
  process.send?.(message);
}

process.on('message', async (command: HostileCommand) => {
  if (command.type === 'open')
    await Promise.all(Array.from({ length: command.clients }, (_, client) => attack(command, client)));
  answer({ sent });
});
process.on('disconnect', () => process.exit());
