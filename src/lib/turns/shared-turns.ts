import { type Deferred, deferred } from '../abort.js';
import { GraspError } from '../errors.js';
import type { WorkTurns } from './turn-scheduler.js';

/** Nobody waits for the work any more. */
export class NobodyWaitsError extends GraspError {
  constructor() {
    super('nobody_waits', 'nobody waits for it any more');
  }
}

type Party = {
  readonly turns: WorkTurns;
  /** Whether it was asked for a turn that it has not had yet. */
  isAsked: boolean;
};

/**
 * The turns of all who wait for one piece of work: it goes on in whichever comes first and is charged to that party, so
 * that nobody who waits is held up by one whose turns come late. It ends when all of them have left.
 */
export class SharedTurns implements WorkTurns {
  readonly #parties = new Set<Party>();
  /** Whose turn it is, or was last. */
  #current: WorkTurns | undefined;
  #waiting: Deferred<void> | undefined;

  /** Takes the turns of one more party; the first is taken to have its turn now. Gives the way to leave. */
  join(turns: WorkTurns): () => void {
    const party: Party = { turns, isAsked: false };
    this.#parties.add(party);
    this.#current ??= turns;
    if (this.#waiting !== undefined) void this.#ask(party);
    return () => this.#leave(party, new NobodyWaitsError());
  }

  get isOver(): boolean {
    return this.#current?.isOver === true;
  }

  /** Rejects with `NobodyWaitsError`, or as the turns of the last party that was left did. */
  async next(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#parties.size === 0) throw new NobodyWaitsError();
    const waiting = deferred<void>();
    this.#waiting = waiting;
    for (const party of this.#parties) void this.#ask(party);
    await waiting.promise;
    signal?.throwIfAborted();
  }

  spend(units: number): void {
    this.#current?.spend(units);
  }

  async #ask(party: Party): Promise<void> {
    if (party.isAsked) return;
    party.isAsked = true;
    try {
      await party.turns.next();
      party.isAsked = false;
      if (this.#parties.has(party)) this.#goOn(party);
    } catch (error) {
      this.#leave(party, error);
    }
  }

  #goOn({ turns }: Party): void {
    if (this.#waiting === undefined) return;
    this.#current = turns;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  #leave(party: Party, reason: unknown): void {
    this.#parties.delete(party);
    if (this.#parties.size > 0) return;
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
  }
}
