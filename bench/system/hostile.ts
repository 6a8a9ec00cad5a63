import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { readUsage, type Usage } from './process-usage.js';

/** What the hostile clients are told; they answer each with what they have sent by then. */
export type HostileCommand =
  | {
      readonly type: 'open';
      readonly url: string;
      readonly clients: number;
      /** Public keys and addresses of repositories that the relay has events of. */
      readonly authors: readonly string[];
      readonly addresses: readonly string[];
    }
  | { readonly type: 'report' };
export type HostileAnswer = { readonly sent: number };

/** Clients that send the worst legal requests without pause, in a process of their own. */
export class Hostile implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all of them are connected and have begun. */
  static async open(settings: Omit<Extract<HostileCommand, { type: 'open' }>, 'type'>): Promise<Hostile> {
    const child = fork(fileURLToPath(new URL('./hostile-process.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
    });
    const hostile = new Hostile(child);
    await hostile.#ask({ type: 'open', ...settings });
    return hostile;
  }

  /** How many requests were sent. */
  async sent(): Promise<number> {
    return (await this.#ask({ type: 'report' })).sent;
  }

  usage(): Usage | undefined {
    return readUsage('hostile clients', this.#child.pid ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  async #ask(command: HostileCommand): Promise<HostileAnswer> {
    this.#child.send(command);
    const [answer] = await Promise.race([
      once(this.#child, 'message'),
      once(this.#child, 'exit').then(() => {
        throw new Error('the hostile clients ended');
      }),
    ]);
    return answer as HostileAnswer;
  }
}
