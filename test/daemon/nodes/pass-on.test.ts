import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PassOn } from '../../../src/daemon/nodes/pass-on.js';
import { eventually } from '../../support/eventually.js';
import { serveHttp } from '../../support/http-service.js';

let writer: Server;
let writerUrl: string;
let requests: { readonly message: IncomingMessage; readonly body: string }[];
let passing: PassOn;
let follower: Awaited<ReturnType<typeof serveHttp>>;

beforeEach(async () => {
  requests = [];
  writer = createServer(async (message, response) => {
    if (message.url === '/never') return;
    requests.push({ message, body: await text(message) });
    response.writeHead(201, { 'X-Answer': 'yes', 'Access-Control-Allow-Origin': '*' });
    response.end(`answer to ${message.method} ${message.url}`);
  });
  await new Promise<void>((resolve) => writer.listen(0, '127.0.0.1', resolve));
  writerUrl = `http://127.0.0.1:${(writer.address() as AddressInfo).port}`;
  passing = new PassOn(() => writerUrl);
  follower = await serveHttp({
    routes: [passing.route(() => true)],
    trustedProxies: ['127.0.0.1/32'],
  });
});

afterEach(async () => {
  await follower.service.close();
  await passing[Symbol.asyncDispose]();
  writer.closeAllConnections();
  await new Promise((resolve) => writer.close(resolve));
});

describe('a request that another graspd answers', () => {
  it('goes there as it is, with its body and the address of who asks, and comes back as it is', async () => {
    const answered = await fetch(`${follower.url}/a/b?c=%2F`, {
      method: 'POST',
      body: 'x'.repeat(100_000),
      headers: {
        'x-forwarded-for': '192.0.2.1, 198.51.100.7',
        'git-protocol': 'version=2',
        'graspd-node': 'me',
      },
    });
    expect(answered.status).toBe(201);
    expect(answered.headers.get('x-answer')).toBe('yes');
    expect(await answered.text()).toBe('answer to POST /a/b?c=%2F');
    const [{ message, body } = {}] = requests;
    expect(body).toHaveLength(100_000);
    expect(message?.headers).toMatchObject({
      'x-forwarded-for': '198.51.100.7',
      'git-protocol': 'version=2',
      host: new URL(follower.url).host,
    });
    expect(message?.headers['graspd-node']).toBeUndefined();
  });

  it('has the first address of its network where it came by IPv6', async () => {
    await fetch(`${follower.url}/`.replace(/\/$/, '/x'), { headers: { 'x-forwarded-for': '2001:db8::1:2' } });
    expect(requests[0]?.message.headers['x-forwarded-for']).toBe('2001:db8::');
  });

  it('is answered 503 where nobody is there', async () => {
    writer.closeAllConnections();
    await new Promise((resolve) => writer.close(resolve));
    const answered = await fetch(`${follower.url}/x`);
    expect(answered.status).toBe(503);
    expect(answered.headers.get('retry-after')).not.toBeNull();
  });

  it('ends there when who asked has gone', async () => {
    const gone = new AbortController();
    const asked = fetch(`${follower.url}/never`, { signal: gone.signal }).catch(() => 'gone');
    const sockets = () =>
      new Promise<number>((resolve) => writer.getConnections((_, count) => resolve(count)));
    await eventually(async () => (await sockets()) === 1);
    gone.abort();
    expect(await asked).toBe('gone');
    await eventually(async () => (await sockets()) === 0);
  });
});
