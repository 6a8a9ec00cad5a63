import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { TestClient } from '../support/test-client.js';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graspd-backup-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a command of the program in a folder, as an operator would. */
function run(cwd: string, ...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { cwd, env: { PATH: process.env.PATH } },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

/** The flags with which a daemon of another address finds what was announced for the first. */
const asBefore = ({ daemon }: HostingDaemon): string[] => ['--domain', `127.0.0.1:${daemon.port}`];

/** A load is no abuse here. */
const unlimited = ['--client-events-per-minute', '0'];

const owner = testIdentity(1);
const author = testIdentity(2);
const stranger = testIdentity(3);

describe('a backup', () => {
  it('taken under load restores to what was acknowledged when it began', { timeout: 180_000 }, async () => {
    const file = join(folder, 'backup.tar');
    const home = join(folder, 'home');
    let acknowledged: NostrEvent[] = [];
    let stateThen: NostrEvent;
    let deleted: NostrEvent;
    let flags: string[];
    await using late = await GitClient.init();
    const awaited = await late.commit('c.txt', 'comes after the restore');
    {
      await using host = await HostingDaemon.start({ flags: unlimited });
      flags = asBefore(host);
      await using git = await GitClient.init();
      await git.ok('remote', 'add', 'origin', host.urlOf(owner, 'project'));
      const announcement = host.announcement(owner, 'project');
      await host.publish(announcement);
      const first = await git.commit('a.txt', 'one');
      const states = [host.state(owner, 'project', { 'refs/heads/main': first })];
      await host.publish(states[0]!);
      await git.ok('push', 'origin', 'main');
      // One event that is deleted, and a repository that waits for its first push.
      const issue = (content: string): NostrEvent =>
        signedEvent(author, {
          kind: 1621,
          content,
          tags: [['a', `30617:${owner.pubkey}:project`]],
        });
      deleted = issue('deleted');
      await host.publish(deleted);
      const deletion = signedEvent(author, { kind: 5, tags: [['e', deleted.id]] });
      await host.publish(deletion);
      await host.publish(host.announcement(stranger, 'waiting'));
      await host.publish(host.state(stranger, 'waiting', { 'refs/heads/main': awaited }));

      // The load: issues without a pause, and pushes.
      const stop = new AbortController();
      const published: NostrEvent[] = [announcement, deletion];
      await using busy = await TestClient.connect(host.daemon.url);
      const publishing = (async () => {
        for (let number = 0; !stop.signal.aborted; number += 1) {
          const event = issue(`issue ${number}`);
          const { accepted, reason } = await busy.publish(event);
          if (!accepted) throw new Error(reason);
          published.push(event);
        }
      })();
      const pushing = (async () => {
        for (let number = 0; !stop.signal.aborted; number += 1) {
          const commit = await git.commit('b.txt', `push ${number}`);
          const state = host.state(owner, 'project', { 'refs/heads/main': commit });
          await host.publish(state);
          await git.ok('push', 'origin', 'main');
          states.push(state);
        }
      })();
      // Whoever of them fails first says why.
      const load = Promise.all([publishing, pushing]);
      const isUnderWay = async (): Promise<void> => {
        while (published.length < 100 || states.length < 3) await new Promise((done) => setTimeout(done, 20));
      };
      await Promise.race([load, isUnderWay()]);
      acknowledged = [...published];
      stateThen = states.at(-1)!;
      const taken = await run(host.daemon.directory, 'backup', file, '--json');
      expect(taken).toMatchObject({ code: 0, stderr: '' });
      const report = JSON.parse(taken.stdout);
      expect(report.events).toBeGreaterThanOrEqual(acknowledged.length + 1);
      expect(report).toMatchObject({ repositories: 2, damagedEvents: 0, unreadableRepositories: 0 });
      expect(published.length).toBeGreaterThan(acknowledged.length);
      stop.abort();
      await load;
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      host.daemon.kill('SIGKILL');
    }
    expect(await readdir(folder)).toEqual(['backup.tar']);

    const places = ['--relay-data-path', join(home, 'relay'), '--git-data-path', join(home, 'git')];
    expect(await run(folder, 'restore', file, '--check')).toMatchObject({ code: 0, stderr: '' });
    expect(await run(folder, 'restore', file, ...places)).toMatchObject({ code: 0, stderr: '' });
    await using restored = await DaemonProcess.start({ flags: [...flags, ...places] });
    await using client = await TestClient.connect(restored.url);
    const ids = new Set((await client.query({ limit: 5_000 })).map(({ id }) => id));
    expect(acknowledged.filter(({ id }) => !ids.has(id))).toEqual([]);
    expect(ids.has(deleted.id)).toBe(false);
    expect(await client.publish(deleted)).toMatchObject({ accepted: false });
    // A push that came after the moment may have brought what a held state waits for: it is stored now, and its refs are set.
    await using reader = await GitClient.init();
    const url = `http://127.0.0.1:${restored.port}/${npubOf(owner.pubkey)}/project.git`;
    await eventually(async () => {
      const [state] = await client.query({ kinds: [30618], authors: [owner.pubkey] });
      if (state === undefined || state.created_at < stateThen.created_at) return false;
      const main = state.tags.find(([name]) => name === 'refs/heads/main')?.[1];
      return (await reader.ok('ls-remote', url)) === `${main}\tHEAD\n${main}\trefs/heads/main`;
    });
    await reader.ok('clone', '--quiet', url, 'copy');
    const bare = join(home, 'git', npubOf(owner.pubkey), 'project.git');
    expect(await reader.run('-C', bare, 'fsck', '--full', '--strict')).toMatchObject({ code: 0 });
    // What waits for git data waits still, and is served when that comes.
    expect(await client.query({ authors: [stranger.pubkey] })).toEqual([]);
    const waiting = `http://127.0.0.1:${restored.port}/${npubOf(stranger.pubkey)}/waiting.git`;
    await late.ok('push', waiting, 'main');
    expect(await client.query({ authors: [stranger.pubkey] })).toHaveLength(2);
    restored.kill('SIGTERM');
    await restored.exited;
    const doctor = await run(folder, 'doctor', ...flags, ...places);
    expect(doctor).toMatchObject({ code: 0, stdout: expect.stringMatching(/no faults\n$/) });
  });
});
