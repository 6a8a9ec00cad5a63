import { limits } from '../../config/limits.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';

/** Pings a remote and finds out when nothing comes from it any more, though its socket is open. */
export class KeepAlive {
  readonly #clock: Clock;
  #heardAt: number;
  #cancel: CancelTimer = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardAt = clock.monotonic();
  }

  /** A sign of life. */
  hear(): void {
    this.#heardAt = this.#clock.monotonic();
  }

  /** `isBehind`: whether we have not looked at all that came, so that the remote cannot be blamed. */
  start(remote: { ping(): void; isBehind(): boolean; onSilent(): void }): void {
    const beat = () => {
      if (remote.isBehind()) this.hear();
      if (this.#clock.monotonic() - this.#heardAt > limits.remoteSilenceMsMax) {
        remote.onSilent();
        return;
      }
      remote.ping();
      this.#cancel = this.#clock.after(limits.remotePingIntervalMs, beat);
    };
    this.#cancel = this.#clock.after(limits.remotePingIntervalMs, beat);
  }

  stop(): void {
    this.#cancel();
  }
}
