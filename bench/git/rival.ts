import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runGit } from './git.js';

const program = fileURLToPath(new URL('./cgi-server.ts', import.meta.url));

/** `git http-backend`, and the repositories that it serves. */
export class Rival implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #port: number;

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.#port = port;
  }

  static async start(folder: string): Promise<Rival> {
    const child = fork(program, [folder], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const [port] = await once(createInterface({ input: child.stdout as Readable }), 'line');
    return new Rival(child, folder, Number(port));
  }

  urlOf(name: string): string {
    return `http://127.0.0.1:${this.#port}/${name}.git`;
  }

  /** Makes an empty repository to which one may push; git repacks nothing by itself, as with us. */
  async make(name: string): Promise<void> {
    const gitDir = this.pathOf(name);
    await runGit(['init', '--quiet', '--bare', '--initial-branch=main', gitDir]);
    for (const [key, value] of [
      ['http.receivepack', 'true'],
      ['receive.autogc', 'false'],
    ] as const) {
      await runGit([`--git-dir=${gitDir}`, 'config', key, value]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  pathOf(name: string): string {
    return join(this.#folder, `${name}.git`);
  }
}
