import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { TestClient } from '../support/test-client.js';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

let daemon: DaemonProcess;
beforeAll(async () => {
  daemon = await DaemonProcess.start({
    flags: ['--archive-all', '--client-events-per-minute', '0'],
  });
  await using client = await TestClient.connect(daemon.url);
  const announcement = signedEvent(testIdentity(1), {
    kind: 30617,
    tags: [
      ['d', 'project'],
      ['clone', 'https://git.example.org/project.git'],
      ['relays', 'wss://relay.example.org'],
    ],
  });
  const address = `30617:${announcement.pubkey}:project`;
  await client.publish(announcement);
  // More than the buffers of a socket hold.
  const issues = Array.from({ length: 40 }, (_, number) =>
    signedEvent(testIdentity(2), {
      kind: 1621,
      content: `${number} ${'x'.repeat(100_000)}`,
      tags: [['a', address]],
    }),
  );
  const answers = await Promise.all(issues.map((issue) => client.publish(issue)));
  expect(answers.every(({ accepted }) => accepted)).toBe(true);
}, 60_000);
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
});

function run(...args: readonly string[]): Promise<Ended> {
  return execute(process.execPath, [program, ...args]);
}

function execute(command: string, args: readonly string[]): Promise<Ended> {
  const options = { cwd: daemon.directory, env: { PATH: process.env.PATH }, maxBuffer: 2 ** 26 };
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** Asks for a backup and reads no more than a client that stops does. */
async function stalledBackup() {
  const socketPath = join(daemon.directory, 'data/relay/control.sock');
  const asked = request({ socketPath, path: '/backup' });
  asked.on('error', () => {});
  asked.end();
  const [response] = await once(asked, 'response');
  response.pause();
  return { [Symbol.dispose]: () => void asked.destroy() };
}

const leftAside = () => readdir(join(daemon.directory, 'data/git/.graspd'));

describe('graspd backup', () => {
  it('writes a file that restore and tar read, and replaces one only when told to', async () => {
    const taken = await run('backup', 'a.tar');
    expect(taken).toMatchObject({ code: 0, stderr: '' });
    expect(taken.stdout).toMatch(/^a\.tar: 41 events and 1 repositories as of 20.*, 4\.\d MB\n$/);
    const checked = await run('restore', '--check', '--json', 'a.tar');
    expect(checked.code).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject({ events: 41, repositories: 1 });
    expect((await execute('tar', ['-tf', 'a.tar'])).stdout).toMatch(
      /^manifest\.json\nevents\/000001\.jsonl\n/,
    );
    expect(await run('backup', 'a.tar')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--force'),
    });
    expect(await run('backup', '--force', 'a.tar')).toMatchObject({ code: 0 });
    expect(daemon.log.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['backup begins', 'backup given']),
    );
  });

  it('goes through a pipe, and comes back from one', async () => {
    const piped = `"$0" "$1" backup - | gzip > b.tar.gz && gzip -dc b.tar.gz | "$0" "$1" restore --check -`;
    expect(await execute('/bin/sh', ['-c', piped, process.execPath, program])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/is whole: 41 events/),
      stderr: expect.stringMatching(/^-: 41 events/),
    });
  });

  it('leaves no file where it cannot be written, as on a full disk, and says so with exit code 3', async () => {
    const full = 'ulimit -f 1000; exec "$0" "$1" backup full.tar';
    expect(await execute('/bin/sh', ['-c', full, process.execPath, program])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^graspd: .*full\.tar cannot be written: .*\n$/),
    });
    expect(await run('backup', 'no/such/folder.tar')).toMatchObject({ code: 3 });
    expect((await readdir(daemon.directory)).filter((name) => name.startsWith('full'))).toEqual([]);
    await eventually(async () => (await leftAside()).length === 0);
  });

  it('is taken by one at a time, and an end of the command lets go of all', async () => {
    {
      using _ = await stalledBackup();
      expect(await leftAside()).toHaveLength(1);
      expect(await run('backup', 'second.tar')).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('another backup is being taken'),
      });
      expect(await readdir(daemon.directory)).not.toContain('second.tar.part');
      // The part of the one that is taken is not there for the taking.
      await writeFile(join(daemon.directory, 'third.tar.part'), 'of another');
      expect(await run('backup', 'third.tar')).toMatchObject({ code: 4 });
      expect(await readFile(join(daemon.directory, 'third.tar.part'), 'utf8')).toBe('of another');
    }
    await eventually(async () => (await leftAside()).length === 0);
    expect(await run('backup', 'third.tar')).toMatchObject({ code: 0 });
  });

  it('is ended by SIGINT without a trace', async () => {
    const child = spawn(
      '/bin/sh',
      ['-c', '"$0" "$1" backup - | sleep 60', process.execPath, program],
      // A group of its own, to end both.
      { cwd: daemon.directory, env: { PATH: process.env.PATH }, detached: true, stdio: 'ignore' },
    );
    await eventually(async () => (await leftAside()).length === 1);
    process.kill(-child.pid!, 'SIGINT');
    await once(child, 'exit');
    await eventually(async () => (await leftAside()).length === 0);
  });

  it('that a stop of the daemon ends is no backup; where no daemon runs the files are read', async () => {
    const ended = await (async () => {
      using _ = await stalledBackup();
      daemon.kill('SIGTERM');
      return await daemon.exited;
    })();
    expect(ended).toBe(0);
    const taken = await run('backup', 'stopped.tar', '--json');
    expect(taken.code).toBe(0);
    expect(JSON.parse(taken.stdout)).toMatchObject({ events: 41, repositories: 1 });
    const bytes = await readFile(join(daemon.directory, 'stopped.tar'));
    await writeFile(join(daemon.directory, 'cut.tar'), bytes.subarray(0, bytes.length / 2));
    const elsewhere = ['--relay-data-path', 'new/relay', '--git-data-path', 'new/git'];
    expect(await run('restore', 'cut.tar', ...elsewhere)).toMatchObject({
      code: 3,
      stderr: 'graspd: the backup cannot be used: it is cut short\n',
    });
    expect(await run('restore', 'stopped.tar')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('is not empty'),
    });
    expect(await run('restore', 'stopped.tar', ...elsewhere)).toMatchObject({ code: 0, stderr: '' });
    expect(await run('doctor', '--archive-all', ...elsewhere)).toMatchObject({ code: 0 });
    expect(await run('backup', 'x.tar', '--relay-data-path', 'none')).toMatchObject({ code: 2 });
  });
});
