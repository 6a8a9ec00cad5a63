import { reaches } from '../config/limit-use.js';
import type { RepositoryKey } from '../git/bare-repositories.js';
import { unlessAborted } from '../lib/abort.js';
import type { CancelTimer, Clock } from '../lib/clock.js';
import { Wakeup } from '../lib/wakeup.js';

/** A repository that is to be cared for. */
export type CareTask = {
  readonly repository: RepositoryKey;
  /** How often in a row its care gave way to a push. */
  readonly interruptions: number;
};

type Waiting = { readonly task: CareTask; readonly cancel: CancelTimer };

/** Repositories that wait to be cared for, each once, and not before its time. */
export class CareQueue {
  readonly #clock: Clock;
  /** By folder. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #ready = new Map<string, CareTask>();
  readonly #wakeup = new Wakeup();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size + this.#ready.size;
  }

  /** Adds a repository, unless it is there, or too many are: those are found at the next look. */
  add(gitDir: string, task: CareTask, delayMs: number): void {
    if (this.#waiting.has(gitDir) || this.#ready.has(gitDir) || reaches('careWaitingMax', this.size)) return;
    const cancel = this.#clock.after(delayMs, () => {
      this.#waiting.delete(gitDir);
      this.#ready.set(gitDir, task);
      this.#wakeup.notify();
    });
    this.#waiting.set(gitDir, { task, cancel });
  }

  /** Takes the next repository whose time has come, as soon as there is one. Rejects with the signal's reason. */
  async next(signal: AbortSignal): Promise<CareTask> {
    for (;;) {
      signal.throwIfAborted();
      for (const [gitDir, task] of this.#ready) {
        this.#ready.delete(gitDir);
        return task;
      }
      await unlessAborted(this.#wakeup.wait(), signal);
    }
  }

  /** Forgets all that waits. */
  clear(): void {
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
    this.#ready.clear();
  }
}
