import type { PrsRepository } from '../../git/bare-repositories.js';

export type PrsRegistrySettings = {
  /** Repositories of pull requests of one key. */
  readonly keyRepositoriesMax: number;
  /** Of all keys. */
  readonly repositoriesMax: number;
};

/**
 * Which repositories of pull requests there are, by signer and identifier, with how many pushes to each are under way: also
 * one that is being pushed to for the first time counts. Keys cost nothing, so that they are bounded in all as well.
 */
export class PrsRegistry {
  readonly #settings: PrsRegistrySettings;
  /** By signer and identifier, how many pushes are under way. */
  readonly #entries = new Map<string, Map<string, number>>();
  #size = 0;

  constructor(settings: PrsRegistrySettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#size;
  }

  has({ signer, identifier }: PrsRepository): boolean {
    return this.#entries.get(signer)?.has(identifier) === true;
  }

  /** Whether a key has any. */
  hasAny(signer: string): boolean {
    return this.#entries.has(signer);
  }

  isPushedTo({ signer, identifier }: PrsRepository): boolean {
    return (this.#entries.get(signer)?.get(identifier) ?? 0) > 0;
  }

  /** Those of one signer. */
  of(signer: string): PrsRepository[] {
    return [...(this.#entries.get(signer)?.keys() ?? [])].map((identifier) => ({ signer, identifier }));
  }

  /** Why there may not be one more, unless it is there, in words for who pushes. */
  refusal(repository: PrsRepository): string | undefined {
    if (this.has(repository)) return undefined;
    const { keyRepositoriesMax, repositoriesMax } = this.#settings;
    const ofKey = this.#entries.get(repository.signer)?.size ?? 0;
    if (ofKey >= keyRepositoriesMax)
      return `one key may have ${keyRepositoriesMax} repositories of pull requests on this server (--grasp06-key-repositories)`;
    if (this.#size >= repositoriesMax)
      return `this server takes ${repositoriesMax} repositories of pull requests, and has as many (--grasp06-repositories)`;
    return undefined;
  }

  /**
   * Whether there may be one more, which is entered already, for commits that come before their events. Anybody may push those
   * to the address of any key: they have one half, as of the room on the disk.
   */
  hasRoomBeforeEvents({ signer }: PrsRepository): boolean {
    const { keyRepositoriesMax, repositoriesMax } = this.#settings;
    const ofKey = this.#entries.get(signer)?.size ?? 0;
    return ofKey <= Math.ceil(keyRepositoriesMax / 2) && this.#size <= Math.ceil(repositoriesMax / 2);
  }

  /** Enters one that is on disk. */
  add(repository: PrsRepository): void {
    this.#count(repository, 0);
  }

  /** A push begins, or ends. */
  begin(repository: PrsRepository): void {
    this.#count(repository, 1);
  }

  end(repository: PrsRepository): void {
    this.#count(repository, -1);
  }

  /** Forgets one that is not on disk, and not pushed to. */
  delete({ signer, identifier }: PrsRepository): void {
    const ofSigner = this.#entries.get(signer);
    if (ofSigner?.delete(identifier) !== true) return;
    this.#size -= 1;
    if (ofSigner.size === 0) this.#entries.delete(signer);
  }

  #count({ signer, identifier }: PrsRepository, change: number): void {
    const ofSigner = this.#entries.get(signer) ?? new Map<string, number>();
    this.#entries.set(signer, ofSigner);
    const pushes = ofSigner.get(identifier);
    if (pushes === undefined) this.#size += 1;
    ofSigner.set(identifier, (pushes ?? 0) + change);
  }
}
