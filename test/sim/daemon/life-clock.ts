import type { CancelTimer, Clock } from '../../../src/lib/clock.js';

/** The clock of one process: when the process is killed, nothing that it waits for ever comes. */
export class LifeClock implements Clock {
  readonly #world: Clock;
  #alive = true;

  constructor(world: Clock) {
    this.#world = world;
  }

  kill(): void {
    this.#alive = false;
  }

  now(): number {
    return this.#world.now();
  }

  monotonic(): number {
    return this.#world.monotonic();
  }

  after(delayMs: number, task: () => void): CancelTimer {
    return this.#world.after(delayMs, () => {
      if (this.#alive) task();
    });
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    await this.#world.sleep(delayMs, signal);
    if (!this.#alive) await new Promise<never>(() => {});
  }
}
