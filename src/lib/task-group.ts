import { setMaxListeners } from 'node:events';

/** Tasks that live and end together: the first that fails ends the others, and nothing outlives `join`. */
export class TaskGroup {
  readonly #controller = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  readonly #unlink: () => void;
  #failure: { readonly error: unknown } | undefined;

  constructor(parent: AbortSignal) {
    // As many listeners as there are tasks: no leak.
    setMaxListeners(0, this.#controller.signal);
    const onAbort = () => this.#controller.abort(parent.reason);
    this.#unlink = () => parent.removeEventListener('abort', onAbort);
    if (parent.aborted) onAbort();
    else parent.addEventListener('abort', onAbort, { once: true });
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
    this.#unlink();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Waits for all; throws the first failure, but only after the others have ended too. */
export async function allEnded(works: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(works);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
