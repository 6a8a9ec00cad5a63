import { limits } from '../../config/limits.js';
import type { Options } from '../../config/options.js';
import { deferred, onAbort } from '../../lib/abort.js';
import { errorMessage } from '../../lib/errors.js';
import type { HeldLease } from '../../store/opened-store.js';
import type { LeaseHolder, LeaseWaiting } from '../../store/postgres/writer-lease.js';
import type { Surroundings } from '../surroundings.js';
import { type Follower, type OwnNode, startFollower } from './follower.js';
import type { WriterAddress } from './writer-link.js';

/**
 * What a graspd does while another one writes to the database: it serves clients as one that follows, where both are reached
 * by each other, and else it stands by. It begins anew when it cannot go on.
 */
export class Following implements LeaseWaiting {
  readonly signal: AbortSignal;
  readonly #options: Options;
  readonly #surroundings: Surroundings;
  readonly #onServing: (() => void) | undefined;
  readonly #stop = new AbortController();
  #writer: WriterAddress | undefined;
  #lease: HeldLease = { holder: 'unknown', untilMs: 0 };
  #follower: Follower | undefined;
  #running: Promise<void> | undefined;

  /** `onServing` is called when it serves its port meanwhile; without it, it must not. */
  constructor(
    options: Options,
    surroundings: Surroundings,
    signal: AbortSignal,
    onServing: (() => void) | undefined,
  ) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.signal = signal;
    this.#onServing = onServing;
  }

  onLook(lease: HeldLease): void {
    this.#lease = lease;
  }

  onWait({ name, reached }: LeaseHolder): void {
    const { logger } = this.#surroundings;
    const { nodeUrl } = this.#options;
    const follows = this.#onServing !== undefined && nodeUrl !== undefined && reached !== undefined;
    logger.warn(
      { holder: name },
      follows
        ? 'another graspd writes to the database: this one follows it'
        : 'another graspd writes to the database: this one waits until it may',
    );
    if (!follows) return;
    this.#writer = reached;
    this.#follower?.moveTo(reached);
    this.#running ??= this.#run({ url: nodeUrl, lease: () => this.#lease });
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(node: OwnNode): Promise<void> {
    const { clock, logger } = this.#surroundings;
    const signal = AbortSignal.any([this.#stop.signal, this.signal]);
    const stopped = deferred<void>();
    using _ = onAbort(signal, () => stopped.resolve());
    while (!signal.aborted) {
      try {
        const writer = this.#writer as WriterAddress;
        await using follower = await startFollower(this.#options, this.#surroundings, writer, node);
        this.#follower = follower;
        this.#onServing?.();
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
