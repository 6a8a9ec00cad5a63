import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Filter } from '../../src/nostr/filter.js';
import { readUsage, type Usage } from './process-usage.js';

/** What the listeners are told, and what they answer. Times are `machineMs`. */
export type ListenerCommand =
  | { readonly type: 'open'; readonly url: string; readonly filters: readonly Filter[] }
  | { readonly type: 'report'; readonly deliveriesMin: number };
export type ListenerAnswer =
  | { readonly type: 'opened' }
  | {
      readonly type: 'report';
      readonly deliveries: number;
      readonly lastAtMs: number;
      /** By event id, when each delivery of it came. */
      readonly arrivals: readonly (readonly [id: string, atMs: readonly number[]])[];
    };

/** Clients that listen, in a process of their own, so that whoever publishes is not kept waiting by them. */
export class Listeners implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Connects a client for each filter; resolves when all of them are live. */
  static async open(url: string, filters: readonly Filter[]): Promise<Listeners> {
    const child = fork(fileURLToPath(new URL('./listener-process.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
    });
    const listeners = new Listeners(child);
    await listeners.#ask({ type: 'open', url, filters });
    return listeners;
  }

  usage(): Usage | undefined {
    return readUsage('listeners', this.#child.pid ?? 0);
  }

  /** What arrived, when at least `deliveriesMin` did, or nothing more comes. */
  async report(deliveriesMin: number): Promise<Extract<ListenerAnswer, { type: 'report' }>> {
    const answer = await this.#ask({ type: 'report', deliveriesMin });
    if (answer.type !== 'report') throw new TypeError(`unexpected answer ${answer.type}`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  async #ask(command: ListenerCommand): Promise<ListenerAnswer> {
    this.#child.send(command);
    const [answer] = await Promise.race([
      once(this.#child, 'message'),
      once(this.#child, 'exit').then(() => {
        throw new Error('the listeners ended');
      }),
    ]);
    return answer as ListenerAnswer;
  }
}
