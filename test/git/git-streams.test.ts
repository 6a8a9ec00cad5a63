import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type GitStreamCommand, HelperGitStreams } from '../../src/git/git-streams.js';
import { GitHelper } from '../../src/git/processes/helper-process.js';
import { systemClock } from '../../src/lib/clock.js';
import { eventually } from '../support/eventually.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { git, scratchFolder } from './scratch.js';

const end = new AbortController();
const helper = new GitHelper(end.signal);
const streams = new HelperGitStreams(helper, systemClock);
afterAll(() => end.abort());

/** A shell command by git's own alias: it streams as git does. */
function shell(script: string): GitStreamCommand {
  return { gitDir: '/', args: ['-c', `alias.script=!${script}`, 'script'], msMax: 60_000 };
}

const { signal } = new AbortController();

async function textOf(output: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of output) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Starts a command that writes the id of its process and then waits for long. */
async function startEndless(streams: HelperGitStreams, signal: AbortSignal, msMax = 60_000) {
  const stream = await streams.start({ ...shell('echo $$; sleep 600'), msMax }, signal);
  const [chunk] = (await once(stream.output, 'data')) as [Buffer];
  return { stream, pid: Number(chunk.toString('utf8')) };
}

describe('git that streams', () => {
  it('packs with one thread and little memory, as does what it starts', async () => {
    const settings = ['pack.threads', 'pack.windowMemory', 'core.bigFileThreshold'];
    const script = settings.map((name) => `git config ${name}`).join('; ');
    const { input, output } = await streams.start(shell(script), signal);
    input.end();
    expect(await textOf(output)).toBe('1\n128m\n128m\n');
  });

  it('reads and writes at once, and tells how it ended', async () => {
    const { input, output, ended } = await streams.start(shell('cat; echo complaint >&2; exit 3'), signal);
    input.write('one ');
    expect(String((await once(output, 'data'))[0])).toBe('one ');
    output.pause();
    input.end('two');
    expect(await textOf(output)).toBe('two');
    expect(await ended).toEqual({ exitCode: 3, complaint: 'complaint\n', isLate: false });
  });

  it('is run on the repository, with its settings and protocol, and no others', async () => {
    using folder = scratchFolder();
    git(folder.path, ['init', '-q', '--bare']);
    const command = {
      gitDir: folder.path,
      config: [['a.b', 'c d']],
      protocol: 'version=2',
      msMax: 60_000,
    } as const;
    const stream = await streams.start({ ...command, args: ['config', '--get-all', 'a.b'] }, signal);
    expect(await textOf(stream.output)).toBe('c d\n');
    const args = ['upload-pack', '--stateless-rpc', '--advertise-refs', folder.path];
    expect(await textOf((await streams.start({ ...command, args }, signal)).output)).toContain('version 2');
  });

  it.skipIf(process.getuid?.() !== 0)('serves a repository whose folder somebody else owns', async () => {
    using folder = scratchFolder();
    git(folder.path, ['init', '-q', '--bare']);
    chownSync(folder.path, 12_345, 12_345);
    const args = ['upload-pack', '--stateless-rpc', '--advertise-refs', folder.path];
    const { output, ended } = await streams.start({ gitDir: folder.path, args, msMax: 60_000 }, signal);
    expect(await textOf(output)).toBe('0000');
    expect(await ended).toMatchObject({ exitCode: 0, complaint: '' });
  });

  it('waits for a reader: what is not read stays with git', async () => {
    const { output, ended } = await streams.start(shell('yes | head -c 50000000'), signal);
    const socket = output as Readable & { readonly bytesRead: number };
    await sleep(300);
    expect(socket.bytesRead).toBeLessThan(1_000_000);
    let bytes = 0;
    for await (const chunk of output) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(50_000_000);
    expect((await ended).exitCode).toBe(0);
  });

  it('lets a writer wait until git reads', async () => {
    await using folder = await scratchFolder();
    const go = join(folder.path, 'go');
    const script = `while [ ! -e '${go}' ]; do sleep 0.02; done; cat >/dev/null`;
    const stream = await streams.start(shell(script), signal);
    // More than the system keeps on the way.
    for (let chunk = 0; chunk < 100; chunk += 1) stream.input.write(Buffer.alloc(65_536, 'x'));
    await sleep(100);
    expect(stream.input.writableNeedDrain).toBe(true);
    const drained = once(stream.input, 'drain');
    writeFileSync(go, '');
    await drained;
    stream.input.end();
    stream.output.resume();
    expect((await stream.ended).exitCode).toBe(0);
  });

  it('that ends before it has read everything breaks its input, and nothing of its output is lost', async () => {
    for (let round = 0; round < 10; round += 1) {
      const stream = await streams.start(shell('yes | head -c 150000; exit 0'), signal);
      stream.input.write(Buffer.alloc(5_000_000));
      await new Promise<void>((resolve) => stream.input.once('close', resolve));
      expect(await textOf(stream.output)).toHaveLength(150_000);
      expect((await stream.ended).exitCode).toBe(0);
    }
  });

  it('ends with all that it started when it is told to, and when its signal aborts', async () => {
    const told = await startEndless(streams, signal);
    told.stream.end();
    expect((await told.stream.ended).exitCode).toBeNull();
    await eventually(() => !isRunning(told.pid));
    const stop = new AbortController();
    const aborted = await startEndless(streams, stop.signal);
    stop.abort();
    expect((await aborted.stream.ended).exitCode).toBeNull();
    await eventually(() => !isRunning(aborted.pid));
    await expect(streams.start(shell('true'), stop.signal)).rejects.toBe(stop.signal.reason);
  });

  it('ends when it takes longer than it may', async () => {
    const clock = new VirtualClock();
    const { stream, pid } = await startEndless(new HelperGitStreams(helper, clock), signal, 5_000);
    await clock.advance(5_000);
    expect(await stream.ended).toMatchObject({ exitCode: null, isLate: true });
    await eventually(() => !isRunning(pid));
  });

  it('many at once do not mix', async () => {
    const texts = await Promise.all(
      Array.from({ length: 20 }, async (_, number) => {
        const { input, output } = await streams.start(shell('cat'), new AbortController().signal);
        input.end(`${number}`.repeat(10_000));
        return await textOf(output);
      }),
    );
    expect(texts).toEqual(texts.map((_, number) => `${number}`.repeat(10_000)));
  });

  it('ends with its helper, and another helper takes the place of that', async () => {
    const stop = new AbortController();
    const helper = new GitHelper(stop.signal);
    const streams = new HelperGitStreams(helper, systemClock);
    const { stream } = await startEndless(streams, signal);
    const path = await helper.current().socketPath();
    helper.current().kill();
    expect((await stream.ended).exitCode).toBeNull();
    await eventually(() => !existsSync(dirname(path)));
    expect(await textOf((await streams.start(shell('echo again'), signal)).output)).toBe('again\n');
    stop.abort();
    await expect(streams.start(shell('true'), signal)).rejects.toBe(stop.signal.reason);
  });

  it('a daemon that is killed takes everything with it', async () => {
    const program = `
      const [{ GitHelper }, { HelperGitStreams }, { systemClock }] = await Promise.all(
        ['git/processes/helper-process.js', 'git/git-streams.js', 'lib/clock.js'].map((file) => import(process.argv[1] + file)));
      const { signal } = new AbortController();
      const helper = new GitHelper(signal);
      const args = ['-c', 'alias.script=!echo $$; sleep 600', 'script'];
      const stream = await new HelperGitStreams(helper, systemClock).start({ gitDir: '/', args, msMax: 60000 }, signal);
      console.log(await helper.current().socketPath());
      stream.output.pipe(process.stdout);`;
    const compiled = new URL('../../dist/', import.meta.url);
    const daemon = spawn(process.execPath, ['--input-type=module', '-e', program, '--', String(compiled)], {
      cwd: fileURLToPath(compiled),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: daemon.stdout })[Symbol.asyncIterator]();
    const path = String((await lines.next()).value);
    const pid = Number((await lines.next()).value);
    expect(isRunning(pid)).toBe(true);
    daemon.kill('SIGKILL');
    await eventually(() => !isRunning(pid) && !existsSync(dirname(path)));
  });
});
