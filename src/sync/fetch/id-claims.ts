import { limits } from '../../config/limits.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';
import type { InFlightIds } from './in-flight.js';

/** An id that is to be asked for. */
export type Claimable = {
  readonly id: string;
  /** Whether another relay that is asked for it takes too long. */
  readonly isOverdue?: boolean;
};

/** What one connection takes on of the ids that are downloaded over all relays, and its waits for the others. */
export class IdClaims<Wanted extends Claimable> {
  readonly #relay: string;
  readonly #clock: Clock;
  readonly #inFlight: InFlightIds;
  readonly #putBack: (wanted: readonly Wanted[]) => void;
  readonly #waits = new Set<CancelTimer>();

  /** `putBack` gets ids again that are to be looked at anew: their download ended, or takes another relay too long. */
  constructor(parts: {
    readonly relay: string;
    readonly clock: Clock;
    readonly inFlight: InFlightIds;
    readonly putBack: (wanted: readonly Wanted[]) => void;
  }) {
    this.#relay = parts.relay;
    this.#clock = parts.clock;
    this.#inFlight = parts.inFlight;
    this.#putBack = parts.putBack;
  }

  /** Takes on what nobody is asked for, or is for too long; returns that. The rest comes back later. */
  take(wanted: readonly Wanted[]): Wanted[] {
    const busy = new Set<Wanted>();
    const own = wanted.filter((each) => {
      if (each.isOverdue === true) this.#inFlight.takeOver(each.id, this.#relay);
      else if (!this.#inFlight.claim(each.id, this.#relay)) busy.add(each);
      return !busy.has(each);
    });
    if (busy.size > 0) this.#waitForOthers(busy);
    return own;
  }

  /** What was asked for here is settled, whatever came of it. */
  release(ids: readonly string[]): void {
    for (const id of ids) this.#inFlight.release(id, this.#relay);
  }

  /** The connection ended. */
  stop(): void {
    for (const cancel of this.#waits) cancel();
    this.#waits.clear();
  }

  #waitForOthers(busy: Set<Wanted>): void {
    const cancel = this.#clock.after(limits.downloadClaimMsMax, () => {
      this.#waits.delete(cancel);
      const overdue = [...busy].filter(({ id }) => this.#inFlight.isElsewhere(id, this.#relay));
      for (const wanted of overdue) busy.delete(wanted);
      this.#putBack(overdue.map((wanted) => ({ ...wanted, isOverdue: true })));
    });
    this.#waits.add(cancel);
    for (const wanted of busy) {
      this.#inFlight.whenReleased(wanted.id, () => {
        if (!busy.delete(wanted)) return;
        if (busy.size === 0 && this.#waits.delete(cancel)) cancel();
        this.#putBack([wanted]);
      });
    }
  }
}
