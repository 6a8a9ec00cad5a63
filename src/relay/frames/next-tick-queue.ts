/** Work for the end of the running callback (`process.nextTick`): one tick for all of it. */
export class NextTickQueue {
  #tasks: (() => void)[] = [];

  /** `task` must not throw. */
  push(task: () => void): void {
    this.#tasks.push(task);
    if (this.#tasks.length === 1) process.nextTick(this.#run);
  }

  readonly #run = (): void => {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
  };
}
