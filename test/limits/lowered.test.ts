import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { notifyReady } from '../../src/daemon/operator/systemd.js';
import { groupEnd } from '../../src/git/processes/spawn-git.js';
import type { Route } from '../../src/http/route.js';
import { KernelSymbolsError } from '../../src/kernels/errors.js';
import { createWasmKernels } from '../../src/kernels/wasm/kernels.js';
import { scratchFolder } from '../git/scratch.js';
import { plainEvent } from '../relay/fakes.js';
import { serveHttp } from '../support/http-service.js';
import { many } from './entry.js';

// As they are, these would take seconds of waiting, an hour, or gigabytes of memory.
vi.mock(import('../../src/config/limits.js'), async (original) => {
  const { limits: real } = await original();
  const lowered = {
    httpHeadersMsMax: 200,
    httpRequestMsMax: 400,
    httpKeepAliveMs: 200,
    httpTimeCheckMs: 20,
    serviceNotifyMsMax: 200,
    gitKillMs: 200,
    kernelSymbolsMax: 64,
  };
  return { limits: { ...real, ...lowered } as typeof real };
});

const { signal } = new AbortController();

describe('a connection to the port, with short times', () => {
  /** It reads all of a request before it answers. */
  const slow: Route = {
    matches: (path) => path === '/slow',
    methods: ['POST'],
    handle: async ({ message }, response) => void response.end(await text(message)),
  };

  /** What comes back for these bytes until the service ends the connection. */
  async function answerTo(bytes: string): Promise<string> {
    const { service, port } = await serveHttp({ routes: [slow] });
    await using _ = service;
    const socket = connect(port, '127.0.0.1');
    socket.write(bytes);
    return await text(socket);
  }

  it('ends when the headers of its request do not come', async () => {
    expect(await answerTo('GET /healthz HTTP/1.1\r\nHost: a\r\n')).toMatch(/^HTTP\/1.1 408 /);
  });

  it('ends when the rest of its request does not come', async () => {
    const answer = await answerTo('POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx');
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
  });

  it('ends when nothing is asked after an answer', async () => {
    expect(await answerTo('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /);
  });
});

it('systemd is not waited for without end', async () => {
  using folder = scratchFolder();
  const program = join(folder.path, 'systemd-notify');
  writeFileSync(program, '#!/bin/sh\nexec sleep 60\n');
  chmodSync(program, 0o755);
  const environment = { NOTIFY_SOCKET: '/run/notify', PATH: `${folder.path}:/bin:/usr/bin` };
  expect(await notifyReady(environment, signal)).toBe(false);
});

it('a git process that does not end when it is asked to is killed', async () => {
  const script = "trap '' TERM; echo up; while :; do sleep 60; done";
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  using group = groupEnd(child, signal);
  group.end();
  expect(await exit).toEqual([null, 'SIGKILL']);
});

it('a filter that asks for one value more than there may be is refused, and changes nothing', () => {
  using matcher = createWasmKernels().createFilterMatcher();
  const most = limits.kernelSymbolsMax;
  const first = matcher.add({ kinds: many(most - 1, (at) => at) });
  expect(() => matcher.add({ kinds: [most, most + 1] })).toThrow(KernelSymbolsError);
  expect(matcher.size).toBe(1);
  const last = matcher.add({ kinds: [most, 0] });
  expect(() => matcher.add({ authors: ['x'] })).toThrow(KernelSymbolsError);
  expect(matcher.match(plainEvent(1, { kind: 0 })).sort()).toEqual([first, last]);
  matcher.remove(first);
  const author = matcher.add({ authors: [plainEvent(1).pubkey] });
  expect(matcher.match(plainEvent(1, { kind: most })).sort()).toEqual([author, last].sort());
});
