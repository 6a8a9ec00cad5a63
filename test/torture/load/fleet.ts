import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What all clients are told of the daemon. */
export type Target = {
  /** The relay, `ws://…`. */
  readonly url: string;
  /** Addresses of repositories that are served. */
  readonly addresses: readonly string[];
  /** Keys that events are of. */
  readonly authors: readonly string[];
  readonly seed: number;
};

/** Who the clients of one process are, and how much they do. */
export type FleetSettings = Target &
  (
    | { readonly role: 'idle'; readonly clients: number }
    | { readonly role: 'asking'; readonly clients: number; readonly requestsPerSecond: number }
    | {
        readonly role: 'publishing';
        readonly clients: number;
        readonly eventsPerSecond: number;
        /** After that many seconds an event expires (NIP-40). */
        readonly lifeSeconds: number;
        /** Of so many events one is kept for good; none when absent. */
        readonly keptOneOf?: number;
      }
    | { readonly role: 'hostile'; readonly clients: number }
  );

export type FleetCommand =
  | { readonly type: 'open'; readonly settings: FleetSettings }
  | { readonly type: 'report'; readonly anew: boolean };
/** Tells what clients did since counting began anew; with `anew`, it does after that. */
export type Reporter<Report> = (anew: boolean) => Report;

export type FleetAnswer = { readonly type: 'opened' } | { readonly type: 'report'; readonly report: unknown };

/** Clients in a process of their own, so that neither the daemon nor other clients wait for them; they tell a `Report`. */
export class Fleet<Report> implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all clients are connected and have begun. */
  static async open<Report>(settings: FleetSettings): Promise<Fleet<Report>> {
    const child = fork(fileURLToPath(new URL('./fleet-process.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
    });
    const fleet = new Fleet<Report>(child);
    try {
      await fleet.#ask({ type: 'open', settings });
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
    return fleet;
  }

  /** What its clients did since counting began anew; with `anew`, it does after that. */
  async report(anew = false): Promise<Report> {
    const answer = await this.#ask({ type: 'report', anew });
    if (answer.type !== 'report') throw new TypeError(`unexpected answer ${answer.type}`);
    return answer.report as Report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    await exited;
  }

  async #ask(command: FleetCommand): Promise<FleetAnswer> {
    const ended = new AbortController();
    try {
      const answered = once(this.#child, 'message', { signal: ended.signal });
      const exited = once(this.#child, 'exit', { signal: ended.signal }).then(() => {
        throw new Error('the clients ended');
      });
      this.#child.send(command);
      const [answer] = await Promise.race([answered, exited]);
      return answer as FleetAnswer;
    } finally {
      ended.abort();
    }
  }
}
