import { reaches } from '../config/limit-use.js';
import { isOfPrs, type RepositoryKey } from '../git/bare-repositories.js';
import { unlessAborted } from '../lib/abort.js';
import type { CancelTimer, Clock } from '../lib/clock.js';
import { PartyQueue } from '../lib/turns/party-queue.js';
import { Wakeup } from '../lib/wakeup.js';

/** A repository that is to be cared for. */
export type CareTask = {
  readonly repository: RepositoryKey;
  /** How often in a row its care gave way to a push. */
  readonly interruptions: number;
};

type Entry = {
  readonly gitDir: string;
  readonly task: CareTask;
  /** Its owner. */
  readonly group: string;
  readonly cancel: CancelTimer;
};

/**
 * Repositories that wait to be cared for, each once, and not before its time. Their owners have their turns one after the other,
 * however many repositories of one wait.
 */
export class CareQueue {
  readonly #clock: Clock;
  /** By folder. */
  readonly #entries = new Map<string, Entry>();
  /** Those whose time has come. */
  readonly #ready = new PartyQueue<Entry>();
  readonly #wakeup = new Wakeup();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Adds a repository, unless it is there, or too many are, in all or of its owner: those are found at the next look. */
  add(gitDir: string, task: CareTask, delayMs: number): void {
    const { repository } = task;
    const group = isOfPrs(repository) ? repository.signer : repository.pubkey;
    if (this.#entries.has(gitDir) || reaches('careWaitingMax', this.size)) return;
    if (reaches('careWaitingPerOwnerMax', this.#countOf(group))) return;
    const cancel = this.#clock.after(delayMs, () => {
      this.#ready.add(entry);
      this.#wakeup.notify();
    });
    const entry = { gitDir, task, group, cancel };
    this.#entries.set(gitDir, entry);
  }

  /** Takes the next repository whose time has come, as soon as there is one. Rejects with the signal's reason. */
  async next(signal: AbortSignal): Promise<CareTask> {
    for (;;) {
      await this.whenReady(signal);
      for (const { gitDir, task } of this.#ready.taken(() => true)) {
        this.#entries.delete(gitDir);
        return task;
      }
    }
  }

  /** Resolves when there is one whose time has come. Rejects with the signal's reason. */
  async whenReady(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#ready.size === 0) await unlessAborted(this.#wakeup.wait(), signal);
  }

  /** Forgets all that waits. */
  clear(): void {
    for (const entry of this.#entries.values()) {
      entry.cancel();
      this.#ready.delete(entry);
    }
    this.#entries.clear();
  }

  #countOf(group: string): number {
    return [...this.#entries.values()].filter((entry) => entry.group === group).length;
  }
}
