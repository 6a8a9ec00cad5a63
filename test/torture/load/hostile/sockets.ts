import type { Socket } from 'node:net';
import { type Attack, type Attacker, openRaw, pause } from './attack.js';

/** Connections that each life of these attacks has at the same time. */
const connections = 10;
/** Longer than any of these may stay. */
const lifeMs = 30_000;

/** Sends a piece now and then until the connection ends. */
async function drip(
  attacker: Attacker,
  socket: Socket,
  pieces: readonly (string | Buffer)[],
  everyMs: number,
): Promise<void> {
  socket.resume();
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.once('end', () => resolve());
    setTimeout(resolve, lifeMs);
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  for (let at = 0; at < pieces.length && !isOver; at += 1) {
    socket.write(pieces[at] as string | Buffer);
    attacker.count.sent += 1;
    await Promise.race([pause(everyMs), ended]);
  }
  await ended;
  socket.destroy();
}

async function together(one: (at: number) => Promise<void>): Promise<void> {
  await Promise.allSettled(Array.from({ length: connections }, (_, at) => one(at)));
}

/** Connections that say nothing, half a handshake, half a frame, or that they are done and stay. */
const halfOpen: Attack = {
  name: 'half-open connections',
  async run(attacker) {
    const upgrade = `GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${attacker.address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`;
    await together(async (at) => {
      const socket = await openRaw(attacker);
      if (at % 5 === 0) await drip(attacker, socket, [], 0);
      else if (at % 5 === 1) await drip(attacker, socket, [upgrade], 0);
      else if (at % 5 === 2) await drip(attacker, socket, [`${upgrade}\r\n`, Buffer.of(0x81)], 500);
      else if (at % 5 === 3)
        await drip(attacker, socket, [`${upgrade}\r\n`, Buffer.of(0x81, 0xfe, 0x10)], 500);
      else {
        socket.end(`${upgrade}\r\n`);
        await drip(attacker, socket, [], 0);
      }
    });
  },
};

/** Requests whose headers and bodies come a byte at a time, answers that nobody reads, and what git does not say. */
const slowHttp: Attack = {
  name: 'slow HTTP',
  async run(attacker) {
    const head = `Host: x\r\nX-Forwarded-For: ${attacker.address}\r\n`;
    const unknown = `/npub1${'q'.repeat(58)}/none.git`;
    await together(async (at) => {
      const socket = await openRaw(attacker);
      switch (at % 5) {
        case 0:
          return await drip(attacker, socket, [...`GET / HTTP/1.1\r\n${head}`], 200);
        case 1: {
          const post = `POST ${unknown}/git-upload-pack HTTP/1.1\r\n${head}Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 100000\r\n\r\n`;
          return await drip(attacker, socket, [post, ...'0032want '], 500);
        }
        case 2: {
          const requests = `GET /metrics HTTP/1.1\r\n${head}\r\n`.repeat(200);
          socket.pause();
          socket.write(requests);
          attacker.count.sent += 200;
          await pause(10_000);
          socket.destroy();
          return;
        }
        case 3:
          return await drip(
            attacker,
            socket,
            [`GET ${unknown}/info/refs?service=git-upload-pack HTTP/1.1\r\n${head}\r\n`, 'GARBAGE\r\n\r\n'],
            500,
          );
        default:
          return await drip(attacker, socket, [`GET /${'x'.repeat(15_000)} HTTP/1.1\r\n${head}\r\n`], 0);
      }
    });
  },
};

export const socketAttacks: readonly Attack[] = [halfOpen, slowHttp];
