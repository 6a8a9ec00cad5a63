import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';

const exampleAt = (name: string) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
const isInstalled = (program: string, flag: string) => spawnSync(program, [flag]).error === undefined;

/** A reverse proxy with the example of its settings, but for the name and certificate, which are the operator's. */
export type Proxy = {
  readonly program: string;
  readonly isInstalled: boolean;
  /** Writes its settings into the folder, and gives the arguments to run it with. */
  prepare(
    folder: string,
    port: number,
    upstreams: readonly number[],
  ): Promise<{ args: string[]; environment: object }>;
};

export const caddy: Proxy = {
  program: 'caddy',
  isInstalled: isInstalled('caddy', 'version'),
  async prepare(folder, port, upstreams) {
    const options = '{\n\tadmin off\n\tauto_https off\n}\n';
    await writeFile(join(folder, 'Caddyfile'), options + (await readFile(exampleAt('Caddyfile'), 'utf8')));
    return {
      args: ['run', '--config', join(folder, 'Caddyfile')],
      environment: {
        DOMAIN: `http://127.0.0.1:${port}`,
        GRASPD: upstreams.map((upstream) => `127.0.0.1:${upstream}`).join(' '),
      },
    };
  },
};

export const nginx: Proxy = {
  program: 'nginx',
  isInstalled: isInstalled('nginx', '-v'),
  async prepare(folder, port, [upstream]) {
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

/** A proxy that runs on a port of loopback before others. */
export class ProxyProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port;
    this.#child = child;
    this.#folder = folder;
  }

  /** Starts it; resolves when one of those behind it answers. */
  static async start(proxy: Proxy, port: number, upstreams: readonly number[]): Promise<ProxyProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'graspd-proxy-'));
    const { args, environment } = await proxy.prepare(folder, port, upstreams);
    const child = spawn(proxy.program, args, {
      env: { PATH: process.env.PATH, HOME: folder, ...environment },
      stdio: 'ignore',
    });
    // Not even a test that runs out of time leaves a process behind.
    process.once('exit', () => child.kill('SIGKILL'));
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${proxy.program} ended with ${code}`);
    });
    const answers = eventually(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
      return answer?.ok === true;
    });
    await Promise.race([answers, ended]);
    ended.catch(() => {});
    return new ProxyProcess(port, child, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
