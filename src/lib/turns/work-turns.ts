/**
 * Turns of the event loop for the long work of one party, such as a client. Work is counted in units: one is what it
 * takes to look at one row of the index, a tenth of a microsecond or so.
 */
export type WorkTurns = {
  /** Whether so much was done in this turn that the rest should wait for the `next`. */
  readonly isOver: boolean;
  /** Settles when the work may go on. Rejects with the signal's reason, and when the party is gone. */
  next(signal?: AbortSignal): Promise<void>;
  /** Puts work that was done on the account of the party. */
  spend(units: number): void;
};
