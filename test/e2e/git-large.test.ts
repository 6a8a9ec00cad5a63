import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import { npubOf } from '../../src/nostr/keys.js';
import { scratchFolder } from '../git/scratch.js';
import { openSocket } from '../git-http/world.js';
import { testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { commitNoise } from '../support/noise.js';

const owner = testIdentity(1);
const megabyte = 1_000_000;

/** A daemon with a repository of that many bytes. */
async function hostLarge(bytes: number) {
  const hosting = await HostingDaemon.start();
  await hosting.client.publish(hosting.announcement(owner, 'large'));
  const gitDir = join(hosting.daemon.directory, 'data/git', npubOf(owner.pubkey), 'large.git');
  await eventually(() => existsSync(join(gitDir, 'HEAD')));
  return { hosting, gitDir, commit: commitNoise(gitDir, bytes) };
}

/** Resident memory of a process, in bytes. */
function memoryOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** How many processes work on that repository. */
function processesOn(gitDir: string): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(gitDir);
    } catch {
      return false;
    }
  }).length;
}

/** Begins a clone over a socket and reads no more than its first bytes. */
async function beginClone(port: number, commit: string) {
  const request = Buffer.concat([pktLine(`want ${commit} side-band-64k\n`), flushPkt, pktLine('done\n')]);
  const path = `/${npubOf(owner.pubkey)}/large.git/git-upload-pack`;
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${request.length}\r\n\r\n`;
  const socket = await openSocket(port, Buffer.concat([Buffer.from(head), request]));
  socket.on('error', () => {});
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.pause();
  expect(answer.toString('latin1')).toMatch(/^HTTP\/1.1 200 OK/);
  expect(answer.toString('latin1')).not.toContain('ERR');
  return socket;
}

it('a repository of 100 MB is cloned, and read slowly by many, in little memory', async () => {
  const { hosting, commit } = await hostLarge(100 * megabyte);
  await using daemon = hosting;
  using folder = scratchFolder();
  const { port, pid } = daemon.daemon;
  const clone = (name: string) =>
    promisify(execFile)(
      'git',
      ['clone', '-q', '--bare', daemon.urlOf(owner, 'large'), join(folder.path, name)],
      {
        env: { PATH: process.env.PATH, HOME: folder.path, GIT_CONFIG_NOSYSTEM: '1' },
      },
    );
  // What a process takes once for whatever it does is here afterwards.
  await clone('warm');
  const readers = [await beginClone(port, commit)];
  const before = memoryOf(pid);
  let most = before;
  const look = setInterval(() => {
    most = Math.max(most, memoryOf(pid));
  }, 20);
  for (let more = 0; more < 5; more += 1) readers.push(await beginClone(port, commit));
  await clone('one');
  clearInterval(look);
  expect(most - before).toBeLessThan(50 * megabyte);
  for (const reader of readers) reader.destroy();
}, 120_000);

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'a daemon that is ended by %s leaves no git behind',
  async (signal) => {
    const { hosting, gitDir, commit } = await hostLarge(30 * megabyte);
    await using daemon = hosting;
    const reader = await beginClone(daemon.daemon.port, commit);
    await eventually(() => processesOn(gitDir) > 0);
    daemon.daemon.kill(signal);
    await daemon.daemon.exited;
    await eventually(() => processesOn(gitDir) === 0);
    reader.destroy();
  },
  60_000,
);
