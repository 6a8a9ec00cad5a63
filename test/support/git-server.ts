import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers a request itself, instead of git; `false` leaves it to git. */
export type GitServerTrick = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A plain git server, `git http-backend` over a folder of bare repositories, on loopback; a stranger to the daemon. */
export class GitServer implements AsyncDisposable {
  /** The paths that were asked for, with their methods. */
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #folder: string;
  #trick: GitServerTrick = () => false;
  /** Whether it knows nothing of protocol v2. */
  isOld = false;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  static async start(folder: string): Promise<GitServer> {
    const server = new GitServer(folder);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  urlOf(path: string): string {
    return `http://127.0.0.1:${this.port}/${path}`;
  }

  /** Has requests answered by `trick` from now on. */
  play(trick: GitServerTrick): void {
    this.#trick = trick;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(`${request.method} ${request.url}`);
    if (this.#trick(request, response)) return;
    const { pathname, search } = new URL(request.url ?? '', 'http://localhost');
    const text = (name: string) => String(request.headers[name] ?? '');
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env.PATH,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_PROJECT_ROOT: this.#folder,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_PROTOCOL: this.isOld ? '' : text('git-protocol'),
        REQUEST_METHOD: request.method,
        PATH_INFO: decodeURIComponent(pathname),
        QUERY_STRING: search.slice(1),
        CONTENT_TYPE: text('content-type'),
        HTTP_CONTENT_ENCODING: text('content-encoding'),
        CONTENT_LENGTH: text('content-length'),
        REMOTE_ADDR: '127.0.0.1',
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => {});
    request.pipe(child.stdin);
    response.once('close', () => child.kill());
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      child.stdout.off('data', onData);
      for (const line of head.toString('latin1', 0, end).split('\r\n')) {
        const [name = '', value = ''] = line.split(/:\s*/, 2);
        if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.write(head.subarray(end + 4));
      child.stdout.pipe(response);
    };
    child.stdout.on('data', onData);
  }
}
