import type { Logger } from 'pino';
import { limits } from '../../config/limits.js';
import { deferred, onAbort } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { HeldLease } from '../../store/opened-store.js';
import type { LeaseHolder, LeaseWaiting } from '../../store/postgres/writer-lease.js';
import type { Follower } from './follower.js';
import type { WriterAddress } from './links/writer-link.js';

export type FollowingParts = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /**
   * Serves what that one writes; without it this one stands by. `lease`: who may write, as it is known last. Rejects when that
   * cannot be begun.
   */
  readonly follow: ((writer: WriterAddress, lease: () => HeldLease) => Promise<Follower>) | undefined;
};

/**
 * What a graspd does while another one writes to the database: it serves clients as one that follows, where both are reached
 * by each other, and else it stands by. It begins anew when it cannot go on.
 */
export class Following implements LeaseWaiting {
  readonly signal: AbortSignal;
  readonly #parts: FollowingParts;
  readonly #stop = new AbortController();
  #writer: WriterAddress | undefined;
  #lease: HeldLease = { holder: 'unknown', untilMs: 0 };
  #follower: Follower | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
    this.signal = parts.signal;
  }

  onLook(lease: HeldLease): void {
    this.#lease = lease;
  }

  onWait({ name, reached }: LeaseHolder): void {
    const { logger, follow } = this.#parts;
    const follows = follow !== undefined && reached !== undefined;
    logger.warn(
      { holder: name },
      follows
        ? 'another graspd writes to the database: this one follows it'
        : 'another graspd writes to the database: this one waits until it may',
    );
    if (!follows) return;
    this.#writer = reached;
    this.#follower?.moveTo(reached);
    this.#running ??= this.#run(follow);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(follow: NonNullable<FollowingParts['follow']>): Promise<void> {
    const { clock, logger } = this.#parts;
    const signal = AbortSignal.any([this.#stop.signal, this.signal]);
    const stopped = deferred<void>();
    using _ = onAbort(signal, () => stopped.resolve());
    while (!signal.aborted) {
      try {
        const writer = this.#writer as WriterAddress;
        await using follower = await follow(writer, () => this.#lease);
        this.#follower = follower;
        if (this.#writer !== writer) follower.moveTo(this.#writer as WriterAddress);
        await Promise.race([stopped.promise, follower.failed]);
      } catch (error) {
        logger.error({ reason: errorMessage(error) }, 'following another graspd failed: it begins anew');
        await clock.sleep(limits.nodeRetryMsMax, signal).catch(() => {});
      } finally {
        this.#follower = undefined;
      }
    }
  }
}
