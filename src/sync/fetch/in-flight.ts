import { limits } from '../../config/limits.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';

type Download = { relay: string; readonly waiters: (() => void)[] };

/**
 * The ids that are being downloaded, over all relays: each is asked of one relay at a time, and of another only when
 * that one did not serve it, or takes too long. Bounded by the downloads that relays may have under way.
 */
export class InFlightIds {
  readonly #downloads = new Map<string, Download>();

  get size(): number {
    return this.#downloads.size;
  }

  /** Takes an id on; `false` when it is being downloaded already. */
  claim(id: string, relay: string): boolean {
    if (this.#downloads.has(id)) return false;
    this.#downloads.set(id, { relay, waiters: [] });
    return true;
  }

  /** Whether another relay is being asked for the id. */
  isElsewhere(id: string, relay: string): boolean {
    const download = this.#downloads.get(id);
    return download !== undefined && download.relay !== relay;
  }

  /** Takes an id on though another relay is asked for it, which takes too long. */
  takeOver(id: string, relay: string): void {
    const download = this.#downloads.get(id);
    if (download === undefined) this.claim(id, relay);
    else download.relay = relay;
  }

  /** The download of an id from this relay ended, whatever came of it; those who wait look for themselves. */
  release(id: string, relay: string): void {
    const download = this.#downloads.get(id);
    if (download?.relay !== relay) return;
    this.#downloads.delete(id);
    for (const wake of download.waiters) wake();
  }

  /** Calls `wake` once when the download of the id ended; at once when there is none. */
  whenReleased(id: string, wake: () => void): void {
    const download = this.#downloads.get(id);
    if (download === undefined) wake();
    else download.waiters.push(wake);
  }
}

/** An id that is to be asked for. */
export type Claimable = {
  readonly id: string;
  /** Whether another relay that is asked for it takes too long. */
  readonly isOverdue?: boolean;
};

/** Which of the ids that are in flight one connection asks for, and its waits for those that other relays are asked for. */
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

  /** What was asked for here came, or did not. */
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
