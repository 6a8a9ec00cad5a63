/** The process behind `Hostile`: clients that send the worst requests that are legal, and read what comes back. */
import { WebSocket } from 'ws';
import type { HostileAnswer, HostileCommand } from './hostile.js';
import { worstRequests } from './worst-requests.js';

/** Subscriptions that a client has open; the next one takes the place of the first. */
const subscriptions = 8;

let sent = 0;

function attack(command: HostileCommand & { type: 'open' }, client: number): Promise<void> {
  const frames = worstRequests(command, client).flatMap((filters) => [
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
