import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import { FairSlots } from '../../lib/turns/fair-slots.js';
import type { HostBudget } from './host-budget.js';

/** What has come from a relay of what it was asked for in catch-up. */
export type Progress = {
  readonly bytes: number;
  readonly events: number;
  /** Whether we have not yet looked at all that came, so that it is we who are slow. */
  readonly isBehind: boolean;
};

/** A batch of catch-up that waits for a place, or has one. */
export type Transfer = {
  readonly host: HostBudget;
  /** What came of what the relay was asked for, until now. */
  readonly progress: () => Progress;
  /** Ends its turn: it goes on later. */
  readonly endTurn: () => void;
};

/**
 * Limits how many batches of catch-up run at once, over all relays; the places go to one domain after the other. A batch
 * whose relay sends next to nothing loses its place to one that waits, and goes on without. There is a bound on those too:
 * above it, the oldest ends its turn. So does one that makes progress for long while others wait.
 */
export class Transfers {
  readonly #clock: Clock;
  readonly #places = new FairSlots(limits.syncTransfersMax);
  readonly #slow = new Set<Transfer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `work` in its turn. Rejects with the signal's reason when that aborts before. */
  async use(transfer: Transfer, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    await transfer.host.transfers.use(signal, async () => {
      const leave = await this.#places.enter(transfer.host.party, signal);
      const stopWatching = this.#watch(transfer, leave);
      try {
        await work();
      } finally {
        stopWatching();
        this.#slow.delete(transfer);
        leave();
      }
    });
  }

  /** Every few seconds: takes the place away when somebody waits for it and the relay makes no progress, or had it for long. */
  #watch(transfer: Transfer, leave: () => void): () => void {
    const beganAt = this.#clock.monotonic();
    let before = { at: beganAt, progress: transfer.progress() };
    let cancel = () => {};
    const look = () => {
      const now = { at: this.#clock.monotonic(), progress: transfer.progress() };
      const isMoving = isProgress(before.progress, now.progress, now.at - before.at);
      before = now;
      const isOver = now.at - beganAt >= limits.syncTransferTurnMs;
      if (this.#places.waiting === 0 || (isMoving && !isOver)) {
        cancel = this.#clock.after(limits.syncProgressLookMs, look);
        return;
      }
      if (isMoving) return transfer.endTurn();
      this.#slow.add(transfer);
      leave();
      this.#makeRoom();
    };
    cancel = this.#clock.after(limits.syncProgressLookMs, look);
    return () => cancel();
  }

  #makeRoom(): void {
    if (!exceeds('syncSlowTransfersMax', this.#slow.size)) return;
    for (const oldest of this.#slow) {
      this.#slow.delete(oldest);
      oldest.endTurn();
      return;
    }
  }
}

/** Whether enough came in that time to keep the place. */
function isProgress(before: Progress, now: Progress, elapsedMs: number): boolean {
  if (now.isBehind) return true;
  const seconds = elapsedMs / 1000;
  return (
    now.bytes - before.bytes >= limits.syncProgressBytesPerSecondMin * seconds ||
    now.events - before.events >= limits.syncProgressEventsPerSecondMin * seconds
  );
}
