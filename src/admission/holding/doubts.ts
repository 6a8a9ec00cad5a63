import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { ReleaseCause } from '../../purgatory/held-event.js';
import type { HeldSet } from '../../purgatory/held-sets.js';
import type { Purgatory } from '../../purgatory/purgatory.js';

/** Held events that are to be looked at again. */
export type Doubt = {
  readonly events: HeldSet;
  /** How it ends for those that may not be held. */
  readonly cause: ReleaseCause;
  /** Where the version stood that they hang on: those that name this address hang on the one that stands there now. */
  readonly address?: string;
};

/**
 * What is to be looked at again, event by event in slices of turns, however much hangs on one. Nothing is done for those
 * before their turn: anybody may have tens of thousands hang on one that is replaced again and again.
 */
export class Doubts {
  readonly #turns: WorkTurns;
  readonly #purgatory: Pick<Purgatory, 'idsIn'>;
  readonly #look: (id: string, doubt: Doubt) => void;
  /** Those that are still to begin, once each, however often they are doubted; and who waits for those before. */
  readonly #waiting = new Map<string | symbol, Doubt | (() => void)>();
  #current: { readonly doubt: Doubt; readonly ids: Iterator<string> } | undefined;
  #isRunning = false;

  /** `look` is called with each event. It must not throw. */
  constructor(
    turns: WorkTurns,
    purgatory: Pick<Purgatory, 'idsIn'>,
    look: (id: string, doubt: Doubt) => void,
  ) {
    this.#turns = turns;
    this.#purgatory = purgatory;
    this.#look = look;
  }

  add(doubt: Doubt): void {
    const key = `${doubt.events.type}:${doubt.events.name}`;
    if (!this.#waiting.has(key)) this.#waiting.set(key, doubt);
    if (!this.#isRunning) void this.#run();
  }

  /** Settles when all is looked at that was added before. */
  async drained(): Promise<void> {
    if (this.#isRunning) await new Promise<void>((resolve) => this.#waiting.set(Symbol(), resolve));
  }

  /** Looks at nothing more; nobody waits for that any longer. */
  clear(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#current = undefined;
    for (const each of waiting) if (typeof each === 'function') each();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#current !== undefined || this.#waiting.size > 0) {
      if (this.#turns.isOver) await this.#turns.next();
      this.#lookAtNext();
    }
    this.#isRunning = false;
  }

  #lookAtNext(): void {
    if (this.#current === undefined) this.#begin();
    if (this.#current === undefined) return;
    const { doubt, ids } = this.#current;
    const { value: id, done } = ids.next();
    if (done) this.#current = undefined;
    else this.#look(id, doubt);
  }

  #begin(): void {
    for (const [key, next] of this.#waiting) {
      this.#waiting.delete(key);
      if (typeof next === 'function') next();
      else this.#current = { doubt: next, ids: this.#purgatory.idsIn(next.events)[Symbol.iterator]() };
      return;
    }
  }
}
