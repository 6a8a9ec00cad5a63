import { type CancelTimer, type Clock, clockOf } from '../../src/lib/clock.js';
import { type Random, randomInteger } from '../../src/lib/random.js';

/** `isQuick`: the timer that follows at the same time runs in the same turn, as Node's do. */
type Timer = {
  readonly at: number;
  readonly order: number;
  task: (() => void) | undefined;
  readonly isQuick: boolean;
};

/** How far the timers of an unruly clock are off, in milliseconds; several fall together on multiples of the last. */
const unruly = { earlyMsMax: 1, lateMsMax: 40, togetherMs: 10 };

/**
 * A clock that moves only when told to. `advance` runs the timers that fall due one after another, in the order of
 * their time and then of their making, and lets everything that one of them set off come to rest before the next.
 *
 * Rest means that the microtasks are spent, that no `setImmediate` waits, and that no file is being read or written; work on
 * threads or sockets is not waited for, so what runs under this clock must not use them.
 */
export class VirtualClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  #jumpedMs = 0;
  #orders = 0;
  #cancelled = 0;
  #heap: Timer[] = [];

  /** `startMs`: the wall-clock time at which the clock starts, in milliseconds since 1970. */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs + this.#jumpedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#heap.length - this.#cancelled;
  }

  after(delayMs: number, task: () => void): CancelTimer {
    return this.#set(this.#dueAt(delayMs), false, task);
  }

  /**
   * The same time, with timers as real ones are: a clock of ours upon timers that fire a little early, late, and several
   * in one turn.
   */
  unruly(random: Random): Clock {
    return clockOf({
      now: () => this.now(),
      monotonic: () => this.monotonic(),
      set: (delayMs, _, task) => this.#set(this.#driftedDueAt(delayMs, random), true, task),
    });
  }

  /** Like Node's timers: whole milliseconds, and never less than one, so that no loop runs without time passing. */
  #dueAt(delayMs: number): number {
    return this.#elapsedMs + Math.max(1, Math.ceil(delayMs));
  }

  #driftedDueAt(delayMs: number, random: Random): number {
    const due = this.#dueAt(delayMs);
    switch (randomInteger(random, 4)) {
      case 0:
        return due - random.next() * unruly.earlyMsMax * 0.99;
      case 1:
        return due + random.next() * unruly.lateMsMax;
      case 2:
        return Math.ceil(due / unruly.togetherMs) * unruly.togetherMs;
      default:
        return due;
    }
  }

  #set(at: number, isQuick: boolean, task: () => void): CancelTimer {
    const timer: Timer = { at, order: this.#orders++, task, isQuick };
    this.#push(timer);
    return () => {
      if (timer.task === undefined) return;
      timer.task = undefined;
      this.#cancelled += 1;
      if (this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) this.#sweep();
    };
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Sets the wall clock forward or back, as an operator or NTP does; timers and `monotonic` do not notice. */
  jump(byMs: number): void {
    this.#jumpedMs += byMs;
  }

  /** Lets `durationMs` pass. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#elapsedMs + durationMs;
    await settle();
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs))
      await this.#run(timer);
    this.#elapsedMs = endMs;
  }

  /** Lets time pass until `condition` holds, looked at after every timer; returns whether it came to hold in time. */
  async advanceUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.#elapsedMs + limitMs;
    await settle();
    while (!condition()) {
      const timer = this.#next(endMs);
      if (timer === undefined) {
        this.#elapsedMs = endMs;
        return condition();
      }
      await this.#run(timer);
    }
    return true;
  }

  /** Runs a timer, and those that run in one turn with it; then everything comes to rest. */
  async #run(first: Timer): Promise<void> {
    this.#elapsedMs = first.at;
    for (let timer: Timer | undefined = first; timer !== undefined; timer = this.#nextWith(timer)) {
      const { task } = timer;
      timer.task = undefined;
      task?.();
    }
    await settle();
  }

  #nextWith({ at, isQuick }: Timer): Timer | undefined {
    const next = isQuick ? this.#next(at) : undefined;
    if (next === undefined || next.isQuick) return next;
    this.#push(next);
    return undefined;
  }

  /** Takes the earliest timer that is due by `endMs` off the heap. */
  #next(endMs: number): Timer | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.task !== undefined && first.at > endMs) return undefined;
      this.#pop();
      if (first.task !== undefined) return first;
      this.#cancelled -= 1;
    }
    return undefined;
  }

  /** Forgets cancelled timers, so that time limits that were never reached do not pile up. */
  #sweep(): void {
    const live = this.#heap.filter((timer) => timer.task !== undefined);
    this.#heap = live.sort((a, b) => (isBefore(a, b) ? -1 : 1));
    this.#cancelled = 0;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(timer);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(timer, heap[parent] as Timer)) break;
      heap[index] = heap[parent] as Timer;
      index = parent;
    }
    heap[index] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      if (!isBefore(heap[child] as Timer, last)) break;
      heap[index] = heap[child] as Timer;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at !== b.at ? a.at < b.at : a.order < b.order;
}

/** The wait that is under way: two would wait for each other for ever, as when a test that ran out of time goes on. */
let settling: Promise<void> | undefined;

/** Waits until everything that was set off has come to rest. */
export async function settle(): Promise<void> {
  settling ??= waitForRest();
  await settling;
}

/** Work that is under way, by Node's names: immediates, and requests of files. */
const work: ReadonlySet<string> = new Set(['Immediate', 'FSReqPromise', 'FSReqCallback', 'CloseReq']);

async function waitForRest(): Promise<void> {
  do {
    // Node spends all microtasks before it runs an immediate.
    await new Promise<void>((resolve) => setImmediate(resolve));
  } while (process.getActiveResourcesInfo().some((name) => work.has(name)));
  settling = undefined;
}
