import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { errorPkt } from '../../src/git-protocol/advertisement.js';
import { delimiterPkt, flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import type { PushRequest } from '../../src/hosting/receive-service.js';
import { lapsedReason } from '../../src/purgatory/held-event.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { git } from '../git/scratch.js';
import { eventually } from '../support/eventually.js';
import { GitClient } from '../support/git-client.js';
import { commitNoise } from '../support/noise.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { ask, commitHistory, commitTo, gitHttpWorld, npub, openSocket, owner } from './world.js';

let world: Awaited<ReturnType<typeof gitHttpWorld>>;
let commit: string;
/** Takes a push as a test wants it. */
let receive: (push: PushRequest<RepositoryId>, answer: Writable) => Promise<void>;

beforeAll(async () => {
  world = await gitHttpWorld({ receive: { receive: (push, answer) => receive(push, answer) } });
  commit = commitTo(await world.make('r'), 'one');
  const big = await world.make('big');
  commitTo(big, 'one');
  commitNoise(big, 20_000_000);
}, 60_000);
beforeEach(() => {
  receive = async ({ body }, answer) => {
    answer.write(`took ${(await bytesOf(body)).length}`);
  };
});
afterAll(() => world[Symbol.asyncDispose]());

const uploadPath = `/${npub}/r.git/git-upload-pack`;
const receivePath = `/${npub}/r.git/git-receive-pack`;

async function bytesOf(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The request of a whole clone in v0. */
const wanting = (id: string) =>
  Buffer.concat([pktLine(`want ${id} side-band-64k ofs-delta\n`), flushPkt, pktLine('done\n')]);

const v2 = { 'Git-Protocol': 'version=2' };

/** The request of a partial clone in v2. */
const wantingPart = (id: string, filter: string) =>
  Buffer.concat([
    pktLine('command=fetch'),
    delimiterPkt,
    ...[`want ${id}\n`, `filter ${filter}\n`, 'done\n'].map((line) => pktLine(line)),
    flushPkt,
  ]);

const post = (path: string, body: string | Uint8Array, headers = {}) =>
  ask(world.port, 'POST', path, headers, body);

function metric(series: string): Promise<number> {
  return world.registry.metrics().then((text) => {
    const line = text.split('\n').find((line) => line.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  });
}

describe('git-upload-pack', () => {
  it('sends the objects that are asked for', async () => {
    const answer = await post(uploadPath, wanting(commit));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/x-git-upload-pack-result');
    expect(answer.headers['cache-control']).toBe('no-cache');
    expect(answer.body.toString('latin1')).toMatch(/^0008NAK\n[\s\S]*PACK[\s\S]*0000$/);
    expect(
      await metric('ngit_git_requests_total{service="git-upload-pack",step="exchange",outcome="ok"}'),
    ).toBe(1);
  });

  it.each(['gzip', 'x-gzip', 'GZIP'])('takes a body in %s, and one in chunks', async (encoding) => {
    const body = gzipSync(wanting(commit));
    expect(
      (await post(uploadPath, body, { 'Content-Encoding': encoding })).body.toString('latin1'),
    ).toContain('PACK');
    const chunked = await post(uploadPath, body, {
      'Content-Encoding': encoding,
      'Transfer-Encoding': 'chunked',
    });
    expect(chunked.body.toString('latin1')).toContain('PACK');
  });

  it('answers the probe with nothing, in any encoding, and without a process', async () => {
    const started = world.streams.started.length;
    for (const path of [uploadPath, receivePath]) {
      for (const [body, headers] of [
        ['0000', {}],
        ['0000', { 'Transfer-Encoding': 'chunked' }],
        [gzipSync('0000'), { 'Content-Encoding': 'gzip' }],
      ] as const) {
        const answer = await post(path, body, headers);
        expect([answer.status, answer.body.length]).toEqual([200, 0]);
      }
    }
    expect(world.streams.started).toHaveLength(started);
  });

  it.each([
    ['an object that is not there', wanting('7'.repeat(40)), 'not our ref'],
    ['what is no request', 'zzzz and more', 'bad line length'],
    ['half a request', pktLine(`want ${'7'.repeat(40)}\n`), ''],
  ])('answers %s with a line that git shows', async (_, body, why) => {
    const answer = await post(uploadPath, body);
    expect(answer.status).toBe(200);
    expect(answer.body.toString('latin1')).toMatch(/^[0-9a-f]{4}ERR /);
    expect(answer.body.toString('latin1')).toContain(why);
  });

  it.each([
    ['a bomb', 413, gzipSync(Buffer.alloc(limits.gitUploadRequestBytesMax + 1, '0')), 'gzip'],
    [
      'a bomb that begins well',
      413,
      gzipSync(Buffer.concat([flushPkt, Buffer.alloc(2 * limits.gitUploadRequestBytesMax)])),
      'gzip',
    ],
    ['what does not inflate', 400, Buffer.from('no gzip at all'), 'gzip'],
    ['what is cut off inside', 400, gzipSync(wanting('1'.repeat(40))).subarray(0, 40), 'gzip'],
    ['an unknown encoding', 400, Buffer.from('0000'), 'br'],
    ['nothing', 400, Buffer.alloc(0), 'identity'],
  ])('refuses %s with %i', async (_, status, body, encoding) => {
    const answer = await post(uploadPath, body, { 'Content-Encoding': encoding });
    expect(answer.status).toBe(status);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  });

  it('reads to the end of a request what git does not want, and answers', async () => {
    const body = Buffer.concat([wanting(commit), Buffer.alloc(3_000_000, 'x')]);
    const answer = await post(uploadPath, body);
    expect(answer.body.toString('latin1')).toMatch(/PACK[\s\S]*0000$/);
  });

  it('answers nothing before the whole request is here, also where git does', async () => {
    // Git says of a commit that both have as soon as it reads its line.
    const wants = pktLine(`want ${commit} multi_ack_detailed side-band-64k\n`);
    const body = Buffer.concat([wants, flushPkt, pktLine(`have ${commit}\n`)]);
    const end = pktLine('done\n');
    const length = body.length + end.length;
    const head = `POST ${uploadPath} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
    const socket = await openSocket(world.port, Buffer.concat([Buffer.from(head), body]));
    let answered = '';
    socket.on('data', (chunk: Buffer) => {
      answered += chunk.toString('latin1');
    });
    await eventually(() => world.streams.running === 1);
    await sleep(200);
    expect(answered).toBe('');
    socket.write(end);
    await once(socket, 'end');
    expect(answered).toMatch(/^HTTP\/1.1 200 OK[\s\S]*ACK [0-9a-f]{40} common\n[\s\S]*PACK/);
  });

  it('of a body that stops coming is answered, and its process ends', async () => {
    const clock = new VirtualClock();
    await using world = await gitHttpWorld({ clock });
    commitTo(await world.make('r'), 'one');
    const head = `POST ${uploadPath} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n`;
    const socket = await openSocket(world.port, `${head}0032want ${commit}\n`);
    await eventually(() => world.streams.running === 1);
    await clock.advance(limits.gitBodySpanMs);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1.1 408 /);
    await eventually(() => world.streams.running === 0);
    socket.destroy();
  });

  it('ends with its client, in the middle of a request and in the middle of an answer', async () => {
    const head = (path: string, length: number) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
    const half = await openSocket(world.port, `${head(uploadPath, 1000)}0032want ${commit}\n`);
    await eventually(() => world.streams.running === 1);
    half.destroy();
    await eventually(() => world.streams.running === 0);
    const bigHead = git(world.repositories.pathOf({ pubkey: owner, identifier: 'big' }), [
      'rev-parse',
      'main',
    ]);
    const request = wanting(bigHead);
    const reader = await openSocket(world.port, head(`/${npub}/big.git/git-upload-pack`, request.length));
    reader.write(request);
    await once(reader, 'data');
    reader.pause();
    await eventually(() => world.streams.running === 1);
    reader.destroy();
    await eventually(() => world.streams.running === 0);
    await eventually(
      async () =>
        (await metric(
          'ngit_git_requests_total{service="git-upload-pack",step="exchange",outcome="left"}',
        )) === 2,
    );
    expect(world.faults.counts.size).toBe(0);
  });

  it('that names very many objects which are not here keeps git busy for minutes at most', async () => {
    const clock = new VirtualClock();
    await using world = await gitHttpWorld({ clock });
    const { newest, alone } = commitHistory(await world.make('r'), 20_000);
    // Git looks through the whole history again for each.
    const haves = [alone, ...Array.from({ length: 100_000 }, (_, at) => `${at}`.padStart(40, 'f'))];
    const body = Buffer.concat([
      pktLine(`want ${newest} multi_ack_detailed side-band-64k\n`),
      flushPkt,
      ...haves.map((id) => pktLine(`have ${id}\n`)),
      pktLine('done\n'),
    ]);
    const head = `POST ${uploadPath} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
    const socket = await openSocket(world.port, Buffer.concat([Buffer.from(head), body]));
    socket.on('error', () => {});
    let answered = '';
    socket.on('data', (chunk: Buffer) => {
      answered += chunk.toString('latin1');
    });
    await eventually(() => world.streams.running === 1);
    await clock.advance(limits.gitNegotiationMsMax);
    await eventually(() => world.streams.running === 0);
    expect(answered).not.toContain('PACK');
    socket.destroy();
  });

  it('has all the time that a request may take once its objects come', async () => {
    const clock = new VirtualClock();
    await using world = await gitHttpWorld({ clock });
    const request = wanting(commitNoise(await world.make('r'), 20_000_000));
    const head = `POST ${uploadPath} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${request.length}\r\n\r\n`;
    const reader = await openSocket(world.port, Buffer.concat([Buffer.from(head), request]));
    let bytes = 0;
    let hasBegun = false;
    const ended = once(reader, 'end');
    reader.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (hasBegun || bytes < 100_000) return;
      hasBegun = true;
      reader.pause();
    });
    await eventually(() => hasBegun);
    expect(world.streams.running).toBe(1);
    await clock.advance(limits.gitNegotiationMsMax);
    reader.resume();
    await ended;
    expect(bytes).toBeGreaterThan(20_000_000);
  });

  it.each([
    'blob:none',
    'blob:limit=10',
    'object:type=commit',
    'tree:0',
    `tree:${limits.gitFilterTreeDepthMax}`,
  ])('leaves out what a client wants left out by %s', async (filter) => {
    expect((await post(uploadPath, wantingPart(commit, filter), v2)).body.toString('latin1')).toContain(
      'PACK',
    );
  });

  it.each([
    `sparse:oid=${'7'.repeat(40)}`,
    `tree:${limits.gitFilterTreeDepthMax + 1}`,
    'combine:blob:none+tree:0',
  ])('refuses a filter that can cost more than the whole clone: %s', async (filter) => {
    const answer = await post(uploadPath, wantingPart(commit, filter), v2);
    expect(answer.body.toString('latin1')).toMatch(/^.{4}ERR .*(not supported|max depth 4)/);
  });

  it('waits for a slow reader with git, and holds nothing of its answer', async () => {
    const bigHead = git(world.repositories.pathOf({ pubkey: owner, identifier: 'big' }), [
      'rev-parse',
      'main',
    ]);
    const request = wanting(bigHead);
    const head = `POST /${npub}/big.git/git-upload-pack HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${request.length}\r\n\r\n`;
    const reader = await openSocket(world.port, Buffer.concat([Buffer.from(head), request]));
    let bytes = 0;
    const ended = once(reader, 'end');
    reader.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await once(reader, 'data');
    reader.pause();
    await sleep(300);
    expect(world.streams.running).toBe(1);
    reader.resume();
    await ended;
    expect(bytes).toBeGreaterThan(20_000_000);
    await eventually(() => world.streams.running === 0);
  });
});

it('an answer that breaks off does not look whole, and the next request is served', async () => {
  await using world = await gitHttpWorld();
  const gitDir = await world.make('r');
  const request = wanting(commitNoise(gitDir, 20_000_000));
  const head = `POST ${uploadPath} HTTP/1.1\r\nHost: a\r\nContent-Length: ${request.length}\r\n\r\n`;
  const reader = await openSocket(world.port, Buffer.concat([Buffer.from(head), request]));
  reader.on('error', () => {});
  await once(reader, 'data');
  reader.pause();
  world.helper.current().kill();
  let last: Buffer = Buffer.alloc(0);
  reader.on('data', (chunk: Buffer) => {
    last = chunk;
  });
  await new Promise<void>((resolve) => reader.once('close', () => resolve()));
  expect(last.toString('latin1').endsWith('0\r\n\r\n')).toBe(false);
  const answer = await ask(world.port, 'POST', uploadPath, {}, wanting('7'.repeat(40)));
  expect(answer.body.toString('latin1')).toContain('not our ref');
  expect(world.faults.counts.size).toBe(0);
});

describe('a push', () => {
  it('to a repository whose announcement lapsed is told what to publish; nothing else is there', async () => {
    world.lapsed.add('lapsed');
    await using client = await GitClient.init();
    await client.commit('a.txt', 'one');
    const url = `${world.url}/${npub}/lapsed.git`;
    const { code, stderr } = await client.run('push', url, 'main');
    expect(code).not.toBe(0);
    expect(stderr).toContain(`remote error: authorisation failed: ${lapsedReason}`);
    expect(lapsedReason).not.toMatch(/not found|404/);
    const late = await post(`/${npub}/lapsed.git/git-receive-pack`, flushPkt);
    expect([late.status, late.headers['content-type']]).toEqual([
      200,
      'application/x-git-receive-pack-result',
    ]);
    expect(late.body).toEqual(errorPkt(`authorisation failed: ${lapsedReason}`));
    expect((await client.run('ls-remote', url)).stderr).toContain('not found');
  });

  it('is handed on inflated, with what is known of it', async () => {
    let seen: PushRequest<RepositoryId> | undefined;
    receive = async (push, answer) => {
      seen = push;
      answer.write(`took ${(await bytesOf(push.body)).toString('utf8')}`);
    };
    const headers = { 'Content-Encoding': 'gzip' };
    const answer = await post(receivePath, gzipSync('commands and a pack'), headers);
    expect(answer.body.toString('utf8')).toBe('took commands and a pack');
    expect(answer.headers['content-type']).toBe('application/x-git-receive-pack-result');
    expect(seen).toMatchObject({
      repository: { pubkey: owner, identifier: 'r' },
      gitDir: world.repositories.pathOf({ pubkey: owner, identifier: 'r' }),
      addressGroup: 'local',
    });
  });

  it('that is too large is refused: by its length at once, else when it is', async () => {
    expect((await post(receivePath, Buffer.alloc(1_000_001))).status).toBe(413);
    const chunked = await post(receivePath, Buffer.alloc(1_500_000), { 'Transfer-Encoding': 'chunked' });
    expect(chunked.status).toBe(413);
    expect(
      (await post(receivePath, gzipSync(Buffer.alloc(5_000_000)), { 'Content-Encoding': 'gzip' })).status,
    ).toBe(413);
    expect((await post(receivePath, Buffer.alloc(1_000_000))).body.toString('utf8')).toBe('took 1000000');
  });

  it('whose client leaves fails for who takes it', async () => {
    let failed: unknown;
    let isLeft = false;
    receive = async ({ body, signal }) => {
      failed = await bytesOf(body).catch((error: unknown) => error);
      isLeft = signal.aborted;
    };
    const head = `POST ${receivePath} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n`;
    const socket = await openSocket(world.port, `${head}half a push`);
    await sleep(50);
    socket.destroy();
    await eventually(() => failed !== undefined);
    expect(failed).toMatchObject({ status: 400 });
    await eventually(() => isLeft);
  });

  it('is not offered where nobody takes it', async () => {
    await using world = await gitHttpWorld();
    await world.make('r');
    const refs = `/${npub}/r.git/info/refs?service=git-receive-pack`;
    expect((await ask(world.port, 'GET', refs)).status).toBe(404);
    expect((await ask(world.port, 'POST', receivePath, {}, '0000')).status).toBe(404);
  });
});

describe('many requests', () => {
  it('wait for their turn, and are refused above a number with when to come again; probes never are', async () => {
    await using world = await gitHttpWorld({ settings: { uploadsMax: 1, waitingMax: 1 } });
    const commit = commitTo(await world.make('r'), 'one');
    const head = `POST ${uploadPath} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n`;
    const first = await openSocket(world.port, `${head}0032want ${commit}\n`);
    await eventually(() => world.streams.running === 1);
    const second = ask(world.port, 'POST', uploadPath, {}, wanting(commit));
    const waiting = async () => (await world.registry.metrics()).includes('\nngit_git_uploads_waiting 1\n');
    await eventually(waiting);
    const third = await ask(world.port, 'POST', uploadPath, {}, wanting(commit));
    expect(third.status).toBe(503);
    expect(third.headers['retry-after']).toBe(String(limits.gitRetryAfterSeconds));
    expect(third.headers['access-control-allow-origin']).toBe('*');
    expect((await ask(world.port, 'POST', uploadPath, {}, '0000')).status).toBe(200);
    first.destroy();
    expect((await second).body.toString('latin1')).toContain('PACK');
  });

  it('who waits for long is sent the first bytes, once its request is whole', async () => {
    const clock = new VirtualClock();
    await using world = await gitHttpWorld({ clock, settings: { uploadsMax: 1 } });
    const commit = commitTo(await world.make('r'), 'one');
    const head = (length: number) =>
      `POST ${uploadPath} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
    const first = await openSocket(world.port, `${head(1000)}0032want ${commit}\n`);
    await eventually(() => world.streams.running === 1);
    const request = wanting(commit);
    const second = await openSocket(
      world.port,
      Buffer.concat([Buffer.from(head(request.length)), request.subarray(0, -4)]),
    );
    await eventually(async () => (await world.registry.metrics()).includes('\nngit_git_uploads_waiting 1\n'));
    let answered = '';
    second.on('data', (chunk: Buffer) => {
      answered += chunk.toString('latin1');
    });
    await clock.advance(limits.gitSilenceMsMax);
    await sleep(100);
    expect(answered).toBe('');
    second.write(request.subarray(-4));
    await eventually(async () => {
      await clock.advance(limits.gitSilenceMsMax);
      return answered.startsWith('HTTP/1.1 200 OK');
    });
    first.destroy();
    second.destroy();
  });

  it('50 clones at once end, with as many processes as may run', async () => {
    await using world = await gitHttpWorld({ settings: { uploadsMax: 4, waitingMax: 50 } });
    const commit = commitTo(await world.make('r'), 'one');
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(most, world.streams.running);
    }, 1);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ask(world.port, 'POST', uploadPath, {}, wanting(commit))),
    );
    clearInterval(look);
    expect(answers.every(({ body }) => body.includes('PACK'))).toBe(true);
    expect(most).toBeLessThanOrEqual(4);
  });
});

describe('what is refused early', () => {
  it('has its body read, so that the answer arrives, and the connection is used again', async () => {
    const body = Buffer.alloc(2_000_000);
    const head = `POST /${npub}/unknown.git/git-upload-pack HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
    const socket = await openSocket(world.port, Buffer.concat([Buffer.from(head), body]));
    socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString('latin1')).toMatch(/^HTTP\/1.1 404 [\s\S]*HTTP\/1.1 200 /);
  });

  it('with a body without end is answered and closed', async () => {
    const head = `POST /${npub}/unknown.git/git-upload-pack HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n`;
    const socket = await openSocket(world.port, head);
    socket.on('error', () => {});
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const answered = once(socket, 'data');
    const chunk = Buffer.alloc(65_536);
    const pour = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', pour);
    pour();
    expect(String((await answered)[0])).toMatch(/^HTTP\/1.1 404 /);
    await closed;
  });
});
