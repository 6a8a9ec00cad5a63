import { limits } from '../config/limits.js';
import { Links } from '../lib/collections/links.js';
import { parseAddress } from '../nostr/address.js';
import type { NostrEvent } from '../nostr/event.js';
import { repositoryAddress } from '../nostr/repository.js';
import type { EventStore, RemovedEvent } from '../store/event-store.js';
import { AddressNumbers, IdNumbers } from '../store/name-numbers.js';
import { isPullRequest, parsePullRequest } from './pull-request.js';
import type { RepositoryId } from './repository-directory.js';
import { namingFilter } from './stored-pull-requests.js';

/** What is asked of the store. */
type Source = Pick<EventStore, 'ids' | 'idsInTurns' | 'has'>;

/**
 * Which repositories stored pull requests name, in about 80 bytes each, for when they go: then the index tells it no more. An id
 * and an address are held once for each link.
 *
 * Very many may have been stored before the announcement of what they name. These are entered in later turns; one that goes
 * before that is taken to name what is being read.
 */
export class PullRequestLinks {
  readonly #ids = new IdNumbers();
  readonly #addresses = new AddressNumbers();
  readonly #links = new Links();
  /** Announced repositories of which not all are entered yet, by address. */
  readonly #unread = new Map<string, RepositoryId>();
  #store: Source | undefined;
  #isReading = false;

  /** Says where those are that are stored already. */
  readFrom(store: Source): void {
    this.#store = store;
  }

  /** Enters one that was stored. Throws `InvalidEventError` as `parsePullRequest`. */
  enter(event: NostrEvent): void {
    for (const repository of parsePullRequest(event).repositories) this.#add(event.id, repository);
  }

  /** Enters those that were stored before a repository that they name was announced. */
  enterEarlier(repository: RepositoryId): void {
    if (this.#store === undefined) return;
    const ids = this.#store.ids(namingFilter(repository), limits.pullRequestsEnteredAtOnceMax);
    if (ids !== undefined) {
      for (const id of ids) this.#add(id, repository);
      return;
    }
    this.#unread.set(repositoryAddress(repository.pubkey, repository.identifier), repository);
    if (!this.#isReading) void this.#readOn(this.#store);
  }

  /** Ends the links of an event that left the store; gives the repositories that it named. */
  take({ id, kind }: Pick<RemovedEvent, 'id' | 'kind'>): RepositoryId[] {
    if (!isPullRequest({ kind })) return [];
    const named = new Map<string, RepositoryId>(this.#unread);
    const pullRequest = this.#ids.find(id);
    for (const repository of pullRequest < 0 ? [] : this.#links.ofLeft(pullRequest)) {
      const address = this.#addresses.nameOf(repository);
      const { pubkey, identifier } = parseAddress(address) as RepositoryId;
      named.set(address, { pubkey, identifier });
      this.#links.delete(pullRequest, repository);
      this.#release(pullRequest, repository);
    }
    return [...named.values()];
  }

  #add(eventId: string, { pubkey, identifier }: RepositoryId): void {
    const pullRequest = this.#ids.hold(eventId);
    const repository = this.#addresses.hold(repositoryAddress(pubkey, identifier));
    if (!this.#links.has(pullRequest, repository)) this.#links.add(pullRequest, repository);
    else this.#release(pullRequest, repository);
  }

  async #readOn(store: Source): Promise<void> {
    this.#isReading = true;
    for (const [address, repository] of this.#unread) {
      const perTurn = limits.pullRequestsEnteredAtOnceMax;
      for await (const ids of store.idsInTurns(namingFilter(repository), perTurn))
        for (const id of ids) if (store.has(id)) this.#add(id, repository);
      this.#unread.delete(address);
    }
    this.#isReading = false;
  }

  #release(pullRequest: number, repository: number): void {
    this.#ids.release(pullRequest);
    this.#addresses.release(repository);
  }
}
