import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { TestClient } from '../support/test-client.js';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graspd-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs the built program to its end, in a folder of its own and with nothing else in its environment. */
async function run(
  args: readonly string[],
  input = '',
  environment: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, NGIT_TEST: '1', ...environment },
  });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, stdout, stderr };
}

/** What the operator is shown: one line with the program's name. */
function expectOneLine({ code, stderr }: Ended, line: string | RegExp): void {
  expect(stderr).toMatch(/^graspd: [^\n]+\n$/);
  expect(stderr).toMatch(line);
  expect(code).toBe(1);
}

describe('what cannot start says so in one line, with exit code 1', () => {
  test.each([
    [['--bind-address', 'x'], "--bind-address takes ip:port, not 'x'"],
    [['--no-such-option'], 'there is no option --no-such-option'],
    [['no-such-command'], "there is no command 'no-such-command'"],
    [['--sync-bootstrap-relay-url', 'http://relay.example'], '--sync-bootstrap-relay-url takes relay URLs'],
    [['--relay-owner-nsec', 'nsec1nope'], '--relay-owner-nsec takes a secret key'],
    [['--config', 'missing.json'], "the config file 'missing.json' cannot be read: ENOENT"],
  ])('%j', async (args, line) => {
    expectOneLine(await run(args), line);
  });

  test('a variable', async () => {
    expectOneLine(
      await run([], '', { NGIT_MAX_CONNECTIONS: 'many' }),
      'NGIT_MAX_CONNECTIONS takes a whole number',
    );
  });

  test('a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    expectOneLine(await run(['--bind-address', `127.0.0.1:${port}`]), String(port));
    server.close();
  });

  test('a store that is broken', async () => {
    const data = join(folder, 'data/relay');
    await mkdir(data, { recursive: true });
    await writeFile(join(data, 'CURRENT'), 'nonsense');
    expectOneLine(await run(['--bind-address', '127.0.0.1:0']), 'data/relay');
  });

  test('a store that another process has open', async () => {
    await using daemon = await DaemonProcess.start();
    const port = await freePort();
    const path = join(daemon.directory, 'data/relay');
    expectOneLine(await run(['--bind-address', `127.0.0.1:${port}`, '--relay-data-path', path]), path);
  });
});

test('help and version need no configuration', async () => {
  const environment = { NGIT_MAX_CONNECTIONS: 'many' };
  expect((await run(['--help'], '', environment)).stdout).toContain('--bind-address IP:PORT');
  expect((await run(['--version'], '', environment)).stdout).toMatch(/^graspd \d/);
});

describe('the end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s is obeyed with exit code 0, also with a client connected',
    async (signal) => {
      await using daemon = await DaemonProcess.start();
      await using client = await TestClient.connect(daemon.url);
      daemon.kill(signal);
      expect(await daemon.exited).toBe(0);
      await eventually(() => client.closed);
    },
  );

  test('the data of one run are there in the next', async () => {
    await using daemon = await DaemonProcess.start();
    const key = await readFile(join(daemon.directory, '.relay-owner.nsec'), 'utf8');
    expect(key).toMatch(/^nsec1[a-z0-9]+\n$/);
  });
});
