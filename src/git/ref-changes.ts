/** Tells of repositories whose refs or `HEAD` were changed, by whatever part of the daemon: all changes are ours. */
export class RefChanges {
  readonly #listeners = new Set<(gitDir: string) => void>();

  /** Listeners must not throw. */
  onChange(listener: (gitDir: string) => void): void {
    this.#listeners.add(listener);
  }

  /** To be called after each change, before anybody is told of it. */
  announce(gitDir: string): void {
    for (const listener of this.#listeners) listener(gitDir);
  }
}
