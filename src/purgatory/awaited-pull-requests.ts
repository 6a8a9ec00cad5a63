import { noteUse } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { isOfPrs, isSameRepository, type RepositoryKey } from '../git/bare-repositories.js';
import { localAddressGroup } from '../lib/budgets/address-group.js';
import type { Clock } from '../lib/clock.js';
import type { Journal } from '../store/journal.js';
import { type AwaitedPullRequest, awaitedNameOf, journalEntryOf } from './records.js';

const tooMany =
  'too many refs/nostr of this repository, or pushed from this address, wait for their events; publish those first';

/**
 * Refs `refs/nostr/<event id>` that were pushed before their events: for 20 minutes, across restarts. Bounded by
 * repository, by the address that pushed, and in all.
 */
export class AwaitedPullRequests {
  readonly #journal: Pick<Journal, 'put' | 'delete'>;
  readonly #clock: Pick<Clock, 'now'>;
  /** By name in the journal. */
  readonly #awaited = new Map<string, AwaitedPullRequest>();

  constructor(journal: Pick<Journal, 'put' | 'delete'>, clock: Pick<Clock, 'now'>) {
    this.#journal = journal;
    this.#clock = clock;
  }

  get size(): number {
    return this.#awaited.size;
  }

  /** Takes in what the journal has. */
  enter(awaited: AwaitedPullRequest): void {
    this.#awaited.set(awaitedNameOf(awaited), awaited);
  }

  /**
   * Begins to wait for an event; `written` settles when that is journaled. One that is waited for already keeps its time and
   * its address: nobody holds a place here for longer by pushing other commits to its ref.
   */
  add(
    repository: RepositoryKey,
    eventId: string,
    addressGroup: string | undefined,
  ): { readonly written: Promise<void> } | { readonly refusal: string } {
    if (this.has(repository, eventId)) return { written: Promise.resolve() };
    if (this.roomFor(repository, addressGroup) <= 0) return { refusal: tooMany };
    const deadlineMs = this.#clock.now() + limits.awaitedPullRequestMsMax;
    const value: AwaitedPullRequest = { repository: keyOnly(repository), eventId, addressGroup, deadlineMs };
    this.enter(value);
    const entry = journalEntryOf({ type: 'awaited', value });
    return { written: this.#journal.put(entry.name, entry.value) };
  }

  /** How many more refs of a repository, pushed from an address, are waited for at most. */
  roomFor(repository: RepositoryKey, addressGroup: string | undefined): number {
    const isCounted = addressGroup !== undefined && addressGroup !== localAddressGroup;
    const ofAddress = isCounted ? this.#matching((awaited) => awaited.addressGroup === addressGroup) : [];
    const ofRepository = this.of(repository);
    noteUse('awaitedPerRepositoryMax', ofRepository.length);
    noteUse('awaitedPerAddressMax', ofAddress.length);
    noteUse('awaitedMax', this.#awaited.size);
    return Math.min(
      limits.awaitedPerRepositoryMax - ofRepository.length,
      limits.awaitedPerAddressMax - ofAddress.length,
      limits.awaitedMax - this.#awaited.size,
    );
  }

  has(repository: RepositoryKey, eventId: string): boolean {
    return this.#awaited.has(awaitedNameOf({ repository, eventId }));
  }

  /** The events that a repository has refs for, and that have not come. */
  of(repository: RepositoryKey): string[] {
    return this.#matching((awaited) => isSameRepository(awaited.repository, repository)).map(
      ({ eventId }) => eventId,
    );
  }

  /** The repositories that have a ref for an event that has not come. */
  repositoriesOf(eventId: string): RepositoryKey[] {
    return this.#matching((awaited) => awaited.eventId === eventId).map(({ repository }) => repository);
  }

  /** Waits no longer, for the event has come or its ref is gone; settles when that is journaled. */
  async forget(repository: RepositoryKey, eventId: string): Promise<void> {
    const name = awaitedNameOf({ repository, eventId });
    if (this.#awaited.delete(name)) await this.#journal.delete(name);
  }

  /** Those whose time is over. They are forgotten with `forget`, when their refs are gone. */
  due(): AwaitedPullRequest[] {
    const nowMs = this.#clock.now();
    return this.#matching(({ deadlineMs }) => deadlineMs <= nowMs);
  }

  /** They are few; but not few enough for each of the refs of a repository. */
  #matching(isSuch: (awaited: AwaitedPullRequest) => boolean): AwaitedPullRequest[] {
    return [...this.#awaited.values()].filter(isSuch);
  }
}

/** For the journal, which takes whatever is in it. */
function keyOnly(repository: RepositoryKey): RepositoryKey {
  const { identifier } = repository;
  return isOfPrs(repository)
    ? { signer: repository.signer, identifier }
    : { pubkey: repository.pubkey, identifier };
}
