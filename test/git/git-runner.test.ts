import { writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { countedFor, limitedTo } from '../../src/git/git-command.js';
import { GitError } from '../../src/git/git-error.js';
import { GitRunner } from '../../src/git/git-runner.js';
import { TimeLimitError } from '../../src/lib/abort.js';
import { systemClock } from '../../src/lib/clock.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { git, scratchFolder } from './scratch.js';

/** Runs until it is ended; the alias is git's own way to wait. */
const endless = ['-c', 'alias.endless=!sleep 600', 'endless'];

const end = new AbortController();
const runner = new GitRunner(systemClock, end.signal);
afterAll(() => end.abort());

describe('GitRunner', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('feeds a command and gives back what it wrote', async () => {
    using folder = scratchFolder();
    git(folder.path, ['init', '-q', '--bare']);
    const id = await runner.run({
      gitDir: folder.path,
      args: ['hash-object', '-w', '--stdin'],
      input: 'hällo',
    });
    expect(git(folder.path, ['cat-file', 'blob', id.trim()])).toBe('hällo');
  });

  it('knows no configuration but its own, and runs no hook', async () => {
    using folder = scratchFolder();
    const gitDir = join(folder.path, 'r.git');
    git(gitDir, ['init', '-q', '--bare']);
    writeFileSync(join(folder.path, '.gitconfig'), '[user]\n\tname = somebody\n');
    vi.stubEnv('HOME', folder.path);
    vi.stubEnv('GIT_CONFIG_COUNT', '1');
    vi.stubEnv('GIT_CONFIG_KEY_0', 'user.name');
    vi.stubEnv('GIT_CONFIG_VALUE_0', 'somebody');
    vi.stubEnv('GIT_DIR', '/nowhere');
    const stop = new AbortController();
    const runner = new GitRunner(systemClock, stop.signal);
    const config = await runner.run({ gitDir, args: ['config', '--list'] });
    expect(config).not.toContain('somebody');
    expect(config).toContain('core.hookspath=/dev/null');
    stop.abort();
  });

  it('has the system bound its memory, allow it no core dumps, and run it after the daemon', async () => {
    using folder = scratchFolder();
    const alias = 'alias.bounds=!ulimit -d; ulimit -c; nice; cat /proc/self/oom_score_adj';
    const bounds = await runner.run({ gitDir: folder.path, args: ['-c', alias, 'bounds'] });
    const niceness = Math.min(getPriority() + 5, 19);
    expect(bounds).toBe(`${limits.gitMemoryBytesMax / 1_024}\n0\n${niceness}\n${limits.gitOomScore}\n`);
  });

  it('has it bound the memory of one command, and not to more than that of all', async () => {
    using folder = scratchFolder();
    const args = ['-c', 'alias.bound=!ulimit -d', 'bound'];
    const [less, more] = [limits.gitMemoryBytesMax / 16, limits.gitMemoryBytesMax * 2];
    for (const [bytes, bound] of [
      [less + 1, less],
      [more, limits.gitMemoryBytesMax],
      [undefined, limits.gitMemoryBytesMax],
    ] as const) {
      const limited = limitedTo(runner, bytes);
      expect(await limited.run({ gitDir: folder.path, args })).toBe(`${bound / 1_024}\n`);
    }
  });

  it('says what git complained about', async () => {
    using folder = scratchFolder();
    const failure = runner.run({ gitDir: join(folder.path, 'none'), args: ['for-each-ref'] });
    await expect(failure).rejects.toThrow(/^git for-each-ref failed: fatal: not a git repository/);
    await expect(failure).rejects.toMatchObject({ code: 'git_failed', retryable: true });
  });

  it.each([
    ['was killed', 'kill -9 $PPID'],
    ['had no memory', 'echo "fatal: Out of memory, malloc failed" >&2; exit 128'],
  ])('tells apart that git %s, which says nothing of what it was asked about', async (_, script) => {
    using folder = scratchFolder();
    const starved = runner.run({ gitDir: folder.path, args: ['-c', `alias.starved=!${script}`, 'starved'] });
    await expect(starved).rejects.toMatchObject({ code: 'git_starved', retryable: true });
  });

  it('survives a command that ends before it has read its input', async () => {
    using folder = scratchFolder();
    const input = 'x'.repeat(5_000_000);
    await expect(runner.run({ gitDir: folder.path, args: ['rev-parse', 'x'], input })).rejects.toThrow(
      GitError,
    );
  });

  it('ends a command that takes too long, and one that runs when the daemon stops', async () => {
    using folder = scratchFolder();
    const clock = new VirtualClock();
    const stop = new AbortController();
    const runner = new GitRunner(clock, stop.signal);
    const late = runner.run({ gitDir: folder.path, args: endless });
    const expected = expect(late).rejects.toThrow(TimeLimitError);
    await clock.advance(limits.gitMsMax);
    await expected;
    const stopped = runner.run({ gitDir: folder.path, args: endless });
    const reason = new Error('stopping');
    const alsoExpected = expect(stopped).rejects.toBe(reason);
    await clock.advance(10);
    stop.abort(reason);
    await alsoExpected;
    await expect(runner.run({ gitDir: folder.path, args: ['version'] })).rejects.toBe(reason);
    expect(clock.timers).toBe(0);
  });

  it('ends a command that is not wanted any more, and goes on', async () => {
    using folder = scratchFolder();
    const unwanted = new AbortController();
    const running = runner.run({ gitDir: folder.path, args: endless }, unwanted.signal);
    const reason = new Error('nobody waits');
    const expected = expect(running).rejects.toBe(reason);
    unwanted.abort(reason);
    await expected;
    expect(await runner.run({ gitDir: folder.path, args: ['version'] })).toContain('git version');
  });

  it('lets nobody wait for commands that may take minutes', async () => {
    using folder = scratchFolder();
    git(folder.path, ['init', '-q', '--bare']);
    const stop = new AbortController();
    const runner = new GitRunner(systemClock, stop.signal);
    const msMax = 10 * limits.gitMsMax;
    const long = Array.from({ length: 2 * limits.gitProcessesMax }, () =>
      runner.run({ gitDir: folder.path, args: endless, msMax }).catch(() => {}),
    );
    expect(await runner.run({ gitDir: folder.path, args: ['rev-parse', '--is-bare-repository'] })).toBe(
      'true\n',
    );
    stop.abort();
    await Promise.all(long);
  });

  it('gives who causes such commands half of the places for them at most', async () => {
    using folder = scratchFolder();
    const stop = new AbortController();
    const runner = new GitRunner(systemClock, stop.signal);
    const msMax = 10 * limits.gitMsMax;
    const theirs = Array.from({ length: 2 * limits.gitProcessesMax }, () =>
      runner.run({ gitDir: folder.path, args: endless, msMax, party: 'a' }).catch(() => {}),
    );
    for (const party of ['b', undefined]) {
      const counted = countedFor(runner, party);
      expect(await counted.run({ gitDir: folder.path, args: ['version'], msMax })).toContain('git version');
    }
    stop.abort();
    await Promise.all(theirs);
  });

  it('ends the longest of a party that has several of them, where all places are held for long and others wait', async () => {
    using folder = scratchFolder();
    const clock = new VirtualClock();
    const stop = new AbortController();
    const runner = new GitRunner(clock, stop.signal);
    const msMax = 10 * limits.gitPlacesHeldMsMax;
    const ended: string[] = [];
    const held = ['a', 'b', 'a', 'b'].map((party, at) =>
      runner.run({ gitDir: folder.path, args: endless, msMax, party }).catch((error: unknown) => {
        ended.push(`${party}${at}: ${String(error)}`);
      }),
    );
    await clock.advance(limits.gitPlacesHeldMsMax);
    expect(ended).toEqual([]);
    const mine = runner.run({ gitDir: folder.path, args: ['version'], msMax, party: 'c' });
    await clock.advance(limits.gitPlacesHeldMsMax);
    expect(await mine).toContain('git version');
    expect(ended).toEqual([expect.stringMatching(/^a0: HeldPlaceError: git .*for which others waited/)]);
    stop.abort();
    await Promise.all(held);
  });

  it('starts its helper again after that broke', async () => {
    using folder = scratchFolder();
    const broken = runner.run({
      gitDir: folder.path,
      args: ['-c', 'alias.murder=!kill -9 $(ps -o ppid= $PPID)', 'murder'],
    });
    await expect(broken).rejects.toMatchObject({ code: 'git_helper', retryable: true });
    expect(await runner.run({ gitDir: folder.path, args: ['version'] })).toContain('git version');
  });
});
