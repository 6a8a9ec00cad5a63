import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { eventually } from '../support/eventually.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A code block of a page, without the indentation of the list that it may stand in. */
export type Block = { readonly language: string; readonly text: string };

/** The code blocks of a page of this repository, or of the part of it from one heading to the next of the same level. */
export function blocksOf(path: string, heading?: string): Block[] {
  const page = readFileSync(join(root, path), 'utf8');
  const begin = heading === undefined ? 0 : page.indexOf(`\n${heading}\n`);
  if (begin < 0) throw new Error(`${path} has no heading '${heading}'`);
  const level = heading?.split(' ')[0] ?? '';
  const end = heading === undefined ? -1 : page.indexOf(`\n${level} `, begin + 1);
  const part = end < 0 ? page.slice(begin) : page.slice(begin, end);
  return [...part.matchAll(/^( *)```(\w+)\n([\s\S]*?)^\1```$/gm)].map(
    ([, indent = '', language = '', text = '']) => ({
      language,
      text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  );
}

/** What is done with one block of a guide. Each names its block by words that it has. */
export type Step = { readonly has: string } & (
  | { readonly skip: string }
  | { readonly write: string }
  /** A daemon; which one, where there are several, says the port that it is reached at. */
  | { readonly start: true; readonly port?: number }
  /** In a folder of its own where one is named; ends with 0 where no other exit code is. */
  | { readonly run: true; readonly in?: string; readonly code?: number }
) & {
    readonly before?: () => Promise<unknown>;
    /** Looks at what came of it; of a command at what it wrote, too. */
    readonly after?: (output: string) => unknown;
  };

/** What stands in a guide, and what stands for it in the test; one after the other, and each has to occur. */
export type Replaced = readonly (readonly [string, string])[];

export type Surroundings = {
  /** Variables that the shell of the guide has beside PATH and HOME. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where a daemon that a block starts is reached, unless its step says otherwise. */
  readonly port: number;
};

/**
 * A person who follows a guide, in a folder of their own that looks like a clone of this repository that was installed
 * and built. `graspd` is on the PATH, too. At the end its daemons are ended and the folder goes.
 */
export class Follower implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'graspd-guide-'));
  readonly #around: Surroundings;
  readonly #daemons = new Map<number, ChildProcess>();

  constructor(around: Surroundings) {
    this.#around = around;
    for (const name of ['package.json', 'dist', 'node_modules', 'docs', 'deploy']) {
      symlinkSync(join(root, name), join(this.folder, name));
    }
    const bin = join(this.folder, '.bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'graspd'), `#!/bin/sh\nexec '${process.execPath}' '${root}/dist/main.js' "$@"\n`);
    chmodSync(join(bin, 'graspd'), 0o755);
  }

  /** Does what the guide says, block by block; there is a step for each block. */
  async follow(blocks: readonly Block[], replaced: Replaced, steps: readonly Step[]): Promise<void> {
    expect(blocks.map(({ text }) => text)).toEqual(steps.map(({ has }) => expect.stringContaining(has)));
    const occurred = new Set<string>();
    const replace = (text: string): string =>
      replaced.reduce((done, [from, to]) => {
        if (done.includes(from)) occurred.add(from);
        return done.replaceAll(from, to);
      }, text);
    for (const [index, step] of steps.entries()) {
      await step.before?.();
      const output = await this.#take(replace(blocks[index]?.text ?? ''), step);
      await step.after?.(output);
    }
    expect(replaced.map(([from]) => from).filter((from) => !occurred.has(from))).toEqual([]);
  }

  /** Ends a daemon that a block started, as Ctrl-C does. */
  async stop(port = this.#around.port): Promise<void> {
    const child = this.#daemons.get(port);
    this.#daemons.delete(port);
    if (child?.pid === undefined || child.exitCode !== null) return;
    const { pid } = child;
    const ended = once(child, 'exit');
    process.kill(-pid, 'SIGINT');
    const patience = setTimeout(() => process.kill(-pid, 'SIGKILL'), 10_000);
    await ended;
    clearTimeout(patience);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const port of [...this.#daemons.keys()]) await this.stop(port);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #take(text: string, step: Step): Promise<string> {
    if ('skip' in step) return '';
    if ('write' in step) {
      writeFileSync(join(this.folder, step.write), text);
      return '';
    }
    if ('start' in step) {
      const port = step.port ?? this.#around.port;
      await this.stop(port);
      await this.#start(text, port);
      return '';
    }
    return await this.#run(text, resolve(this.folder, step.in ?? '.'), step.code ?? 0);
  }

  get #environment(): Record<string, string> {
    const PATH = `${join(this.folder, '.bin')}:${process.env.PATH}`;
    return { PATH, HOME: this.folder, ...this.#around.environment };
  }

  async #run(text: string, cwd: string, expected: number): Promise<string> {
    const args = ['-euo', 'pipefail', '-c', text];
    const env = this.#environment;
    const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>(
      (resolve) => {
        execFile('bash', args, { cwd, env }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : error.code, stdout, stderr });
        });
      },
    );
    expect(code, `${text}\n${stdout}\n${stderr}`).toBe(expected);
    return stdout;
  }

  /** The shell of the guide is one of its own process group, so that all that it starts ends with it. */
  async #start(text: string, port: number): Promise<void> {
    const child = spawn('bash', ['-euc', text], {
      cwd: this.folder,
      env: this.#environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#daemons.set(port, child);
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => output.push(String(chunk)));
    const onExit = () => process.kill(-(child.pid as number), 'SIGKILL');
    process.once('exit', onExit);
    child.once('exit', () => process.off('exit', onExit));
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output.join('')}`);
      return await fetch(`http://127.0.0.1:${port}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    });
  }
}
