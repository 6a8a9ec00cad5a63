import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { openBody } from '../../src/git-http/request-body.js';
import type { Route } from '../../src/http/route.js';
import { systemClock } from '../../src/lib/clock.js';
import { watchPieces } from '../../src/network/body-pieces.js';
import { violationLimits } from '../../src/relay/settings.js';
import { accountsOf } from '../support/accounts.js';
import { eventually } from '../support/eventually.js';
import { serveHttp } from '../support/http-service.js';

const many = limits.httpBodyPiecesMax + 1;
const post = 'POST /nothing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const pieces = '1\r\nx\r\n'.repeat(many);

describe('the pieces of a body', () => {
  it('are as many as it takes where there is enough in them', () => {
    const body = new PassThrough();
    let isOpen = true;
    watchPieces(body, () => {
      isOpen = false;
    });
    const piece = Buffer.alloc(limits.httpBodyPieceBytesMin);
    for (let count = 0; count < 3 * many; count += 1) body.emit('data', piece);
    expect(isOpen).toBe(true);
    for (let count = 0; count < many; count += 1) body.emit('data', Buffer.of(1));
    expect(isOpen).toBe(false);
  });

  it('end the connection of a request that was answered already when they are many and small', async () => {
    const accounts = accountsOf({ violations: violationLimits });
    const { service, port } = await serveHttp({ accounts, trustedProxies: ['127.0.0.1/32'] });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    socket.write(post + pieces);
    await once(socket, 'close');
    await service.close();
  });

  it('do not matter where the whole body is here: the next request of the connection is answered', async () => {
    const route: Route = {
      methods: ['POST'],
      matches: (path) => path === '/nothing',
      handle: async (_, response) => {
        await sleep(20);
        response.writeHead(200).end('not read');
      },
    };
    const { service, port } = await serveHttp({ routes: [route] });
    const socket = connect(port, '127.0.0.1');
    const body = 'y'.repeat(40_000);
    socket.write(`POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const [first] = await once(socket, 'data');
    expect(String(first)).toMatch(/^HTTP\/1.1 200/);
    socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect((await text(socket)).match(/^HTTP\/1.1 \d+/gm)).toEqual(['HTTP/1.1 200']);
    await service.close();
  });

  it('shut out the address that goes on with them, for a while', async () => {
    const accounts = accountsOf({ violations: violationLimits }, { monotonic: () => 0 });
    const { service, port } = await serveHttp({ accounts, trustedProxies: ['127.0.0.1/32'] });
    const from = (address: string) => ({ 'X-Forwarded-For': address, Connection: 'close' });
    const statusFor = async (address: string) =>
      (await fetch(`http://127.0.0.1:${port}/healthz`, { headers: from(address) })).status;
    const times = Math.ceil(limits.clientViolationMsPerMinuteMax / limits.httpSmallPiecesMs) + 1;
    for (let time = 0; time < times; time += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {}).resume();
      socket.write(post.replace('Host: a', 'Host: a\r\nX-Forwarded-For: 192.0.2.1') + pieces);
      await once(socket, 'close');
    }
    await eventually(async () => (await statusFor('192.0.2.1')) === 429);
    expect(await statusFor('192.0.2.2')).toBe(200);
    await service.close();
  });

  it('fail a body that is read, and those of a proxy that comes by the kilobyte do not', async () => {
    let read: Promise<string> | undefined;
    const route: Route = {
      methods: ['POST'],
      matches: (path) => path === '/nothing',
      handle: async ({ message }, response) => {
        const limitsOfBody = { bytesMax: 10_000_000, spanMs: 60_000, spanBytesMin: 1 };
        read = text(openBody(message, limitsOfBody, systemClock)).catch((error: Error) => error.message);
        response.writeHead(200).end(await read);
      },
    };
    const { service, port, url } = await serveHttp({ routes: [route] });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(post + pieces);
    await eventually(() => read !== undefined);
    expect(await read).toBe('the body comes in too many small pieces');
    socket.destroy();
    const large = 'y'.repeat(5_000_000);
    expect(await (await fetch(`${url}/nothing`, { method: 'POST', body: large })).text()).toBe(large);
    await service.close();
  });
});
