import { deferred, onAbort } from '../../../../src/lib/abort.js';
import type { CancelTimer, Clock } from '../../../../src/lib/clock.js';
import type { Random } from '../../../../src/lib/random.js';
import type { VirtualClock } from '../../../support/virtual-clock.js';
import { chance } from '../../random.js';

type Waiting = { readonly run: () => void; readonly isTimer: boolean };

/**
 * The clock of one process of a node, through which all comes that the process does not do by itself: timers, and what arrives
 * from outside. While it hangs nothing of that happens; when it goes on all of it does at once. When it is killed nothing comes
 * any more.
 */
export class NodeClock implements Clock {
  readonly #world: VirtualClock;
  readonly #timers: Clock;
  readonly #random: Random;
  readonly #skewMs: number;
  readonly #pending = new Set<CancelTimer>();
  #timerCount = 0;
  /** What fell due while it hangs; `undefined` while it does not. */
  #waiting: Waiting[] | undefined;
  readonly #death = new AbortController();

  /** `skewMs`: how far its wall clock is from that of the world. */
  constructor(world: VirtualClock, random: Random, skewMs: number) {
    this.#world = world;
    this.#timers = world.unruly(random);
    this.#random = random;
    this.#skewMs = skewMs;
  }

  /** Aborts when the process is killed. */
  get killed(): AbortSignal {
    return this.#death.signal;
  }

  /** How many timers the process waits for. */
  get timers(): number {
    return this.#timerCount;
  }

  get isHanging(): boolean {
    return this.#waiting !== undefined;
  }

  now(): number {
    return this.#world.now() + this.#skewMs;
  }

  monotonic(): number {
    return this.#world.monotonic();
  }

  after(delayMs: number, task: () => void): CancelTimer {
    return this.#plan(this.#timers, delayMs, true, task);
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = deferred<void>();
    const cancel = this.after(delayMs, resolve);
    using _ = onAbort(signal, (reason) => {
      cancel();
      reject(reason);
    });
    await promise;
  }

  /** Has something from outside arrive after that time. */
  deliver(delayMs: number, task: () => void): CancelTimer {
    return this.#plan(this.#world, delayMs, false, task);
  }

  hang(): void {
    if (!this.killed.aborted) this.#waiting ??= [];
  }

  goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    // Node looks at its timers before it looks at what arrived, unless it stood still right between.
    const timersFirst = chance(this.#random, 0.7);
    const isFirst = ({ isTimer }: Waiting) => isTimer === timersFirst;
    for (const { run } of waiting.filter(isFirst)) run();
    for (const { run } of waiting.filter((each) => !isFirst(each))) run();
  }

  kill(): void {
    this.#waiting = undefined;
    for (const cancel of [...this.#pending]) cancel();
    this.#death.abort(new Error('the process was killed'));
  }

  #plan(clock: Clock, delayMs: number, isTimer: boolean, task: () => void): CancelTimer {
    if (this.killed.aborted) return () => {};
    let isOver = false;
    const end = () => {
      isOver = true;
      this.#pending.delete(cancel);
      if (isTimer) this.#timerCount -= 1;
    };
    const run = () => {
      if (isOver) return;
      end();
      task();
    };
    const cancelTimer = clock.after(delayMs, () => {
      if (this.#waiting === undefined) run();
      else this.#waiting.push({ run, isTimer });
    });
    const cancel = () => {
      if (isOver) return;
      end();
      cancelTimer();
    };
    this.#pending.add(cancel);
    if (isTimer) this.#timerCount += 1;
    return cancel;
  }
}
