import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import { git } from '../git/scratch.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

function run({ daemon }: HostingDaemon, ...args: readonly string[]): Promise<Ended> {
  const all = [program, ...args, '--bind-address', `127.0.0.1:${daemon.port}`];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      all,
      { cwd: daemon.directory, env: { PATH: process.env.PATH } },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

const owner = testIdentity(1);

/** A daemon with a repository to which something was pushed, and an issue. */
async function hosting() {
  const host = await HostingDaemon.start();
  await using client = await GitClient.init();
  await client.ok('remote', 'add', 'origin', host.urlOf(owner, 'project'));
  await host.publish(host.announcement(owner, 'project'));
  const commit = await client.commit('a.txt', 'one');
  await host.publish(host.state(owner, 'project', { 'refs/heads/main': commit }));
  await client.ok('push', 'origin', 'main');
  const tags = [['a', `30617:${owner.pubkey}:project`]];
  await host.publish(signedEvent(owner, { kind: 1621, content: 'an issue', tags }));
  const gitDir = join(host.daemon.directory, 'data/git', npubOf(owner.pubkey), 'project.git');
  return { host, commit, gitDir, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
}

async function stop({ daemon }: HostingDaemon): Promise<void> {
  daemon.kill('SIGTERM');
  await daemon.exited;
}

describe('with a running daemon', () => {
  it('an export says what it says of the same data when the daemon is stopped', {
    timeout: 60_000,
  }, async () => {
    await using world = await hosting();
    const { host } = world;
    const filter = ['--filter', '[{"kinds":[1621]},{"kinds":[30618]}]'];
    const newest = ['--filter', '{"limit":2}'];
    const calls = [[], filter, newest].map((flags) => ['export', ...flags]);
    const live: Ended[] = [];
    for (const call of calls) live.push(await run(host, ...call));
    const [all] = live;
    const events = (all?.stdout ?? '').trim().split('\n');
    expect(events.map((line) => (JSON.parse(line) as NostrEvent).kind)).toEqual([30617, 30618, 1621]);
    expect(all).toMatchObject({ code: 0, stderr: '' });
    await stop(host);
    for (const [at, call] of calls.entries()) expect(await run(host, ...call)).toEqual(live[at]);
  });

  it('the doctor finds what differs, repairs it, and readers have it at once', {
    timeout: 60_000,
  }, async () => {
    await using world = await hosting();
    const { host, gitDir, commit } = world;
    expect(await run(host, 'doctor')).toEqual({ code: 0, stdout: 'no faults\n', stderr: '' });
    git(gitDir, ['update-ref', '-d', 'refs/heads/main']);
    git(gitDir, ['config', '--unset', 'uploadpack.allowFilter']);
    const found = await run(host, 'doctor');
    expect(found).toMatchObject({ code: 1, stdout: expect.stringContaining('create refs/heads/main') });
    expect(found.stdout).toMatch(
      /^unset .*uploadpack\.allowFilter\nmisaligned .*\nfaults: 2, repaired: 0\n$/,
    );
    const fixed = await run(host, 'doctor', '--fix', '--json');
    expect(fixed.code).toBe(0);
    const reports = fixed.stdout.trim().split('\n');
    expect(reports.map((line) => JSON.parse(line))).toMatchObject([
      { isFault: true, outcome: 'repaired', isRepaired: true },
      { isFault: true, outcome: 'repaired', isRepaired: true },
      { faults: 2, repaired: 2 },
    ]);
    await using reader = await GitClient.init();
    expect(await reader.ok('ls-remote', host.urlOf(owner, 'project'), 'main')).toContain(commit);
    await stop(host);
    expect(await run(host, 'doctor')).toMatchObject({ code: 0, stdout: 'no faults\n' });
  });
});
