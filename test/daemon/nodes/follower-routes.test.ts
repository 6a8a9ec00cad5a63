import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followerRoutes } from '../../../src/daemon/nodes/follower-routes.js';
import { PassOn } from '../../../src/daemon/nodes/pass-on.js';
import { ReleaseStack } from '../../../src/lib/release-stack.js';
import type { NodeStatusReport } from '../../../src/web/status/status-report.js';
import { serveHttp } from '../../support/http-service.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const token = 'a-token-of-the-operator';
const hostile = '<script>alert(1)</script>';
const report: NodeStatusReport = {
  at: '2026-01-01T00:00:00.000Z',
  nodes: {
    role: 'follower',
    writer: { url: 'http://10.0.0.1:7334', holder: hostile, until: '2026-01-01T00:00:10.000Z' },
    followers: [{ url: 'http://10.0.0.2:7334', behind: { events: 0, seconds: 0 } }],
  },
};

describe('what a graspd that follows serves', () => {
  let stack: ReleaseStack;
  let writer: Server;
  let asked: string[];

  beforeEach(async () => {
    stack = new ReleaseStack();
    asked = [];
    writer = createServer((message, response) => {
      asked.push(String(message.url));
      response.end(`the writer's ${message.url}`);
    });
    await new Promise<void>((resolve) => writer.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    await stack[Symbol.asyncDispose]();
    await endWriter();
  });

  async function endWriter(): Promise<void> {
    writer.closeAllConnections();
    if (writer.listening) await new Promise((resolve) => writer.close(resolve));
  }

  async function serve(options: { statusPage?: boolean; token?: string; isConnected?: () => boolean } = {}) {
    const writerUrl = `http://127.0.0.1:${(writer.address() as AddressInfo).port}`;
    const passing = stack.use(new PassOn(() => writerUrl, new VirtualClock()));
    const { statusPage = true, token: statusToken, isConnected = () => true } = options;
    const routes = followerRoutes({
      passing,
      isConnected,
      report: () => report,
      options: { domain: 'git.example.org', statusPage, statusToken },
    });
    const { service, url } = await serveHttp({ routes });
    stack.defer(() => service.close());
    return url;
  }

  it('is the page of the one that writes, whose nodes are all on it', async () => {
    const url = await serve();
    for (const path of [
      '/status',
      '/status.json',
      '/status?q=x',
      '/assets/style.css',
      '/npub1x/y.git/info/refs',
    ])
      expect(await (await fetch(url + path)).text()).toBe(`the writer's ${path}`);
  });

  it('is what it knows itself while that one does not answer', async () => {
    const url = await serve();
    await endWriter();
    const json = await fetch(`${url}/status.json`);
    expect(json.status).toBe(503);
    expect(await json.json()).toEqual(report);
    const page = await fetch(`${url}/status`);
    expect(page.status).toBe(503);
    expect(page.headers.get('cache-control')).toBe('no-store');
    const text = await page.text();
    expect(text).toContain('does not answer');
    expect(text).toContain('http://10.0.0.1:7334');
    expect(text).toContain('http://10.0.0.2:7334');
    expect(text).not.toContain(hostile);
    expect((await fetch(`${url}/assets/style.css`)).headers.get('content-type')).toContain('text/css');
    expect(await (await fetch(`${url}/status/events`)).text()).toContain('away');
  });

  it('is that at once while there is no connection to that one, for it may be cut off', async () => {
    const url = await serve({ isConnected: () => false });
    expect((await fetch(`${url}/status.json`)).status).toBe(503);
    expect(asked).toEqual([]);
  });

  it('is shown to those who have the token, where there is one', async () => {
    const url = await serve({ token });
    await endWriter();
    for (const path of ['/status', '/status.json']) {
      const refused = await fetch(url + path);
      expect(refused.status).toBe(401);
      expect(await refused.text()).not.toContain('10.0.0.1');
      expect((await fetch(`${url}${path}?token=${token}`)).status).toBe(503);
    }
  });

  it('is no status page where none is wanted', async () => {
    const url = await serve({ statusPage: false });
    await endWriter();
    expect(await (await fetch(`${url}/status.json`)).text()).toContain('away');
  });
});
