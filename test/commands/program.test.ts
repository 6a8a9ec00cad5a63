import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeScenario } from '../../src/commands/demo/scenario.js';
import { eventJson, type NostrEvent } from '../../src/nostr/event.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { TestClient } from '../support/test-client.js';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

let folder: string;
const running = new Set<ChildProcess>();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graspd-test-'));
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Starts the built program in a folder of its own and with nothing else in its environment. */
function start(
  args: readonly string[],
  environment: Record<string, string> = {},
): ChildProcessWithoutNullStreams {
  const env = { PATH: process.env.PATH, HOME: folder, NGIT_TEST: '1', ...environment };
  const child = spawn(process.execPath, [program, ...args], { cwd: folder, env });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, stdout, stderr };
}

/** Runs the built program to its end. */
async function run(args: readonly string[], input = '', environment = {}): Promise<Ended> {
  const child = start(args, environment);
  child.stdin.end(input);
  return await ended(child);
}

/** What the operator is shown: one line with the program's name. */
function expectOneLine({ code, stderr }: Ended, line: string | RegExp, expectedCode = 2): void {
  expect(stderr).toMatch(/^graspd: [^\n]+\n$/);
  expect(stderr).toMatch(line);
  expect(code).toBe(expectedCode);
}

describe('what cannot start says so in one line, with the exit code of its class', () => {
  test.each([
    [['--bind-address', 'x'], "--bind-address takes ip:port, not 'x'"],
    [['--no-such-option'], 'there is no option --no-such-option'],
    [['no-such-command'], "there is no command 'no-such-command'"],
    [['--sync-bootstrap-relay-url', 'http://relay.example'], '--sync-bootstrap-relay-url takes relay URLs'],
    [['--relay-owner-nsec', 'nsec1nope'], '--relay-owner-nsec takes a secret key'],
    [['import', 'missing.jsonl'], 'ENOENT'],
    [['import', '--database-backend=memory', '-'], 'import takes a store that stays'],
    [
      ['export', '--relay-data-path=mistyped'],
      /export takes a store that exists; there is none at .*mistyped/,
    ],
    [
      ['doctor', '--relay-data-path=mistyped'],
      /doctor takes a store that exists; there is none at .*mistyped/,
    ],
    [['--config', 'missing.json'], "the config file 'missing.json' cannot be read: ENOENT"],
  ])('%j', async (args, line) => {
    expectOneLine(await run(args), line);
    expect(existsSync(join(folder, 'mistyped'))).toBe(false);
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
    expectOneLine(await run(['--bind-address', `127.0.0.1:${port}`]), String(port), 4);
    server.close();
  });

  test('a store that is broken', async () => {
    await using daemon = await DaemonProcess.start({ directory: folder });
    daemon.kill('SIGTERM');
    await daemon.exited;
    const files = await readdir(join(folder, 'data/relay'), { recursive: true });
    const current = files.filter((file) => basename(file) === 'CURRENT');
    expect(current).toHaveLength(1);
    await writeFile(join(folder, 'data/relay', current[0] ?? ''), 'nonsense');
    expectOneLine(await run(['--bind-address', '127.0.0.1:0']), 'data/relay cannot be read', 3);
  });

  test('a store that another process has open', async () => {
    await using daemon = await DaemonProcess.start();
    const port = await freePort();
    const path = join(daemon.directory, 'data/relay');
    expectOneLine(await run(['--bind-address', `127.0.0.1:${port}`, '--relay-data-path', path]), path, 3);
  });
});

test('the start, its end and why are logged', async () => {
  await using daemon = await DaemonProcess.start();
  await eventually(() => daemon.log.some(({ msg }) => msg === 'started'));
  daemon.kill('SIGTERM');
  expect(await daemon.exited).toBe(0);
  expect(daemon.log.slice(-2)).toMatchObject([
    { msg: 'stopping', why: 'stopped by SIGTERM' },
    { msg: 'stopped' },
  ]);
});

test('what is set, where, and what is wrong with it, can be checked without a start', async () => {
  await writeFile(join(folder, 'graspd.json'), '{"metrics-enabled": false}');
  const environment = {
    NGIT_RELAY_OWNER_NSEC: testIdentity(1).toNsec(),
    NGIT_RELAY_NMAE: 'x',
    NGIT_TEST: '',
  };
  const args = ['check-config', '--config', 'graspd.json', '--log-level=warn'];
  const right = await run(args, '', environment);
  expect(right.stdout.split('\n')).toEqual([
    'relay-owner-nsec = (secret)  [NGIT_RELAY_OWNER_NSEC]',
    "metrics-enabled = false  [the config file 'graspd.json']",
    'log-level = warn  [flag]',
    '',
  ]);
  expect(right).toMatchObject({
    code: 0,
    stderr: 'warning: NGIT_RELAY_NMAE is no setting; NGIT_RELAY_NAME is one\n',
  });
  expect(existsSync(join(folder, 'data'))).toBe(false);
  expectOneLine(await run([...args, '--archive-read-only']), '--archive-read-only takes one of');
});

test('settings are read from .env, and a misspelt one is told of', async () => {
  await writeFile(join(folder, '.env'), 'NGIT_RELAY_NAME=Of the file\n');
  const environment = { NGIT_RELAY_DISCRIPTION: 'x' };
  await using daemon = await DaemonProcess.start({ directory: folder, environment });
  const answer = await fetch(`http://127.0.0.1:${daemon.port}/`, {
    headers: { accept: 'application/nostr+json' },
  });
  expect(await answer.json()).toMatchObject({ name: 'Of the file' });
  const meant = { variable: 'NGIT_RELAY_DISCRIPTION', meant: 'NGIT_RELAY_DESCRIPTION', level: 'warn' };
  expect(daemon.log).toContainEqual(expect.objectContaining(meant));
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

  test('a command that is told to end says that it is not done', async () => {
    const child = start(['import', '-']);
    await eventually(() => existsSync(join(folder, 'data/relay')));
    child.kill('SIGTERM');
    expectOneLine(await ended(child), 'stopped before it was done', 1);
  });
});

/** Events about repositories that three services host; the first of those is `127.0.0.1:1`. */
function sampleEvents(): NostrEvent[] {
  const services = ['a', 'b', 'c'].map((name, index) => ({ name, domain: `127.0.0.1:${index + 1}` }));
  const { live } = makeScenario(services.slice(0, 2), services, 1_700_000_000);
  return live.slice(0, -1).flatMap((stage) => stage.map(({ event }) => event));
}

/** An announcement that lists no service at all. */
function strangeAnnouncement(): NostrEvent {
  const services = ['a', 'b'].map((name) => ({ name, domain: 'elsewhere.example' }));
  return makeScenario(services, [], 1_700_000_000).history.flat()[0]?.event as NostrEvent;
}

test('an import takes events in any order, tells what it refused, and knows them the second time', async () => {
  const lines = sampleEvents().map(eventJson).reverse();
  await writeFile(join(folder, 'events.jsonl'), [...lines, eventJson(strangeAnnouncement())].join('\n'));
  const first = await run(['import', '--domain=127.0.0.1:1', 'events.jsonl']);
  expect(first.stdout).toMatch(
    `${lines.length} stored, 0 known or superseded, 1 refused, 0 lines that are no event\n  1 × `,
  );
  expect(first.code).toBe(0);
  const second = await run(['import', '--domain=127.0.0.1:1', '-'], `${lines.join('\n')}\nnonsense\n`);
  expect(second.stdout).toBe(
    `0 stored, ${lines.length} known or superseded, 0 refused, 1 lines that are no event\n`,
  );
  expect(second.code).toBe(1);
});

test('an import ends when the repositories are what the events say, and says nothing beside', async () => {
  const service = '127.0.0.1:1';
  const events = Array.from({ length: 40 }, (_, at) =>
    signedEvent(testIdentity(at), {
      kind: 30_617,
      tags: [
        ['d', `repo-${at}`],
        ['clone', `http://${service}/npub/repo-${at}.git`],
        ['relays', `ws://${service}`],
      ],
    }),
  );
  // Quotas do not bind the operator.
  const flags = [`--domain=${service}`, '--repositories=1', '--key-repositories=1'];
  const imported = await run(['import', ...flags, '-'], events.map(eventJson).join('\n'));
  expect(imported).toEqual({
    code: 0,
    stdout: '40 stored, 0 known or superseded, 0 refused, 0 lines that are no event\n',
    stderr: '',
  });
  expect(await run(['doctor', `--domain=${service}`])).toMatchObject({ code: 0, stdout: 'no faults\n' });
});

test('an import on a full disk says so, and is not done', async () => {
  const flags = ['--domain=127.0.0.1:1', '--disk-floor-mb=10000000'];
  const { code, stdout, stderr } = await run(
    ['import', ...flags, '-'],
    sampleEvents().map(eventJson).join('\n'),
  );
  expect(stdout).toContain(' × error: the disk of this relay is full');
  expect(stderr).toContain('disk is full');
  expect(code).toBe(1);
});

test('an import without git ends too, and says what is left', async () => {
  const event = signedEvent(testIdentity(1), {
    kind: 30_617,
    tags: [
      ['d', 'repo'],
      ['clone', 'http://127.0.0.1:1/npub/repo.git'],
      ['relays', 'ws://127.0.0.1:1'],
    ],
  });
  const { code, stdout, stderr } = await run(['import', '--domain=127.0.0.1:1', '-'], eventJson(event), {
    PATH: folder,
  });
  expect(stdout).toContain('1 repositories could not be aligned; the daemon tries again\n');
  expect(stderr).toContain('git cannot be used');
  expect(code).toBe(1);
});

test('an export writes what was imported, or what matches a filter', async () => {
  const lines = sampleEvents().map(eventJson);
  await run(['import', '--domain=127.0.0.1:1', '-'], lines.join('\n'));
  const all = await run(['export']);
  expect(all.stdout.trim().split('\n').sort()).toEqual(lines.sort());
  const issue = await run(['export', '--filter', '{"kinds":[1621],"limit":1}']);
  expect(JSON.parse(issue.stdout)).toMatchObject({ kind: 1621 });
  expectOneLine(await run(['export', '--filter', '{"kinds":"x"}']), '--filter takes a NIP-01 filter as JSON');
});

test('the demonstration ends in agreement', async () => {
  const { code, stdout, stderr } = await run(['demo']);
  // On a slow machine it tells how far it is.
  expect(stderr.split('\n').filter((line) => !/^\w+: (catch-up|live) \d+%/.test(line))).toEqual(['']);
  expect(stdout).toContain('All three relays hold the same events.');
  expect(code).toBe(0);
});

test('the key of the relay owner is made at the first start', async () => {
  await using daemon = await DaemonProcess.start();
  const key = await readFile(join(daemon.directory, '.relay-owner.nsec'), 'utf8');
  expect(key).toMatch(/^nsec1[a-z0-9]+\n$/);
});
