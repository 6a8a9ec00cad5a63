import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { testIdentity } from '../support/events.js';
import { GitClient } from '../support/git-client.js';
import { HostingDaemon } from '../support/hosting-daemon.js';
import { runCommand } from '../support/run-command.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graspd-modes-'));
  await mkdir(join(directory, 'temporary'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** What lies below the folder, with its permissions in octal digits. */
async function modesBelow(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const modes = new Map<string, string>();
  for (const { parentPath, name } of entries) {
    const path = join(parentPath, name);
    // Some come and go, as those of the database do.
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) modes.set(relative(folder, path), (found.mode & 0o777).toString(8));
  }
  return modes;
}

/** Those that others than their owner may do anything with. */
const open = (modes: ReadonlyMap<string, string>) =>
  [...modes].filter(([path, mode]) => path !== 'temporary' && !mode.endsWith('00'));

it('no file, folder or socket that graspd or its git makes is open to other users, whatever the umask', async () => {
  const owner = testIdentity(1);
  {
    await using host = await HostingDaemon.start({
      directory,
      umask: '022',
      environment: { TMPDIR: join(directory, 'temporary') },
    });
    await using git = await GitClient.init();
    await host.publish(host.announcement(owner, 'pushed'));
    await host.publish(host.announcement(owner, 'held'));
    const commit = await git.commit('README.md', 'hello');
    await host.publish(host.state(owner, 'pushed', { 'refs/heads/main': commit }));
    await git.ok('push', host.urlOf(owner, 'pushed'), 'main');
    expect((await runCommand({ directory }, 'backup', 'copy.tar')).code).toBe(0);

    const modes = await modesBelow(directory);
    expect(open(modes)).toEqual([]);
    const made = [...modes.keys()];
    for (const part of [
      '.relay-owner.nsec',
      'copy.tar',
      'data/relay/control.sock',
      'data/git/.graspd-serving.json',
    ]) {
      expect(made).toContain(part);
    }
    for (const form of [
      /\.git\/objects\/pack\/.*\.pack$/,
      /^temporary\/graspd-git-[^/]+\/socket$/,
      /^data\/relay\/events\/.*\.log$/,
    ]) {
      expect(
        made.some((path) => form.test(path)),
        String(form),
      ).toBe(true);
    }
  }
  // The snapshot is written as it stops.
  const left = await modesBelow(directory);
  expect(open(left)).toEqual([]);
  expect([...left.keys()].some((path) => path.includes('snapshot'))).toBe(true);
}, 60_000);

it('what a restore makes is not open to other users either', async () => {
  {
    await using host = await HostingDaemon.start({ directory, umask: '022' });
    await host.publish(host.announcement(testIdentity(2), 'kept'));
    expect((await runCommand({ directory }, 'backup', 'copy.tar')).code).toBe(0);
  }
  await rm(join(directory, 'data'), { recursive: true });
  const { code, stderr } = await runCommand(
    { directory },
    'restore',
    'copy.tar',
    '--domain',
    'git.example.org',
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const modes = await modesBelow(directory);
  expect([...modes.keys()].some((path) => path.startsWith('data/relay/events/'))).toBe(true);
  expect(open(modes)).toEqual([]);
}, 60_000);
