import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testIdentity } from '../support/events.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { noise } from '../support/noise.js';
import { caddy, nginx, ProxyProcess } from '../support/proxies.js';
import { TestClient } from '../support/test-client.js';

describe.each([caddy, nginx])('behind $program (skipped where it is not installed)', (proxy) => {
  let host: HostingDaemon;
  let front: ProxyProcess;
  let port: number;

  beforeAll(async () => {
    if (!proxy.isInstalled) return;
    port = await freePort();
    const domain = `127.0.0.1:${port}`;
    host = await HostingDaemon.start({ flags: ['--domain', domain, '--trusted-proxy', '127.0.0.1'] });
    front = await ProxyProcess.start(proxy, port, [host.daemon.port]);
  }, 60_000);

  afterAll(async () => {
    await front?.[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
  });

  it.skipIf(!proxy.isInstalled)(
    'WebSockets, pushes of many megabytes and clones come through',
    async () => {
      const owner = testIdentity(1);
      await using git = await GitClient.init();
      const viaProxy = (url: string) => url.replace(`:${host.daemon.port}/`, `:${port}/`);
      await using client = await TestClient.connect(`ws://127.0.0.1:${port}`);
      const publish = async (event: Parameters<TestClient['publish']>[0]) => {
        expect(await client.publish(event)).toMatchObject({ accepted: true });
      };
      const announcement = host.announcement(owner, 'proxied');
      const url = viaProxy(host.urlOf(owner, 'proxied'));
      const relays = `ws://127.0.0.1:${port}`;
      const { kind, created_at } = announcement;
      const tags = announcement.tags.map(([name = '', ...rest]) => {
        if (name === 'clone') return [name, url];
        return name === 'relays' ? [name, relays] : [name, ...rest];
      });
      await publish(owner.sign({ kind, created_at, tags, content: '' }));
      // More than proxies take of a body by default, and it does not become small.
      const commit = await git.commit('noise', noise(5_000_000).toString('base64'));
      await publish(host.state(owner, 'proxied', { 'refs/heads/main': commit }));
      await git.ok('push', url, 'main');
      await using reader = await GitClient.init();
      await reader.ok('clone', '--quiet', url, 'copy');
      expect(await reader.ok('-C', 'copy', 'rev-parse', 'HEAD')).toBe(commit);
      expect(await client.query({ authors: [owner.pubkey] })).toHaveLength(2);
    },
    60_000,
  );

  it.skipIf(!proxy.isInstalled)('metrics are not for everybody', async () => {
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${host.daemon.port}/metrics`)).status).toBe(200);
  });
});
