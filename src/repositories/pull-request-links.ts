import { Links } from '../lib/collections/links.js';
import { parseAddress } from '../nostr/address.js';
import { repositoryAddress } from '../nostr/repository.js';
import { AddressNumbers, IdNumbers } from '../store/name-numbers.js';
import type { RepositoryId } from './repository-directory.js';

/**
 * Which stored pull requests name which repositories, in about 80 bytes each: what else they say is read from the
 * store when it is needed. An id and an address are held once for each link.
 */
export class PullRequestLinks {
  readonly #ids = new IdNumbers();
  readonly #addresses = new AddressNumbers();
  readonly #links = new Links();

  add(eventId: string, { pubkey, identifier }: RepositoryId): void {
    const pullRequest = this.#ids.hold(eventId);
    const repository = this.#addresses.hold(repositoryAddress(pubkey, identifier));
    if (!this.#links.has(pullRequest, repository)) this.#links.add(pullRequest, repository);
    else this.#release(pullRequest, repository);
  }

  /** Ends the links of a pull request; gives the repositories that it named. */
  take(eventId: string): RepositoryId[] {
    const pullRequest = this.#ids.find(eventId);
    if (pullRequest < 0) return [];
    const repositories: RepositoryId[] = [];
    for (const repository of this.#links.ofLeft(pullRequest)) {
      repositories.push(parseAddress(this.#addresses.nameOf(repository)) as RepositoryId);
      this.#links.delete(pullRequest, repository);
      this.#release(pullRequest, repository);
    }
    return repositories;
  }

  /** The ids of the pull requests that name a repository. */
  of({ pubkey, identifier }: RepositoryId): string[] {
    const repository = this.#addresses.find(repositoryAddress(pubkey, identifier));
    return repository < 0 ? [] : [...this.#links.ofRight(repository)].map((id) => this.#ids.nameOf(id));
  }

  #release(pullRequest: number, repository: number): void {
    this.#ids.release(pullRequest);
    this.#addresses.release(repository);
  }
}
