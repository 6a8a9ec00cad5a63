/** Tells of repositories whose refs or `HEAD` were changed, by whatever part of the daemon: all changes are ours. */
export class RefChanges {
  readonly #listeners = new Set<(gitDir: string) => void>();
  #count = 0;

  /** How many there were: while it stays, what was read of refs holds. */
  get count(): number {
    return this.#count;
  }

  /** Listeners must not throw. */
  onChange(listener: (gitDir: string) => void): void {
    this.#listeners.add(listener);
  }

  /** To be called after each change, before anybody is told of it. */
  announce(gitDir: string): void {
    this.#count += 1;
    for (const listener of this.#listeners) listener(gitDir);
  }
}
