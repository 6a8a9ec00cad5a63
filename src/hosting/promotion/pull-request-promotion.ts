import { limits } from '../../config/limits.js';
import { isSameRepository, type RepositoryKey } from '../../git/bare-repositories.js';
import { pullRequestRef } from '../../git/ref-name.js';
import { isEmpty, readObjectTypes } from '../../git/refs.js';
import type { NostrEvent } from '../../nostr/event.js';
import { type PullRequest, parsePullRequest } from '../../repositories/pull-request.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { BackgroundCopies } from './background-copies.js';
import { ObjectCopies } from './object-copies.js';
import { despiteFaults, type PromotionParts, proposalParts, setRefs } from './promotion-parts.js';

/** Promotes pull requests whose commit is here; the caller has the lock of the identifier. */
export class PullRequestPromotion {
  readonly #parts: PromotionParts;
  readonly #background: BackgroundCopies;
  readonly #signal: AbortSignal;

  constructor(parts: PromotionParts, background: BackgroundCopies, signal: AbortSignal) {
    this.#parts = parts;
    this.#background = background;
    this.#signal = signal;
  }

  /** Those of them whose commit is here get their refs in the repositories that they name, and are stored. */
  async promote(source: RepositoryKey, events: readonly NostrEvent[], othersUntilMs: number): Promise<void> {
    const { purgatory, repositories, git } = this.#parts;
    const gitDir = repositories.pathOf(source);
    if (events.length === 0 || (await isEmpty(gitDir))) return;
    const pullRequests = events.map((event) => ({ event, ...parsePullRequest(event) }));
    // However many name this repository, git is asked once.
    const commits = [...new Set(pullRequests.map(({ commit }) => commit))];
    const types = await readObjectTypes(git, gitDir, commits);
    const awaited = new Set(purgatory.awaited.of(source));
    for (const pullRequest of pullRequests) {
      const { event, commit } = pullRequest;
      if (!purgatory.has(event.id)) continue;
      if (types.get(commit) === 'commit') await this.#promote(source, event, pullRequest, othersUntilMs);
      // What was pushed for it beforehand is another commit.
      else if (awaited.has(event.id)) await this.removeAwaited(source, event.id);
    }
  }

  /** Has a stored pull request, whose commit came, followed in the repositories that it names, in the background. */
  copyLater(source: RepositoryKey, event: NostrEvent): void {
    const pullRequest = parsePullRequest(event);
    const served = pullRequest.repositories.filter((repository) =>
      this.#parts.directory.isServed(repository),
    );
    this.#copyLater(source, pullRequest, served, this.#newCopies());
  }

  /** Removes the ref of a pull request that did not come, or is another one. */
  async removeAwaited(repository: RepositoryKey, eventId: string): Promise<void> {
    await setRefs(this.#parts, repository, { pullRequests: new Map([[pullRequestRef(eventId), undefined]]) });
    await this.#parts.purgatory.awaited.forget(repository, eventId);
  }

  /**
   * In repositories of other identifiers, whose locks are not taken here, and where copies take longer than there is time,
   * the ref follows the stored event: objects are copied in the background.
   */
  async #promote(
    source: RepositoryKey,
    event: NostrEvent,
    pullRequest: PullRequest,
    othersUntilMs: number,
  ): Promise<void> {
    const { directory, store, promote, clock } = this.#parts;
    const copies = this.#newCopies();
    const set: RepositoryKey[] = [source];
    const late: RepositoryId[] = [];
    await this.#setRef(source, pullRequest);
    for (const repository of pullRequest.repositories) {
      if (isSameRepository(repository, source) || !directory.isServed(repository)) continue;
      const msMax = othersUntilMs - clock.monotonic();
      if (repository.identifier !== source.identifier || msMax <= 0) late.push(repository);
      else {
        await despiteFaults(this.#parts, this.#signal, repository, async () => {
          const outcome = await this.#follow(source, repository, pullRequest, copies, msMax);
          if (outcome === 'here') set.push(repository);
          if (outcome === 'late') late.push(repository);
        });
      }
    }
    await promote(event);
    if (store.has(event.id)) {
      this.#copyLater(source, pullRequest, late, copies);
      return;
    }
    // It was deleted meanwhile, or is not wanted any more: nothing else would remove its refs.
    for (const repository of set) await this.removeAwaited(repository, event.id);
  }

  #newCopies(): ObjectCopies {
    return new ObjectCopies(proposalParts(this.#parts), limits.pullRequestCopyBytesMax);
  }

  #copyLater(
    from: RepositoryKey,
    { eventId, commit }: PullRequest,
    late: readonly RepositoryId[],
    copies: ObjectCopies,
  ): void {
    const isWanted = () => this.#parts.store.has(eventId);
    for (const { pubkey, identifier } of late.slice(0, limits.objectCopiesMax)) {
      const to = { pubkey, identifier };
      const effect = { type: 'align-pull-request', eventId, ...to } as const;
      this.#background.add({ from, to, objectIds: [commit], copies, isWanted, effect });
    }
  }

  async #follow(
    from: RepositoryKey,
    to: RepositoryId,
    pullRequest: PullRequest,
    copies: ObjectCopies,
    msMax: number,
  ): Promise<'here' | 'no-room' | 'late'> {
    await this.#parts.repositories.ensure(to);
    const copy = { from, to, objectIds: [pullRequest.commit] };
    const moveIn = (move: () => Promise<void>) => move();
    const outcome = await copies.copy(copy, { msMax, signal: this.#signal, moveIn });
    if (outcome === 'here') await this.#setRef(to, pullRequest);
    return outcome;
  }

  async #setRef(repository: RepositoryKey, { eventId, commit }: PullRequest): Promise<void> {
    await setRefs(this.#parts, repository, { pullRequests: new Map([[pullRequestRef(eventId), commit]]) });
    await this.#parts.purgatory.awaited.forget(repository, eventId);
  }
}
