import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../src/config/limits.js';
import { PassOn } from '../../../src/daemon/nodes/pass-on.js';
import { eventually } from '../../support/eventually.js';
import { serveHttp } from '../../support/http-service.js';
import { VirtualClock } from '../../support/virtual-clock.js';

let writer: Server;
let writerUrl: string;
let requests: { readonly message: IncomingMessage; readonly body: string }[];
let passing: PassOn;
let clock: VirtualClock;
let held: Socket[];
let follower: Awaited<ReturnType<typeof serveHttp>>;

beforeEach(async () => {
  requests = [];
  held = [];
  clock = new VirtualClock();
  writer = createServer(async (message, response) => {
    if (message.url === '/never') return;
    if (message.url === '/later') {
      response.flushHeaders();
      return;
    }
    const body = await text(message).catch(() => undefined);
    // Cut off.
    if (body === undefined) return;
    requests.push({ message, body });
    response.writeHead(201, { 'X-Answer': 'yes', 'Access-Control-Allow-Origin': '*' });
    response.end(`answer to ${message.method} ${message.url}`);
  });
  await new Promise<void>((resolve) => writer.listen(0, '127.0.0.1', resolve));
  writerUrl = `http://127.0.0.1:${(writer.address() as AddressInfo).port}`;
  passing = new PassOn(() => writerUrl, clock);
  follower = await serveHttp({
    routes: [passing.route(() => true)],
    trustedProxies: ['127.0.0.1/32'],
  });
});

afterEach(async () => {
  for (const socket of held) socket.destroy();
  await follower.service.close();
  await passing[Symbol.asyncDispose]();
  writer.closeAllConnections();
  await new Promise((resolve) => writer.close(resolve));
});

/** Connections at the one that writes. */
const passed = () => new Promise<number>((resolve) => writer.getConnections((_, count) => resolve(count)));

/** Sends requests of an address whose bodies come no further than this; gives what each is answered, as it comes. */
const hold = (count: number, address: string, bodyBytes = 0) =>
  ask(count, address, 'POST /x', `Content-Length: 1000000\r\n\r\n${'x'.repeat(bodyBytes)}`);

/** The same of requests that have come whole, and that the one that writes does not answer. */
const never = (count: number, address: string) => ask(count, address, 'GET /never', '\r\n');

function ask(count: number, address: string, what: string, rest: string): string[] {
  const answers = Array.from({ length: count }, () => '');
  for (const at of answers.keys()) {
    const socket = connect(follower.port, '127.0.0.1');
    socket.write(`${what} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${address}\r\n${rest}`);
    socket.on('data', (chunk: Buffer) => {
      answers[at] += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    held.push(socket);
  }
  return answers;
}

const answered = (answers: readonly string[]) => answers.filter((answer) => answer !== '');

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

  it('has its body passed on where it offers another protocol, as if it did not', async () => {
    const socket = connect(follower.port, '127.0.0.1');
    const answer = text(socket);
    socket.write('POST /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n');
    socket.write('Content-Length: 4\r\n\r\nbody');
    expect(await answer).toMatch(/^HTTP\/1.1 201 /);
    expect(requests[0]?.body).toBe('body');
    expect(requests[0]?.message.headers.upgrade).toBeUndefined();
  });

  it('has the first address of its network where it came by IPv6', async () => {
    await fetch(`${follower.url}/`.replace(/\/$/, '/x'), { headers: { 'x-forwarded-for': '2001:db8::1:2' } });
    expect(requests[0]?.message.headers['x-forwarded-for']).toBe('2001:db8::');
  });

  it('has the head of its answer passed on before there is more of it', async () => {
    const gone = new AbortController();
    const answered = await fetch(`${follower.url}/later`, { signal: gone.signal });
    expect(answered.status).toBe(200);
    gone.abort();
  });

  it('is answered 503 where nobody is there', async () => {
    writer.closeAllConnections();
    await new Promise((resolve) => writer.close(resolve));
    const answered = await fetch(`${follower.url}/x`);
    expect(answered.status).toBe(503);
    expect(answered.headers.get('retry-after')).not.toBeNull();
  });

  it('is answered 503 by one that follows and is taken for the one that writes, as by itself', async () => {
    writerUrl = follower.url;
    const answered = await fetch(`${follower.url}/x`);
    expect(answered.status).toBe(503);
    expect(await answered.text()).toContain('away');
  });

  it('ends there when who asked has gone', async () => {
    const gone = new AbortController();
    const asked = fetch(`${follower.url}/never`, { signal: gone.signal }).catch(() => 'gone');
    await eventually(async () => (await passed()) === 1);
    gone.abort();
    expect(await asked).toBe('gone');
    await eventually(async () => (await passed()) === 0);
  });

  it('ends where its body no longer comes', async () => {
    const answers = hold(1, '192.0.2.1', 100);
    await eventually(async () => (await passed()) === 1);
    await clock.advance(limits.gitBodySpanMs);
    await eventually(() => answered(answers).length === 1);
    expect(answers[0]).toMatch(/^HTTP\/1.1 408 /);
    await eventually(async () => (await passed()) === 0);
  });
});

describe('requests that are passed on', () => {
  const half = limits.nodeRequestsMax / 2;

  it('have half of the places where they are of one address', async () => {
    const answers = hold(half + limits.nodeRequestsWaitingMax / 2 + 1, '192.0.2.1');
    await eventually(() => answered(answers).length === 1);
    expect(answered(answers)[0]).toMatch(/^HTTP\/1.1 503 [\s\S]*\r\nRetry-After: /);
    await eventually(async () => (await passed()) === half);
    const other = await fetch(`${follower.url}/x`, { headers: { 'x-forwarded-for': '198.51.100.7' } });
    expect(other.status).toBe(201);
    expect(answered(answers)).toHaveLength(1);
  });

  it('give up one of the places of an address for who has none, where none has come free for long', async () => {
    const theirs = [never(half, '192.0.2.1'), never(half, '192.0.2.2')];
    await eventually(async () => (await passed()) === 2 * half);
    const waiting = never(half + limits.nodeRequestsWaitingMax / 2 + 1, '198.51.100.7');
    // All others of it wait when one is refused.
    await eventually(() => answered(waiting).length === 1);
    await clock.advance(limits.gitPlacesHeldMsMax);
    await eventually(() => answered(theirs.flat()).length > 0);
    expect(answered(theirs.flat())).toHaveLength(1);
    expect(answered(theirs.flat())[0]).toMatch(/^HTTP\/1.1 503 [\s\S]*\r\nRetry-After: [\s\S]*others wait/);
  });

  it('give way where they come slowly and others wait', async () => {
    const bytes = limits.gitBodySpanBytesMin;
    let came = 0;
    writer.on('request', (message: IncomingMessage) => {
      message.on('data', (chunk: Buffer) => {
        came += chunk.length;
      });
    });
    const slow = [hold(half, '192.0.2.1', bytes), hold(half, '192.0.2.2', bytes)];
    await eventually(() => came === 2 * half * bytes);
    const waiting = hold(half + limits.nodeRequestsWaitingMax / 2 + 1, '198.51.100.7');
    // All others of it wait when one is refused.
    await eventually(() => answered(waiting).length === 1);
    await clock.advance(limits.gitBodySpanMs);
    await eventually(() => answered(slow.flat()).length > 0);
    for (const answer of answered(slow.flat())) expect(answer).toMatch(/^HTTP\/1.1 408 [\s\S]*others wait/);
  });
});
