import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { noise } from '../support/noise.js';
import { TestClient } from '../support/test-client.js';

const exampleAt = (name: string) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
const isInstalled = (program: string, flag: string) => spawnSync(program, [flag]).error === undefined;

/** A reverse proxy with the example of its settings, but for the name and certificate, which are the operator's. */
type Proxy = {
  readonly program: string;
  readonly isInstalled: boolean;
  /** Writes its settings into the folder, and gives the arguments to run it with. */
  prepare(folder: string, port: number, upstream: number): Promise<{ args: string[]; environment: object }>;
};

const caddy: Proxy = {
  program: 'caddy',
  isInstalled: isInstalled('caddy', 'version'),
  async prepare(folder, port, upstream) {
    const options = '{\n\tadmin off\n\tauto_https off\n}\n';
    await writeFile(join(folder, 'Caddyfile'), options + (await readFile(exampleAt('Caddyfile'), 'utf8')));
    return {
      args: ['run', '--config', join(folder, 'Caddyfile')],
      environment: { DOMAIN: `http://127.0.0.1:${port}`, GRASPD: `127.0.0.1:${upstream}` },
    };
  },
};

const nginx: Proxy = {
  program: 'nginx',
  isInstalled: isInstalled('nginx', '-v'),
  async prepare(folder, port, upstream) {
    const server = (await readFile(exampleAt('nginx.conf.example'), 'utf8'))
      .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
      .replace('listen [::]:443 ssl;', '')
      .replaceAll(/ssl_certificate.*;/g, '')
      .replaceAll('127.0.0.1:7334;', `127.0.0.1:${upstream};`);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const settings = [
      `daemon off; pid ${folder}/pid; error_log ${folder}/errors;`,
      'events {}',
      'http {',
      'access_log off;',
      ...temporary.map((kind) => `${kind}_temp_path ${folder}/${kind};`),
      server,
      '}',
    ];
    await writeFile(join(folder, 'nginx.conf'), settings.join('\n'));
    return { args: ['-e', join(folder, 'errors'), '-c', join(folder, 'nginx.conf')], environment: {} };
  },
};

describe.each([caddy, nginx])('behind $program (skipped where it is not installed)', (proxy) => {
  let folder: string;
  let host: HostingDaemon;
  let proxyProcess: ChildProcess | undefined;
  let port: number;

  beforeAll(async () => {
    if (!proxy.isInstalled) return;
    folder = await mkdtemp(join(tmpdir(), 'graspd-proxy-'));
    port = await freePort();
    const domain = `127.0.0.1:${port}`;
    host = await HostingDaemon.start({ flags: ['--domain', domain, '--trusted-proxy', '127.0.0.1'] });
    const { args, environment } = await proxy.prepare(folder, port, host.daemon.port);
    proxyProcess = spawn(proxy.program, args, {
      env: { PATH: process.env.PATH, HOME: folder, ...environment },
      stdio: 'ignore',
    });
    // Not even a test that runs out of time leaves a process behind.
    process.once('exit', () => proxyProcess?.kill('SIGKILL'));
    const ended = once(proxyProcess, 'exit').then(([code]) => {
      throw new Error(`${proxy.program} ended with ${code}`);
    });
    const answers = eventually(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
      return answer?.ok === true;
    });
    await Promise.race([answers, ended]);
  }, 60_000);

  afterAll(async () => {
    if (proxyProcess !== undefined) {
      const exited = once(proxyProcess, 'exit');
      proxyProcess.kill('SIGTERM');
      await exited;
    }
    await host?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
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
