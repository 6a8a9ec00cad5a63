import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { PostgresServer, postgresObstacle } from '../support/postgres-server.js';
import { type Ended, runCommand } from '../support/run-command.js';
import { TestClient } from '../support/test-client.js';

const obstacle = postgresObstacle();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const owner = testIdentity(1);
const author = testIdentity(2);
const stranger = testIdentity(3);
const spammer = testIdentity(4);
/** A load is no abuse here. */
const unlimited = ['--client-events-per-minute', '0'];

const issue = (of: typeof author, content: string): NostrEvent =>
  signedEvent(of, { kind: 1621, content, tags: [['a', `30617:${owner.pubkey}:project`]] });

describe.skipIf(obstacle !== undefined)('a running node that moves to PostgreSQL', () => {
  let server: PostgresServer;
  let directory = '';
  beforeAll(async () => {
    server = await PostgresServer.start();
    directory = await mkdtemp(join(tmpdir(), 'graspd-move-'));
  }, 60_000);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  /** The events through a pipe, as an operator has them moved; with `through` something that spoils it. */
  function move(to: readonly string[], flags: readonly string[] = [], through = 'cat'): Promise<Ended> {
    const piped = `node=$0; graspd=$1; shift
      "$node" "$graspd" backup --without-git - | ${through} | "$node" "$graspd" restore "$@" -`;
    const args = ['-c', piped, process.execPath, program, ...to, ...flags];
    return new Promise((resolve) => {
      execFile(
        '/bin/sh',
        args,
        { cwd: directory, env: { PATH: process.env.PATH } },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
        },
      );
    });
  }

  it('serves there what it served before, lets in nobody whom it banned, and keeps what waits', {
    timeout: 180_000,
  }, async () => {
    const url = await server.createDatabase('moved');
    const postgres = ['--database-backend', 'postgresql', '--database-url', url];
    const to = [...postgres, '--relay-data-path', 'data/postgresql'];
    expect(await runCommand({ directory }, 'migrate', ...postgres)).toMatchObject({ code: 0 });

    await using git = await GitClient.init();
    await using late = await GitClient.init();
    const awaited = await late.commit('c.txt', 'comes after the move');
    const deleted = issue(author, 'deleted between the passes');
    const spam = issue(spammer, 'taken away between the passes');
    let served: string[];
    let asBefore: readonly string[];
    {
      await using host = await HostingDaemon.start({ directory, flags: unlimited });
      asBefore = ['--domain', `127.0.0.1:${host.daemon.port}`];
      await host.publish(host.announcement(owner, 'project'));
      const commit = await git.commit('a.txt', 'one');
      await host.publish(host.state(owner, 'project', { 'refs/heads/main': commit }));
      await git.ok('remote', 'add', 'origin', host.urlOf(owner, 'project'));
      await git.ok('push', 'origin', 'main');
      await host.publish(deleted);
      await host.publish(spam);

      // One that breaks off leaves nothing that a daemon begins with, and is done again.
      const broken = await move(to, [], 'head -c 4000');
      expect(broken).toMatchObject({ code: 3, stderr: expect.stringContaining('it is cut short') });
      await expect(DaemonProcess.start({ directory, flags: [...to, ...asBefore] })).rejects.toThrow(
        /ended with 3[\s\S]*was broken off: do it again/,
      );

      // The first pass, while a client publishes.
      const stop = new AbortController();
      await using busy = await TestClient.connect(host.daemon.url);
      let published = 0;
      const publishing = (async () => {
        for (; !stop.signal.aborted; published += 1) {
          const { accepted, reason } = await busy.publish(issue(author, `issue ${published}`));
          if (!accepted) throw new Error(reason);
        }
      })();
      const first = await Promise.race([move(to), publishing.then(() => undefined)]);
      expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('is restored') });
      // Bans, deletions and what waits for git data come too, from before the first pass and from between the two.
      await host.publish(signedEvent(author, { kind: 5, tags: [['e', deleted.id]] }));
      expect(await runCommand(host.daemon, 'ban', npubOf(spammer.pubkey))).toMatchObject({ code: 0 });
      await host.publish(host.announcement(stranger, 'waiting'));
      await host.publish(host.state(stranger, 'waiting', { 'refs/heads/main': awaited }));
      stop.abort();
      await publishing;
      served = (await host.client.query({ limit: 5_000 })).map(({ id }) => id).sort();
      expect(served.length).toBeGreaterThan(published);
      // Without --update the second pass takes nothing away.
      expect(await move(to)).toMatchObject({ code: 3, stderr: expect.stringContaining('--update') });
    }

    const second = await move(to, ['--update']);
    expect(second).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\d+ events were added, \d+ removed/),
    });
    {
      await using daemon = await DaemonProcess.start({
        directory,
        flags: [...to, ...asBefore, ...unlimited],
      });
      await using client = await TestClient.connect(daemon.url);
      expect((await client.query({ limit: 5_000 })).map(({ id }) => id).sort()).toEqual(served);
      expect(served).not.toContain(spam.id);
      expect(await client.publish(issue(spammer, 'again'))).toMatchObject({
        accepted: false,
        reason: expect.stringMatching(/^blocked:/),
      });
      expect(await client.publish(deleted)).toMatchObject({ accepted: false });
      // Repositories are where they were; what waits is served when its git data comes.
      const http = `http://127.0.0.1:${daemon.port}`;
      await git.ok('clone', '--quiet', `${http}/${npubOf(owner.pubkey)}/project.git`, 'copy');
      expect(await client.query({ authors: [stranger.pubkey] })).toEqual([]);
      await late.ok('push', `${http}/${npubOf(stranger.pubkey)}/waiting.git`, 'main');
      expect(await client.query({ authors: [stranger.pubkey] })).toHaveLength(2);
    }
    // Now that a daemon has begun there, no pass takes away what came since.
    expect(await move(to, ['--update'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('was not restored from a backup, or a daemon has begun'),
    });
    const doctor = () => runCommand({ directory }, 'doctor', ...to, ...asBefore);
    expect(await doctor()).toMatchObject({ code: 0, stdout: expect.stringMatching(/no faults\n$/) });
    await server.query(
      'DELETE FROM graspd_bodies WHERE sequence = (SELECT max(sequence) FROM graspd_bodies)',
      'moved',
    );
    expect(await doctor()).toMatchObject({ code: 1, stdout: expect.stringMatching(/^missing /) });
  });
});
