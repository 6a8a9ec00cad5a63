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
