import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askDaemon } from '../../src/control/control-client.js';
import { controlSocketPath } from '../../src/control/control-socket.js';
import type { BanEntry, BanReport, StatusReport } from '../../src/control/reports.js';
import { systemClock } from '../../src/lib/clock.js';
import { npubOf } from '../../src/nostr/keys.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { event, foreign, key } from '../policy/world.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { jsonLines, runCommand as run } from '../support/run-command.js';
import { TestClient } from '../support/test-client.js';

const [owner, reader] = [testIdentity(1), testIdentity(2)];

describe('an author with a repository who is banned', () => {
  it('is gone from the running daemon, and after a restart, until the ban is lifted', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'graspd-bans-'));
    try {
      await using git = await GitClient.init();
      const gitDir = join(directory, 'data', 'git', npubOf(owner.pubkey), 'project.git');
      const isClosed = () => existsSync(join(gitDir, 'graspd-closed'));
      let port: number;
      let events: Awaited<ReturnType<typeof publishAll>>;
      {
        await using host = await HostingDaemon.start({ directory });
        port = host.daemon.port;
        events = await publishAll(host, git);
        for (const nobody of ['nobody', '127.0.0.1'])
          expect(await run(host.daemon, 'ban', nobody)).toMatchObject({ code: 2, stdout: '' });
        const banned = await run(host.daemon, 'ban', npubOf(owner.pubkey), '--reason', 'spam', '--json');
        expect(jsonLines<BanReport>(banned)).toEqual([
          { type: 'pubkey', value: owner.pubkey, events: 2, removed: 2, isDone: true },
        ]);
        expect(await host.served({})).toEqual([events.other.id]);
        expect((await git.run('ls-remote', 'origin')).code).not.toBe(0);
        await eventually(isClosed);
        const [status] = jsonLines<StatusReport>(await run(host.daemon, 'status', '--json'));
        expect(status?.moderation).toMatchObject({ bannedPubkeys: 1, bannedEvents: 0 });
        expect((await run(host.daemon, 'status')).stdout).toContain('1 authors and 0 events banned');
      }
      await using host = await HostingDaemon.start({ directory, port });
      expect(await host.served({})).toEqual([events.other.id]);
      const again = await host.client.publish(events.announcement);
      expect(again).toEqual({ accepted: false, reason: 'blocked: the author is banned from this relay' });
      expect((await git.run('push', 'origin', 'main')).code).not.toBe(0);
      const [entry] = jsonLines<BanEntry>(await run(host.daemon, 'bans', '--json'));
      expect(entry).toMatchObject({ type: 'pubkey', value: owner.pubkey, reason: 'spam' });
      expect((await run(host.daemon, 'bans')).stdout).toContain(npubOf(owner.pubkey));

      expect((await run(host.daemon, 'unban', npubOf(owner.pubkey))).code).toBe(0);
      expect((await run(host.daemon, 'unban', npubOf(owner.pubkey))).code).toBe(1);
      await host.publish(events.announcement);
      await host.publish(events.state);
      // The git data is still there.
      await eventually(async () => (await git.run('ls-remote', 'origin')).stdout.includes('refs/heads/main'));
      await eventually(() => !isClosed());
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }, 120_000);

  it('is gone after a kill in the middle of the taking away, too', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'graspd-bans-'));
    try {
      const count = 20_000;
      const path = join(directory, 'data', 'relay');
      const { store } = await openLevelStore({ path, clock: systemClock, durability: 'system' });
      store.put(foreign(key(2), 'other'));
      for (let number = 0; number < count; number += 1)
        store.put(event(key(1), 1111, [], { content: `${number}` }));
      await store[Symbol.asyncDispose]();
      {
        await using daemon = await DaemonProcess.start({ directory, flags: ['--archive-all'] });
        await eventually(() => existsSync(join(path, 'control.sock')));
        const body = { targets: [{ type: 'pubkey', value: key(1) }], reason: '' };
        const ask = askDaemon(
          controlSocketPath(path),
          { path: '/ban', body },
          new AbortController().signal,
        ) as AsyncGenerator<BanReport>;
        for await (const { removed, isDone } of ask) {
          expect(isDone).toBe(false);
          if (removed > 0) break;
        }
        daemon.kill('SIGKILL');
        await daemon.exited;
      }
      const opened = await openLevelStore({ path, clock: systemClock });
      const left = opened.store.count([{ authors: [key(1)] }]);
      await opened.store[Symbol.asyncDispose]();
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThan(count);
      await using daemon = await DaemonProcess.start({ directory, flags: ['--archive-all'] });
      await using client = await TestClient.connect(daemon.url);
      await eventually(async () => (await client.count({ authors: [key(1)] })) === 0);
      expect(await client.count({})).toBe(1);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }, 120_000);
});

describe('graspd delete', () => {
  it('deletes by filter, by id and by author, and only what is meant', async () => {
    await using daemon = await DaemonProcess.start({ flags: ['--archive-all'] });
    await using client = await TestClient.connect(daemon.url);
    const announced = signedEvent(owner, { kind: 30617, tags: [['d', 'project']] });
    const about = { tags: [['a', `30617:${owner.pubkey}:project`]] };
    const issue = signedEvent(reader, { kind: 1621, content: 'an issue', ...about });
    const comments = [1, 2].map((number) =>
      signedEvent(reader, { kind: 1111, content: `${number}`, ...about }),
    );
    for (const each of [announced, issue, ...comments])
      expect(await client.publish(each)).toMatchObject({ accepted: true });
    const byFilter = ['delete', '--filter', '{"kinds":[1111]}'];
    const unasked = await run(daemon, ...byFilter);
    expect(unasked).toMatchObject({ code: 2, stdout: '' });
    expect(unasked.stderr).toContain('would delete 2 events; give --yes');
    expect(await client.count({})).toBe(4);
    const wrong = [
      ['delete'],
      ['delete', '--yes', '--filter', '{}'],
      ['delete', '--yes', '--filter', '{"kinds":[1111],"limit":1}'],
      ['delete', '--yes', issue.id, '--author', npubOf(reader.pubkey)],
      ['delete', '--yes', 'note1nothing'],
    ];
    for (const ended of await Promise.all(wrong.map((args) => run(daemon, ...args))))
      expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(await run(daemon, ...byFilter, '--yes')).toMatchObject({ code: 0, stdout: '2 events deleted\n' });
    expect(await client.count({})).toBe(2);
    expect(jsonLines(await run(daemon, 'delete', issue.id, '--yes', '--ban', '--json'))).toEqual([
      { removed: 1 },
    ]);
    expect(await client.publish(issue)).toMatchObject({ accepted: false });
    expect(await client.publish(comments[0]!)).toMatchObject({ accepted: true });
    const byAuthor = await run(daemon, 'delete', '--author', npubOf(reader.pubkey), '--yes');
    expect(byAuthor.stdout).toBe('1 events deleted\n');
    expect((await client.query({})).map(({ id }) => id)).toEqual([announced.id]);
    expect((await run(daemon, 'delete', '--yes', key(3))).stdout).toBe('0 events deleted\n');
  }, 120_000);
});

/** A repository with a first commit, and an announcement of somebody else. */
async function publishAll(host: HostingDaemon, git: GitClient) {
  const announcement = host.announcement(owner, 'project');
  await git.ok('remote', 'add', 'origin', host.urlOf(owner, 'project'));
  await host.publish(announcement);
  const first = await git.commit('README.md', 'hello');
  const state = host.state(owner, 'project', { 'refs/heads/main': first });
  await host.publish(state);
  await git.ok('push', 'origin', 'main');
  const other = signedEvent(reader, {
    kind: 1621,
    content: 'an issue',
    tags: [['a', `30617:${owner.pubkey}:project`]],
  });
  await host.publish(other);
  expect(await host.served({})).toHaveLength(3);
  return { announcement, state, other };
}
