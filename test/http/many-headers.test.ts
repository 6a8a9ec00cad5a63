import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { serveHttp } from '../support/http-service.js';

/** What is answered to a request that a proxy passed on: so many headers of its client, and then its own. */
async function passedOn(port: number, headers: number, more = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  const own = Array.from({ length: headers }, (_, at) => `A-${at}: x\r\n`).join('');
  socket.write(`GET /healthz HTTP/1.0\r\n${own}${more}X-Forwarded-For: 192.0.2.1\r\n\r\n`);
  await once(socket, 'close');
  return text;
}

describe('a client of a proxy that puts its headers behind those of the client', () => {
  it('is known by its address with as many headers as may be, and refused with more', async () => {
    const blocked = { has: (group: string) => group === '192.0.2.1' };
    const { service, port } = await serveHttp({ trustedProxies: ['127.0.0.0/8'], blocked });
    await using _ = service;
    expect(await passedOn(port, limits.httpHeadersMax - 1)).toMatch(/^HTTP\/1.1 403 /);
    expect(await passedOn(port, limits.httpHeadersMax)).toMatch(/^HTTP\/1.1 431 /);
    const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\n';
    expect(await passedOn(port, limits.httpHeadersMax, upgrade)).toMatch(/^HTTP\/1.1 431 /);
  });
});
