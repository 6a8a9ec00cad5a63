import { gzipSync } from 'node:zlib';
import { flushPkt, pktLine } from '../../../src/git-protocol/pkt-line.js';
import { type Random, randomInteger } from '../../../src/lib/random.js';
import { Mutator } from '../fuzz/mutate.js';

/** Bytes that come in a connection for HTTP, and the answers that they may have. */
export type RequestTrial = {
  readonly bytes: Buffer;
  /** Whether it is one request that is whole and framed as HTTP says. */
  readonly isRight: boolean;
  /** Whether it may be answered by a 400, and by nothing more. */
  readonly isSmuggling: boolean;
};

const zero = '0'.repeat(40);
const commit = 'c'.repeat(40);
const push = Buffer.concat([
  pktLine(`${zero} ${commit} refs/heads/main\0 report-status side-band-64k agent=x`),
  flushPkt,
  Buffer.from('5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e', 'hex'),
]);
const fetchV2 = Buffer.concat([
  pktLine('command=ls-refs\n'),
  pktLine('agent=x'),
  Buffer.from('0001'),
  pktLine('peel'),
  flushPkt,
]);
const fetchV0 = Buffer.concat([pktLine(`want ${commit} side-band-64k\n`), flushPkt, pktLine('done\n')]);

type Parts = {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
};

/** Makes requests that are right or nearly, to a port with a repository at `repository` (`/npub1…/x.git`). */
export class RequestMaker {
  readonly #random: Random;
  readonly #repository: string;
  readonly #bodies: Mutator;
  readonly #bytes: Mutator;

  constructor(random: Random, repository: string) {
    this.#random = random;
    this.#repository = repository;
    this.#bodies = new Mutator(
      { form: 'bytes', words: ['0000', '0001', 'PACK', '\0', 'refs/', 'want ', 'have ', 'done', 'shallow '] },
      random,
    );
    this.#bytes = new Mutator(
      {
        form: 'bytes',
        words: ['\r\n', ': ', ' HTTP/1.1', 'Content-Length: 5', 'Transfer-Encoding: chunked', '/', '%'],
      },
      random,
    );
  }

  next(): RequestTrial {
    const parts = this.#parts();
    switch (this.#draw(6)) {
      case 0:
        return { bytes: this.#bytes.next([written(parts, plain)]), isRight: false, isSmuggling: false };
      case 1:
        return { bytes: this.#smuggled(parts), isRight: false, isSmuggling: true };
      case 2:
        return { bytes: written(parts, (body) => this.#chunked(body)), isRight: true, isSmuggling: false };
      default:
        return { bytes: written(parts, plain), isRight: true, isSmuggling: false };
    }
  }

  #parts(): Parts {
    const git = this.#repository;
    const [method, path, body, type] = this.#one<readonly [string, string, Buffer, string]>([
      ['GET', `${git}/info/refs?service=git-upload-pack`, none, ''],
      ['GET', `${git}/info/refs?service=git-receive-pack`, none, ''],
      ['POST', `${git}/git-receive-pack`, push, 'git-receive-pack-request'],
      ['POST', `${git}/git-receive-pack`, flushPkt, 'git-receive-pack-request'],
      ['POST', `${git}/git-upload-pack`, fetchV2, 'git-upload-pack-request'],
      ['POST', `${git}/git-upload-pack`, fetchV0, 'git-upload-pack-request'],
      ['GET', '/', none, ''],
      ['GET', '/status?page=2&q=%00', none, ''],
      [
        'GET',
        this.#one(['/metrics', '/healthz', '/readyz', '/favicon.ico', '/nothing', git, `${git}/HEAD`]),
        none,
        '',
      ],
      ['POST', '/', Buffer.from('{"method":"supportedmethods","params":[]}'), 'nostr'],
      [this.#one(['OPTIONS', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND']), git, none, ''],
      [
        'GET',
        this.#one([
          '//',
          '/%2e%2e/%2e%2e',
          '/npub1',
          `/prs${git}`,
          '/\u0080\u00ff',
          `http://a.example${git}/info/refs`,
          'http:\u00e2\u0082\u00ac',
          '*',
        ]),
        none,
        '',
      ],
    ]);
    const changed = body.length > 0 && this.#draw(2) === 0 ? this.#bodies.next([body]) : body;
    const zipped = changed.length > 0 && this.#draw(4) === 0;
    const content = zipped ? this.#zipped(changed) : changed;
    const extras = [
      'Accept: application/nostr+json',
      `Git-Protocol: version=${this.#draw(4)}`,
      'Expect: 100-continue',
      'Expect: the unexpected',
      'Authorization: Nostr e30=',
      `X-Forwarded-For: ${'1.2.3.4, '.repeat(this.#draw(50))}x`,
      'Connection: Upgrade\r\nUpgrade: h2c',
      Array.from({ length: 1 + this.#draw(150) }, (_, at) => `X-${at}: ${at}`).join('\r\n'),
      `Cookie: ${'c'.repeat(this.#draw(20_000))}`,
      'Range: bytes=0-0,1-1',
      'Content-Encoding: br',
    ];
    const headers = [
      ...(type === '' ? [] : [`Content-Type: application/x-${type}`]),
      ...(type === 'nostr' ? ['Content-Type: application/nostr+json+rpc'] : []),
      ...(zipped ? ['Content-Encoding: gzip'] : []),
      ...(this.#draw(2) === 0 ? [this.#one(extras)] : []),
    ];
    return { method, path, headers, body: content };
  }

  #zipped(body: Buffer): Buffer {
    const zipped = gzipSync(this.#draw(4) === 0 ? Buffer.alloc(2_000_000) : body);
    return this.#draw(3) === 0 ? zipped.subarray(0, this.#draw(zipped.length)) : zipped;
  }

  /** A body in chunks, some of which say more than they have to. */
  #chunked(body: Buffer): Framed {
    const pieces: string[] = [];
    for (let at = 0; at < body.length; ) {
      const end = Math.min(body.length, at + 1 + this.#draw(60));
      const size = (end - at).toString(16);
      pieces.push(
        `${this.#draw(3) === 0 ? `0${size};x=y` : size}\r\n${body.toString('latin1', at, end)}\r\n`,
      );
      at = end;
    }
    return {
      header: 'Transfer-Encoding: chunked',
      bytes: Buffer.from(`${pieces.join('')}0\r\n\r\n`, 'latin1'),
    };
  }

  /** Two requests of which one hides in the body of the other, if whoever reads them is not careful. */
  #smuggled(parts: Parts): Buffer {
    const hidden = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
    const ways: readonly string[][] = [
      ['Content-Length: 4', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: chunked', 'Content-Length: 4'],
      ['Content-Length: 4', 'Content-Length: 40'],
      ['Transfer-Encoding: xchunked'],
      ['Transfer-Encoding: chunked, identity'],
      ['Content-Length: +4'],
      ['Content-Length: 0x4'],
      ['Transfer-Encoding : chunked'],
      ['Content-Length: 4\n'],
      ['Transfer-Encoding:\u000bchunked'],
    ];
    const head = [
      'POST',
      parts.path.startsWith('/') && !/[^!-~]/.test(parts.path) ? parts.path : '/',
      'HTTP/1.1',
    ].join(' ');
    const lines = [head, 'Host: x', ...this.#one(ways)];
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n0\r\n\r\n${hidden}`, 'latin1');
  }

  #one<T>(some: readonly T[]): T {
    return some[this.#draw(some.length)] as T;
  }

  #draw(below: number): number {
    return randomInteger(this.#random, below);
  }
}

const none = Buffer.alloc(0);

type Framed = { readonly header: string | undefined; readonly bytes: Buffer };

function plain(body: Buffer): Framed {
  return { header: body.length === 0 ? undefined : `Content-Length: ${body.length}`, bytes: body };
}

function written({ method, path, headers, body }: Parts, frame: (body: Buffer) => Framed): Buffer {
  const framed = body.length === 0 ? plain(body) : frame(body);
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close', ...headers];
  if (framed.header !== undefined) lines.push(framed.header);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), framed.bytes]);
}
