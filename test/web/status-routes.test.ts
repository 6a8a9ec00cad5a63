import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { systemClock } from '../../src/lib/clock.js';
import { fixedSlice, TurnScheduler } from '../../src/lib/turns/turn-scheduler.js';
import type { AnnouncedRepository } from '../../src/repositories/announced-repository.js';
import { assetRoute } from '../../src/web/assets.js';
import { Catalogue } from '../../src/web/catalogue.js';
import { repositoryList } from '../../src/web/repository-list.js';
import { statusRoutes } from '../../src/web/status/status-routes.js';
import { serveHttp } from '../support/http-service.js';
import { emptyReport } from './report.js';

const token = 'a-token-of-the-operator';
const hostile = `<img src=x onerror="alert(1)">`;

const repository: AnnouncedRepository = {
  eventId: '',
  address: '',
  pubkey: '1'.repeat(64),
  identifier: hostile.replaceAll('/', ''),
  name: hostile,
  description: hostile,
  announcedAt: 1e300,
  standing: 'hosted',
  awaitsGitData: true,
  relays: [],
};

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

async function serve(
  options: { readonly token?: string; readonly listed?: readonly AnnouncedRepository[] } = {},
) {
  const clock = systemClock;
  const reports = { count: 0 };
  const catalogue = new Catalogue({
    directory: { listed: () => [...(options.listed ?? [])].values(), stateOf: () => undefined },
    lacks: () => false,
    clock,
    turns: new TurnScheduler(clock, fixedSlice(1), setImmediate),
  });
  const status = statusRoutes({
    source: {
      report: async () => {
        reports.count += 1;
        return emptyReport();
      },
      repository: ({ identifier }) => ({
        owner: 'npub1owner',
        identifier,
        relays: { named: 2, complete: 1 },
      }),
    },
    catalogue,
    domain: 'git.example.org',
    token: () => options.token,
    clock,
    onFault: () => {},
  });
  const served = await serveHttp({
    routes: [assetRoute(), ...status.routes],
    frontPage: { listRepositories: repositoryList(catalogue), links: [] },
  });
  stop = async () => {
    status.close();
    await served.service.close();
  };
  return { ...served, reports };
}

describe('the status page over HTTP', () => {
  it('is a page and JSON, kept by no cache, under a policy that allows nothing foreign', async () => {
    const { url } = await serve({ listed: [repository] });
    const page = await fetch(`${url}/status`);
    expect(page.status).toBe(200);
    expect(page.headers.get('cache-control')).toBe('no-store');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toMatch(/default-src 'none'.*script-src 'self'; connect-src 'self'/);
    expect(policy).not.toContain('unsafe');
    expect(await page.text()).toContain('complete with 1 of 2 relays');
    const json = await fetch(`${url}/status.json`);
    expect(json.headers.get('content-type')).toBe('application/json');
    expect(await json.json()).toMatchObject({
      status: { domain: 'git.example.org' },
      repositories: { total: 1, shown: [{ owner: 'npub1owner', relays: { named: 2, complete: 1 } }] },
    });
  });

  it('shows what strangers call their repositories as text, here and at /', async () => {
    const { url } = await serve({ listed: [repository] });
    for (const path of [
      '/',
      '/status',
      `/?q=${encodeURIComponent(hostile)}`,
      `/status?q=${encodeURIComponent(hostile)}`,
    ]) {
      const text = await (await fetch(url + path)).text();
      expect(text).not.toContain('<img');
      expect(text).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
    }
  });

  it('is made once for all who load it within a moment', async () => {
    const { url, reports } = await serve();
    await Promise.all(
      Array.from({ length: 20 }, async () => await (await fetch(`${url}/status.json`)).text()),
    );
    expect(reports.count).toBeLessThan(3);
  });

  it('keeps the token out of what it shows without it, and in the links of who came with it', async () => {
    const listed = Array.from({ length: 60 }, (_, number) => ({ ...repository, identifier: `r${number}` }));
    const { url } = await serve({ token, listed });
    for (const [path, type] of [
      ['/status', 'text/html; charset=utf-8'],
      ['/status.json', 'text/plain; charset=utf-8'],
      ['/status/events', 'text/plain; charset=utf-8'],
    ] as const) {
      for (const query of ['', '?token=', '?token=wrong', `?token=${token}x`]) {
        const refused = await fetch(url + path + query);
        expect(refused.status).toBe(401);
        expect(refused.headers.get('content-type')).toBe(type);
        expect(await refused.text()).not.toMatch(/npub1owner|a-token-of/);
      }
    }
    const shown = await fetch(`${url}/status?token=${token}`);
    expect(shown.status).toBe(200);
    const text = await shown.text();
    expect(text).toContain(`href="/status?token=${token}&amp;page=2#repositories"`);
    expect(text).toContain(`<input type="hidden" name="token" value="${token}">`);
    const headers = { Authorization: `Bearer ${token}` };
    expect((await fetch(`${url}/status.json`, { headers })).status).toBe(200);
    expect(
      (await fetch(`${url}/status.json`, { headers: { Authorization: `Bearer ${token}x` } })).status,
    ).toBe(401);
  });

  it('is kept up to date by as many connections as may be; one more is told so, and a closed one makes room', async () => {
    const { url } = await serve();
    const stops = Array.from({ length: limits.statusReadersMax }, () => new AbortController());
    for (const { signal } of stops) {
      const response = await fetch(`${url}/status/events`, { signal });
      expect(response.headers.get('content-type')).toBe('text/event-stream');
    }
    const refused = await fetch(`${url}/status/events`);
    expect(refused.status).toBe(503);
    for (const each of stops) each.abort();
    let status = 0;
    while (status !== 200) {
      const again = new AbortController();
      status = (await fetch(`${url}/status/events`, { signal: again.signal })).status;
      again.abort();
    }
  });

  it('answers HEAD for the events, and ends', async () => {
    const { port } = await serve();
    const socket = connect(port, '127.0.0.1');
    socket.resume();
    socket.write('HEAD /status/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await once(socket, 'close');
  });
});

describe('what pages load', () => {
  it('is kept by browsers, who ask whether it is still the same', async () => {
    const { url } = await serve();
    for (const [name, type] of [
      ['style.css', 'text/css'],
      ['status.js', 'text/javascript'],
      ['uplot.css', 'text/css'],
      ['uplot.js', 'text/javascript'],
    ]) {
      const first = await fetch(`${url}/assets/${name}`);
      expect(first.status).toBe(200);
      expect(first.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
      expect(first.headers.get('cache-control')).toBe('no-cache');
      await first.text();
      const etag = first.headers.get('etag') ?? '';
      const again = await fetch(`${url}/assets/${name}`, { headers: { 'If-None-Match': `W/${etag}` } });
      expect(again.status).toBe(304);
      expect(await again.text()).toBe('');
    }
    expect((await fetch(`${url}/assets/../package.json`)).status).toBe(404);
  });
});
