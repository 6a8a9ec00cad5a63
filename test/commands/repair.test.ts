import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { check } from '../../src/commands/check/check.js';
import type { Command } from '../../src/commands/command.js';
import { repair } from '../../src/commands/repair/repair.js';
import { readOptions } from '../../src/config/options.js';
import { BareRepositories } from '../../src/git/bare-repositories.js';
import { repositorySettings } from '../../src/git/skeleton.js';
import { systemClock } from '../../src/lib/clock.js';
import { npubOf } from '../../src/nostr/keys.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { git, refsOf, scratchFolder, writeCommit } from '../git/scratch.js';
import { address, announcement, domain, event, key, state } from '../policy/world.js';

const alice = key(1);

/** A data folder with one repository that has a branch, and an issue of it, by a daemon that does not run. */
describe('graspd repair', () => {
  let folder: ReturnType<typeof scratchFolder>;
  let directory: string;
  let relay: string;
  let gitDir: string;
  let commit: string;
  const issue = event(alice, 1621, [['a', address(alice, 'repo')]]);

  beforeEach(async () => {
    folder = scratchFolder();
    directory = folder.path;
    relay = join(directory, 'data', 'relay');
    gitDir = join(directory, 'data', 'git', npubOf(alice), 'repo.git');
    await mkdir(gitDir, { recursive: true });
    git(gitDir, ['init', '-q', '--bare', '--initial-branch=main']);
    commit = writeCommit(gitDir, 'one');
    git(gitDir, ['update-ref', 'refs/heads/main', commit]);
    git(gitDir, ['repack', '-adq']);
    for (const [name, value] of repositorySettings) git(gitDir, ['config', name, value]);
    const { store } = await openLevelStore({ path: relay, clock: systemClock });
    store.put(announcement(alice, 'repo'));
    store.put(state(alice, 'repo', ['HEAD', 'ref: refs/heads/main'], ['refs/heads/main', commit]));
    store.put(issue);
    await store[Symbol.asyncDispose]();
  });

  afterEach(() => folder[Symbol.dispose]());

  /** Runs a command with these data folders; what it says, and its exit code. */
  async function call(command: Command): Promise<{ code: number; said: string }> {
    const [stdout, stop] = [new PassThrough(), new AbortController()];
    const flags = new Map([
      ['domain', domain],
      ['relay-data-path', relay],
      ['git-data-path', join(directory, 'data', 'git')],
    ]);
    const code = await command.run({
      stdin: new PassThrough(),
      stdout,
      stderr: new PassThrough(),
      positionals: [],
      flags: new Map(),
      environment: {},
      givenValues: () => new Map(),
      readOptions: () => readOptions({ flags, environment: {}, readFile: () => '' }),
      signal: stop.signal,
      onHangup: () => {},
    });
    stop.abort();
    return { code, said: String(stdout.read() ?? '') };
  }
  const noFaults = { code: 0, said: 'no faults\n' };

  /** Runs a repair in a process of its own that is killed when a repository has got so many new places; whether it was. */
  async function isKilledAt(step: number): Promise<boolean> {
    const hook = `import fs from 'node:fs/promises';
      import { syncBuiltinESMExports } from 'node:module';
      const { rename } = fs;
      let step = 0;
      fs.rename = async (from, to) => {
        await rename(from, to);
        if (to.includes('npub1') && (step += 1) === ${step}) process.kill(process.pid, 'SIGKILL');
      };
      syncBuiltinESMExports();`;
    const built = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
    const args = [
      ...['--import', `data:text/javascript,${encodeURIComponent(hook)}`, built, 'repair'],
      ...['--domain', domain, '--relay-data-path', relay, '--git-data-path', join(directory, 'data', 'git')],
    ];
    const { signal, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([null, 0], stderr).toContain(status);
    return signal === 'SIGKILL';
  }

  async function idsStored(): Promise<string[]> {
    const { store } = await openLevelStore({ path: relay, clock: systemClock });
    const ids: string[] = [];
    for await (const chunk of store.query([{}])) for (const { id } of chunk) ids.push(id);
    await store[Symbol.asyncDispose]();
    return ids;
  }

  it('makes a database anew whose CURRENT is gone, and keeps the old one', async () => {
    await rm(join(relay, 'events', 'CURRENT'));
    const before = (await readdir(join(relay, 'events'))).sort();
    const { code, said } = await call(repair);
    expect([code, said]).toEqual([0, expect.stringContaining('events/CURRENT is gone')]);
    expect(said).toContain('kept       3 events are in a new database; the old one is in ');
    const [stamp = ''] = await readdir(join(relay, 'lost'));
    expect((await readdir(join(relay, 'lost', stamp, 'events'))).sort()).toEqual(before);
    expect(await call(check)).toEqual(noFaults);
    expect(await idsStored()).toHaveLength(3);
    expect(await call(repair)).toEqual(noFaults);
  });

  it('finishes what a repair that was broken off has left, and nothing else begins a database meanwhile', async () => {
    await mkdir(join(relay, '.repairing', 'made'), { recursive: true });
    for (const name of ['events', 'index.snapshot'])
      await rename(join(relay, name), join(relay, '.repairing', 'made', name));
    await expect(call(check)).rejects.toThrow('a repair was broken off: graspd repair finishes it');
    expect((await call(repair)).said).toContain('a repair was broken off when the new database was whole');
    expect(await readdir(relay)).not.toContain('.repairing');
    expect(await idsStored()).toContain(issue.id);
    expect(await call(check)).toEqual(noFaults);
  });

  it('makes a repository anew with the objects that are whole, and says which refs lack theirs', async () => {
    const pack = join(gitDir, 'objects', 'pack');
    const other = writeCommit(gitDir, 'two');
    git(gitDir, ['update-ref', 'refs/nostr/x', other]);
    const name = (await readdir(pack)).find((file) => file.endsWith('.pack'))!;
    const bytes = await readFile(join(pack, name));
    await rm(join(pack, name));
    await writeFile(join(pack, name), bytes.fill(7, 20));
    const { code, said } = await call(repair);
    expect(code).toBe(0);
    expect(said).toMatch(/^objects {4}npub1\w+\/repo: .+\n {2}made anew, without the objects of 1 refs/m);
    expect(said).toMatch(/^waiting .* refs\/heads\/main$/m);
    expect(git(gitDir, ['fsck', '--no-dangling'])).toBe('');
    expect(refsOf(gitDir)).toEqual({});
    const [stamp = ''] = await readdir(join(directory, 'data', 'git', 'lost'));
    const kept = join(directory, 'data', 'git', 'lost', stamp, npubOf(alice), 'repo.git');
    expect((await readdir(join(kept, 'objects', 'pack'))).sort()).toContain(name);
    expect((await call(check)).code).toBe(0);
  });

  it('leaves a repository in its place until all is salvaged, so that a repair that was broken off loses nothing', async () => {
    await writeFile(join(gitDir, 'HEAD'), 'noise\n');
    const { PATH } = process.env;
    const shim = `#!/bin/sh\ncase "$*" in *pack-objects*) exit 1 ;; esac\nPATH='${PATH}' exec git "$@"\n`;
    await mkdir(join(directory, 'bin'));
    await writeFile(join(directory, 'bin', 'git'), shim, { mode: 0o755 });
    process.env.PATH = `${join(directory, 'bin')}:${PATH}`;
    try {
      await expect(call(repair)).rejects.toThrow('pack-objects');
    } finally {
      process.env.PATH = PATH;
    }
    expect(await readFile(join(gitDir, 'HEAD'), 'utf8')).toBe('noise\n');
    expect((await call(repair)).said).toContain('made anew, with all that refs lead to');
    expect(refsOf(gitDir)).toEqual({ 'refs/heads/main': commit });
  });

  it('killed at any of its steps, it leaves a repository that the next repair, or start, makes whole', async () => {
    await writeFile(join(gitDir, 'HEAD'), 'noise\n');
    const states = new Set<string>();
    for (let step = 1; await isKilledAt(step); step += 1) {
      const head = await readFile(join(gitDir, 'HEAD'), 'utf8').catch(() => 'not there');
      states.add(head.trim());
      const copy = join(directory, 'copy');
      await cp(join(directory, 'data', 'git'), copy, { recursive: true });
      await new BareRepositories(copy, { run: async () => '' }).open();
      const started = join(copy, npubOf(alice), 'repo.git');
      if (head === 'noise\n') expect(await readFile(join(started, 'HEAD'), 'utf8')).toBe(head);
      else expect(refsOf(started)).toEqual({ 'refs/heads/main': commit });
      await rm(copy, { recursive: true });
      const { said } = await call(repair);
      if (head === 'not there')
        expect(said).toContain('repo: a repair was broken off when the new repository');
      expect(refsOf(gitDir)).toEqual({ 'refs/heads/main': commit });
      expect(await call(check)).toEqual(noFaults);
      await writeFile(join(gitDir, 'HEAD'), 'noise\n');
    }
    expect([...states]).toEqual(['noise', 'not there', 'ref: refs/heads/main']);
  });

  it.each(['HEAD', 'config', 'packed-refs'])(
    'makes a repository anew whose %s is noise, and loses nothing',
    async (file) => {
      git(gitDir, ['pack-refs', '--all']);
      await writeFile(join(gitDir, file), '[noise\n');
      expect((await call(repair)).said).toContain('made anew, with all that refs lead to');
      expect(refsOf(gitDir)).toEqual({ 'refs/heads/main': commit });
      expect(await call(check)).toEqual(noFaults);
    },
  );
});
