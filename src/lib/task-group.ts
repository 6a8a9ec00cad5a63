import { setMaxListeners } from 'node:events';
import { onAbort } from './abort.js';

/** Tasks that live and end together: the first that fails ends the others, and nothing outlives `join`. */
export class TaskGroup {
  readonly #controller = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  readonly #parent: Disposable;
  #failure: { readonly error: unknown } | undefined;

  constructor(parent: AbortSignal) {
    // As many listeners as there are tasks: no leak.
    setMaxListeners(0, this.#controller.signal);
    this.#parent = onAbort(parent, (reason) => this.#controller.abort(reason));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  spawn(work: (signal: AbortSignal) => Promise<void>): void {
    const task = work(this.signal).catch((error: unknown) => {
      if (this.signal.aborted) return;
      this.#failure = { error };
      this.#controller.abort(error);
    });
    const tracked = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }

  /** Asks all tasks to end. */
  cancel(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  /** Waits until all tasks ended, also those that are spawned meanwhile; throws what the first one failed with. */
  async join(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    this.#parent[Symbol.dispose]();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Waits for all; throws the first failure, but only after the others have ended too. */
export async function allEnded(works: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(works);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
