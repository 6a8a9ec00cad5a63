import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { relayRoute } from '../../src/http/built-in-routes.js';
import { createHttpService } from '../../src/http/http-service.js';
import { ListenError } from '../../src/http/listen-error.js';
import { type RelayInformationInput, relayInformation } from '../../src/http/relay-information.js';
import { exactly, type Route } from '../../src/http/route.js';
import { deferred } from '../../src/lib/abort.js';
import { systemClock } from '../../src/lib/clock.js';
import { gaugesIn } from '../../src/lib/gauge.js';
import { accountsOf, freeAccounts } from '../support/accounts.js';
import { eventually } from '../support/eventually.js';
import { silentFaults } from '../support/faults.js';
import { type ServedParts, serveHttp } from '../support/http-service.js';
import { VirtualClock } from '../support/virtual-clock.js';

const input: RelayInformationInput = {
  name: '<b>relay</b>',
  description: 'a "relay" & more',
  pubkey: 'a'.repeat(64),
  supportedNips: [77, 1, 11],
  software: 'https://example.com/graspd',
  version: '1.2.3',
  icon: 'https://example.com/icon.png',
  limitation: { max_subscriptions: 500 },
  supportedGrasps: ['GRASP-02'],
  repoAcceptanceCriteria: 'any that list this service',
  curation: undefined,
};

const cors = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers':
    'Authorization, Content-Type, Git-Protocol, Accept, Content-Encoding, X-Requested-With',
  'access-control-max-age': '86400',
};

async function serve(parts: ServedParts = {}) {
  const registry = new Registry();
  new Counter({ name: 'test_total', help: 'test', registers: [registry] }).inc();
  const served = await serveHttp({
    information: () => relayInformation(input),
    metrics: registry,
    ...parts,
  });
  return { ...served, [Symbol.asyncDispose]: () => served.service.close() };
}

/** Sends bytes and collects all that comes back until the end of the connection. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (data: string) => {
    answer += data;
  });
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}

const nostr = { Accept: 'application/nostr+json' };

describe('the routes', () => {
  it.each<[string, string, Record<string, string>, number, string | null]>([
    ['GET', '/', {}, 200, 'text/html; charset=utf-8'],
    ['HEAD', '/', {}, 200, 'text/html; charset=utf-8'],
    ['GET', '/?a=b', {}, 200, 'text/html; charset=utf-8'],
    ['POST', '/', {}, 405, 'text/plain; charset=utf-8'],
    ['GET', '/', nostr, 200, 'application/nostr+json'],
    ['HEAD', '/', nostr, 200, 'application/nostr+json'],
    ['GET', '/any/path', nostr, 404, 'text/plain; charset=utf-8'],
    ['GET', '/healthz', nostr, 200, 'application/json'],
    ['GET', '/', { Accept: 'text/html, Application/Nostr+JSON;q=0.5' }, 200, 'application/nostr+json'],
    ['GET', '/', { Accept: 'application/nostr+jsonx' }, 200, 'text/html; charset=utf-8'],
    ['GET', '/metrics', {}, 200, 'text/plain; version=0.0.4; charset=utf-8'],
    ['GET', '/healthz', {}, 200, 'application/json'],
    ['GET', '/readyz', {}, 200, 'application/json'],
    ['GET', '/nowhere', {}, 404, 'text/plain; charset=utf-8'],
    ['POST', '/nowhere', {}, 404, 'text/plain; charset=utf-8'],
    ['PUT', '/healthz', {}, 405, 'text/plain; charset=utf-8'],
    ['OPTIONS', '/', {}, 204, null],
    ['OPTIONS', '/nowhere', {}, 204, null],
  ])('%s %s with %j is answered with %i, and CORS', async (method, path, headers, status, contentType) => {
    await using served = await serve();
    const response = await fetch(served.url + path, { method, headers });
    const body = await response.text();
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe(contentType);
    expect(Object.fromEntries(response.headers)).toMatchObject(cors);
    expect(body === '').toBe(method === 'HEAD' || method === 'OPTIONS');
  });

  it('gives the document of NIP-11', async () => {
    await using served = await serve();
    const response = await fetch(served.url, { headers: nostr });
    expect(await response.json()).toEqual({
      name: '<b>relay</b>',
      description: 'a "relay" & more',
      pubkey: 'a'.repeat(64),
      supported_nips: [1, 11, 77],
      software: 'https://example.com/graspd',
      version: '1.2.3',
      icon: 'https://example.com/icon.png',
      limitation: { max_subscriptions: 500 },
      supported_grasps: ['GRASP-02'],
      repo_acceptance_criteria: 'any that list this service',
    });
  });

  it('tells caches that the document and the page at / depend on what is accepted', async () => {
    await using served = await serve();
    for (const headers of [nostr, {}]) {
      expect((await fetch(served.url, { headers })).headers.get('vary')).toBe('Accept');
    }
    expect((await fetch(`${served.url}/healthz`)).headers.get('vary')).toBeNull();
  });

  it('names the curation only where there is any', () => {
    expect(relayInformation({ ...input, curation: 'by hand' })).toMatchObject({ curation: 'by hand' });
    expect(relayInformation(input)).not.toHaveProperty('curation');
  });

  it('escapes what the operator wrote, and shows our own address whatever the client claims', async () => {
    await using served = await serve();
    const page = await raw(served.port, 'GET / HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n');
    expect(page).toContain('&lt;b&gt;relay&lt;/b&gt;');
    expect(page).toContain('<dd>wss://git.example.org</dd>');
    expect(page).toContain('<dd>graspd 1.2.3</dd>');
    expect(page).not.toContain('elsewhere');
  });

  it('says why it is not ready', async () => {
    const readiness = { ready: false, reasons: ['the store is not open'] };
    await using served = await serve({ readiness: () => readiness });
    const response = await fetch(`${served.url}/readyz`);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('60');
    expect(await response.json()).toEqual(readiness);
  });

  it('has no metrics where they are turned off', async () => {
    await using served = await serve({ metrics: undefined });
    expect((await fetch(`${served.url}/metrics`)).status).toBe(404);
  });

  it('asks further routes, and answers 500 for one that fails', async () => {
    await using served = await serve({
      routes: [
        {
          matches: (path) => path.endsWith('.git/info/refs'),
          methods: ['GET', 'POST'],
          handle: ({ path, query }, response) => void response.end(`${path} ${query.get('service')}`),
        },
        {
          matches: (path) => path === '/broken',
          methods: ['GET'],
          handle: () => {
            throw new Error('broken');
          },
        },
      ],
    });
    const refs = await fetch(`${served.url}/npub1/a%20b.git/info/refs?service=git-upload-pack`);
    expect(await refs.text()).toBe('/npub1/a%20b.git/info/refs git-upload-pack');
    const broken = await fetch(`${served.url}/broken`);
    expect(broken.status).toBe(500);
    expect(Object.fromEntries(broken.headers)).toMatchObject(cors);
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
  });
});

const health = 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const upgrade = (protocol: string) =>
  `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;

describe('a callback of the port that throws', () => {
  it('ends the connection of that request, and is counted', async () => {
    const faults = silentFaults();
    await using served = await serve({
      faults,
      onUpgrade: () => {
        throw new Error('broken');
      },
    });
    expect(await raw(served.port, upgrade('websocket'))).toBe('');
    expect(faults.counts.get('request')).toBe(1);
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
  });

  it('ends an answer that is written to after its end', async () => {
    const faults = silentFaults();
    await using served = await serve({
      faults,
      routes: [
        {
          matches: (path) => path === '/late',
          methods: ['GET'],
          handle: (_request, response) => {
            response.end('whole');
            response.write('more');
          },
        },
      ],
    });
    await fetch(`${served.url}/late`).catch(() => {});
    await eventually(() => faults.counts.get('request') === 1);
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
  });

  it('is none where an upgrade follows a request that is still answered', async () => {
    const faults = silentFaults();
    await using served = await serve({ faults });
    const requests = `GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n${upgrade('h2c')}`;
    await raw(served.port, requests);
    await raw(served.port, `GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n${upgrade('websocket')}`);
    expect(faults.counts.get('request') ?? 0).toBe(0);
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
  });
});

describe('requests that come in one piece', () => {
  const many = 1_000;

  it('are answered up to a number, above which the connection ends', async () => {
    let asked = 0;
    const route: Route = {
      matches: (path) => path === '/slow',
      methods: ['GET'],
      handle() {
        asked += 1;
      },
    };
    await using served = await serve({ routes: [route] });
    await raw(served.port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(many));
    expect(asked).toBe(limits.httpPipelinedMax);
  });

  it('are given up when the connection ends, also those that wait for the one before them', async () => {
    const answers: ServerResponse[] = [];
    let given = 0;
    const route: Route = {
      matches: (path) => path === '/slow',
      methods: ['GET'],
      handle(_request, response) {
        answers.push(response);
        response.once('close', () => {
          given += 1;
        });
        response.write('some');
      },
    };
    await using served = await serve({ routes: [route] });
    const socket = connect(served.port, '127.0.0.1');
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
    await eventually(() => answers.length === 3);
    socket.destroy();
    await eventually(() => given === 3);
    expect(answers.map(({ destroyed }) => destroyed)).toEqual([true, true, true]);
  });

  it('are counted for their address, also those that are not answered', async () => {
    const requests = 200;
    // However long it takes, no room comes back.
    const accounts = accountsOf({ requestsPerMinuteMax: requests }, new VirtualClock());
    await using served = await serve({ accounts, trustedProxies: ['127.0.0.1/32'] });
    const request = 'GET /slow HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n';
    await raw(served.port, request.repeat(requests));
    const counted = accounts.of('198.51.100.1');
    expect(counted.takeRequest()).toMatch(/^rate-limited:/);
  });

  it('are all answered when they are few', async () => {
    await using served = await serve();
    const first = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(limits.httpPipelinedMax - 1);
    const last = 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect((await raw(served.port, first + last)).match(/HTTP\/1\.1 200 /g)).toHaveLength(
      limits.httpPipelinedMax,
    );
  });

  it('do not have the metrics gathered again and again', async () => {
    const registry = new Registry();
    let gathered = 0;
    gaugesIn(registry)('test', 'test', () => {
      gathered += 1;
      return gathered;
    });
    const clock = new VirtualClock();
    await using served = await serve({ metrics: registry, clock });
    const ask = async () => await (await fetch(`${served.url}/metrics`)).text();
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(
      Array(3).fill(expect.stringContaining('test 1\n')),
    );
    await clock.advance(limits.httpMetricsAgeMsMax);
    expect(await ask()).toContain('test 2\n');
  });
});

it.each(['OPTIONS /', 'GET /healthz', 'POST /nowhere', 'PUT /healthz'])(
  'the body of %s, which nobody asked for, is waited for a little only',
  async (line) => {
    const clock = new VirtualClock();
    await using served = await serve({ clock });
    const socket = connect(served.port, '127.0.0.1');
    socket.write(`${line} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n`);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 [245]0/);
    await clock.advance(limits.httpDrainMsMax);
    await closed;
  },
);

describe('connections above the limit', () => {
  const connected = async (port: number): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };

  it('are told to come later, idle ones count too, and there is room when they go', async () => {
    await using served = await serve({ connectionsMax: 2 });
    const idle = [await connected(served.port), await connected(served.port)];
    for (const path of ['/healthz', '/']) {
      const answer = await raw(served.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1.1 503 /);
      expect(answer).toContain('Retry-After: 60');
      expect(answer).toContain('Access-Control-Allow-Origin: *');
    }
    expect(await raw(served.port, upgrade('websocket'))).toMatch(/^HTTP\/1.1 503 .*Retry-After: 60/s);
    for (const socket of idle) socket.destroy();
    await eventually(async () => (await raw(served.port, health)).startsWith('HTTP/1.1 200 '));
  });

  it('are closed when they ask nothing, and at once when they are many', async () => {
    const hurried = {
      ...systemClock,
      after: (ms: number, task: () => void) => systemClock.after(ms / 20, task),
    };
    await using served = await serve({ connectionsMax: 0, clock: hurried });
    const flood = await Promise.all(
      Array.from({ length: limits.httpRefusedConnectionsMax + 5 }, () => connected(served.port)),
    );
    await Promise.all(flood.map((socket) => once(socket, 'close')));
    expect(await raw(served.port, health)).toMatch(/^HTTP\/1.1 503 /);
  });

  it('of one address are refused while others are served', async () => {
    const accounts = accountsOf({ connectionsMax: 1, requestsPerMinuteMax: 2 });
    await using served = await serve({ accounts, trustedProxies: ['127.0.0.1/32'] });
    const ask = (address: string) =>
      raw(served.port, health.replace('\r\n\r\n', `\r\nX-Forwarded-For: ${address}\r\n\r\n`));
    expect(await ask('192.0.2.1')).toMatch(/^HTTP\/1.1 200 /);
    expect(await ask('192.0.2.1')).toMatch(/^HTTP\/1.1 200 /);
    expect(await ask('192.0.2.1')).toMatch(/^HTTP\/1.1 429 .*Retry-After: 60.*rate-limited: /s);
    expect(await ask('192.0.2.2')).toMatch(/^HTTP\/1.1 200 /);
    expect(accounts.refusals).toEqual(new Map([['request', 1]]));
  });
});

describe('an address that is blocked', () => {
  const blocked = new Set<string>();
  const parts = { trustedProxies: ['127.0.0.0/8'], blocked };
  const from = (address: string) => ({ 'X-Forwarded-For': address });

  it('gets 403 with CORS whatever it asks, and others do not', async () => {
    await using served = await serve(parts);
    blocked.add('192.0.2.1').add('2001:db8::/64');
    for (const address of ['192.0.2.1', '2001:db8::7']) {
      const response = await fetch(`${served.url}/healthz`, { headers: from(address) });
      expect([response.status, await response.text()]).toEqual([
        403,
        'blocked: this address is blocked here\n',
      ]);
      expect(Object.fromEntries(response.headers)).toMatchObject(cors);
    }
    expect((await fetch(`${served.url}/healthz`, { headers: from('192.0.2.2') })).status).toBe(200);
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    expect(await raw(served.port, `${upgrade}X-Forwarded-For: 192.0.2.1\r\n\r\n`)).toMatch(/^HTTP\/1.1 403 /);
    blocked.clear();
  });

  it('loses the WebSockets that it has, and nobody else does', async () => {
    const taken: Duplex[] = [];
    const onUpgrade = (_: IncomingMessage, stream: Duplex) => void taken.push(stream);
    await using served = await serve({ ...parts, onUpgrade });
    for (const address of ['192.0.2.1', '192.0.2.2']) {
      const socket = connect(served.port, '127.0.0.1').on('error', () => {});
      socket.write(
        `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Forwarded-For: ${address}\r\n\r\n`,
      );
    }
    await eventually(() => taken.length === 2);
    blocked.add('192.0.2.1');
    served.service.endBlocked();
    await eventually(() => taken.filter(({ destroyed }) => destroyed).length === 1);
    blocked.clear();
  });

  it('loses the answers that come by way of a proxy, as clones and the status page, and nobody else does', async () => {
    const answers: ServerResponse[] = [];
    const handle: Route['handle'] = (_, response) => {
      response.write('the beginning');
      answers.push(response);
    };
    await using served = await serve({
      ...parts,
      routes: [{ matches: (path) => path === '/long', methods: ['GET'], handle }],
    });
    for (const address of ['192.0.2.1', '192.0.2.2']) {
      const socket = connect(served.port, '127.0.0.1').on('error', () => {});
      socket.write(`GET /long HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${address}\r\n\r\n`);
    }
    await eventually(() => answers.length === 2);
    blocked.add('192.0.2.1');
    served.service.endBlocked();
    await eventually(() => answers.filter(({ closed }) => closed).length === 1);
    for (const response of answers) response.destroy();
    blocked.clear();
  });
});

describe('the port', () => {
  it('says in one line that the address is in use', async () => {
    await using served = await serve();
    const second = createHttpService({
      root: relayRoute(() => relayInformation(input), 'ws://127.0.0.1'),
      metrics: undefined,
      readiness: () => ({ ready: true, reasons: [] }),
      onUpgrade: () => undefined,
      routes: [],
      trustedProxies: [],
      connectionsMax: undefined,
      accounts: freeAccounts(),
      clock: systemClock,
      logger: pino({ level: 'silent' }),
      faults: silentFaults(),
    });
    const address = { host: '127.0.0.1', port: served.port };
    const failure = await second.listen(address).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ListenError);
    expect(failure).toMatchObject({
      code: 'address_in_use',
      message: `the bind address 127.0.0.1:${served.port} is in use by another process`,
    });
    await second.close();
  });

  it('closes in bounded time with requests in hand and sockets open', async () => {
    const begun = deferred<void>();
    const upgraded = deferred<Duplex>();
    const served = await serve({
      routes: [{ matches: () => true, methods: ['GET'], handle: () => begun.resolve() }],
      onUpgrade: (_request, stream) => {
        upgraded.resolve(stream);
        return undefined;
      },
    });
    const hanging = fetch(`${served.url}/hang`).catch(() => 'cut');
    const closed = raw(
      served.port,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await begun.promise;
    await upgraded.promise;
    await served.service.close();
    expect(await hanging).toBe('cut');
    await closed;
    await expect(fetch(served.url)).rejects.toThrow();
  });
});

describe('an odd request', () => {
  it.each([
    ['hello\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\nConnection: close\r\n\r\n', 200],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('is answered with CORS and closed: %#', async (bytes, status) => {
    await using served = await serve();
    const answer = await raw(served.port, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('Access-Control-Allow-Origin: *');
  });

  it.each([
    ['of a coding that there is not', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['in chunks without a length', 'Transfer-Encoding: chunked\r\n\r\nx\r\n'],
  ])('has one answer when its body cannot be read: %s', async (_, rest) => {
    await using served = await serve();
    const answer = await raw(served.port, `POST /healthz HTTP/1.1\r\nHost: a\r\n${rest}`);
    expect(answer.match(/HTTP\/1\.1 \d+ /g)).toEqual(['HTTP/1.1 405 ']);
  });

  it('is refused as an upgrade where there is no WebSocket, with CORS', async () => {
    await using served = await serve();
    const upgrade = (path: string) =>
      raw(
        served.port,
        `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      );
    expect(await upgrade('/elsewhere')).toMatch(/^HTTP\/1.1 404 [\s\S]*Allow-Origin: \*/);
    expect(await upgrade('/')).toMatch(/^HTTP\/1.1 503 [\s\S]*Allow-Origin: \*[\s\S]*full/);
  });

  it('answers a request as it is when it offers another protocol', async () => {
    await using served = await serve();
    const request = httpRequest(`${served.url}/healthz`, {
      headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': '' },
    });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject(cors);
    response.resume();
    await once(response, 'close');
  });

  it.each([
    ['in one piece', 'Content-Length: 9', ['some more']],
    ['in pieces', 'Content-Length: 9', ['', 'some ', 'more']],
    ['in chunks', 'Transfer-Encoding: chunked', ['5\r\nsome ', '\r\n4\r\nmore\r\n0\r\n\r\n']],
  ])(
    'reads the body of a request that offers another protocol, which comes %s',
    async (_, header, pieces) => {
      const echo: Route = {
        matches: exactly('/echo'),
        methods: ['POST'],
        handle: async ({ message }, response) => void response.end(`got ${await text(message)}`),
      };
      await using served = await serve({ routes: [echo] });
      const socket = connect(served.port, '127.0.0.1');
      const answer = text(socket);
      const [first = '', ...later] = pieces;
      socket.write(
        `POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${header}\r\n\r\n${first}`,
      );
      for (const piece of later) {
        await sleep(20);
        socket.write(piece);
      }
      expect(await answer).toMatch(/^HTTP\/1.1 200 [\s\S]*got some more/);
    },
  );

  it('counts the connection of such a request once', async () => {
    await using served = await serve({ connectionsMax: 1 });
    const request = upgrade('h2c').replace('GET /', 'GET /healthz');
    expect(await raw(served.port, request)).toMatch(/^HTTP\/1.1 200 /);
  });

  it('does not read the path of an absolute target that is no URL of ours', async () => {
    await using served = await serve();
    const get = (target: string) =>
      raw(served.port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(await get('http://a/healthz')).toMatch(/^HTTP\/1.1 200 /);
    expect(await get('ftp://a/healthz')).toMatch(/^HTTP\/1.1 400 /);
  });
});
