import { limits } from '../../config/limits.js';
import { isOfPrs, isSameRepository, type RepositoryKey } from '../../git/bare-repositories.js';
import { pullRequestRef } from '../../git/ref-name.js';
import { isEmpty, readObjectTypes } from '../../git/refs.js';
import type { NostrEvent } from '../../nostr/event.js';
import { type PullRequest, parsePullRequest } from '../../repositories/pull-request.js';
import { refsOfMaintainers } from '../../repositories/refs-of-maintainers.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { BackgroundCopies } from './background-copies.js';
import { type CopyOutcome, ObjectCopies } from './object-copies.js';
import { despiteFaults, type PromotionParts, proposalParts, setRefs } from './promotion-parts.js';

type HeldPullRequest = PullRequest & { readonly event: NostrEvent };

/** In which other repositories a pull request has its ref, and in which it is to follow. */
type Followed = {
  readonly pullRequest: PullRequest;
  readonly set: readonly RepositoryId[];
  readonly late: readonly RepositoryId[];
  readonly copies: ObjectCopies;
};

/** Promotes pull requests whose commit is here; the caller is alone on the repository. */
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
    const waiting = pullRequests.filter(({ event }) => purgatory.has(event.id));
    const [here, lacking] = partition(waiting, ({ commit }) => types.get(commit) === 'commit');
    const awaited = new Set(purgatory.awaited.of(source));
    // What was pushed for it beforehand is another commit. Repositories of pull requests follow by themselves.
    const isWrong = ({ event }: HeldPullRequest) => !isOfPrs(source) && awaited.has(event.id);
    await this.#removeRefs(source, lacking.filter(isWrong));
    await this.#setRefs(source, here);
    for (let from = 0; from < here.length; from += limits.promotionsAtOnceMax) {
      const some = here.slice(from, from + limits.promotionsAtOnceMax);
      await this.#promote(source, some, othersUntilMs);
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

  /** Waits for an event no longer: its ref is the commit that it names, and goes where that is not here, or none. */
  async endAwaiting(repository: RepositoryKey, eventId: string, commit: string | undefined): Promise<void> {
    await this.#changeRefs(repository, new Map([[eventId, commit]]));
  }

  /**
   * Those that have their refs at the source get them in the other repositories that they name, and are stored, all together.
   * In repositories of other identifiers, in those that others work on, and where copies take longer than there is time, the
   * ref follows the stored event: objects are copied in the background.
   */
  async #promote(
    source: RepositoryKey,
    pullRequests: readonly HeldPullRequest[],
    othersUntilMs: number,
  ): Promise<void> {
    const { store, promote, alignment } = this.#parts;
    const followed: Followed[] = [];
    for (const pullRequest of pullRequests)
      followed.push(await this.#followAll(source, pullRequest, othersUntilMs));
    await Promise.all(pullRequests.map(({ event }) => promote(event)));
    for (const { pullRequest, set, late, copies } of followed) {
      const { eventId } = pullRequest;
      if (store.has(eventId)) this.#copyLater(source, pullRequest, late, copies);
      else {
        // It was deleted meanwhile, or is not wanted any more: nothing else would remove its refs.
        await this.#removeRefs(source, [pullRequest]);
        alignment.run(set.map((to) => ({ type: 'align-pull-request', eventId, ...to })));
      }
    }
  }

  async #followAll(
    source: RepositoryKey,
    pullRequest: PullRequest,
    othersUntilMs: number,
  ): Promise<Followed> {
    const { directory, clock, locks } = this.#parts;
    const copies = this.#newCopies();
    const set: RepositoryId[] = [];
    const late: RepositoryId[] = [];
    for (const repository of pullRequest.repositories) {
      if (isSameRepository(repository, source) || !directory.isServed(repository)) continue;
      const msMax = othersUntilMs - clock.monotonic();
      if (repository.identifier !== source.identifier || msMax <= 0) late.push(repository);
      else {
        await despiteFaults(this.#parts, this.#signal, repository, async () => {
          const follow = () => this.#follow(source, repository, pullRequest, copies, msMax);
          const outcome = await locks.useIfFree(repository, this.#signal, follow);
          if (outcome === 'here') set.push(repository);
          if (outcome === 'late' || outcome === 'busy') late.push(repository);
        });
      }
    }
    return { pullRequest, set, late, copies };
  }

  #newCopies(): ObjectCopies {
    return new ObjectCopies(proposalParts(this.#parts), limits.pullRequestCopyBytesMax, true);
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
  ): Promise<CopyOutcome> {
    await this.#parts.repositories.ensure(to);
    const copy = { from, to, objectIds: [pullRequest.commit] };
    const moveIn = (move: () => Promise<void>) => move();
    const outcome = await copies.copy(copy, { msMax, signal: this.#signal, moveIn });
    if (outcome === 'here') await this.#setRefs(to, [pullRequest]);
    return outcome;
  }

  async #setRefs(repository: RepositoryKey, pullRequests: readonly PullRequest[]): Promise<void> {
    const commits = new Map(pullRequests.map(({ eventId, commit }) => [eventId, commit]));
    const ofMaintainers = refsOfMaintainers(this.#parts.directory, repository, pullRequests);
    await this.#changeRefs(repository, commits, ofMaintainers);
  }

  async #removeRefs(
    repository: RepositoryKey,
    pullRequests: readonly Pick<PullRequest, 'eventId'>[],
  ): Promise<void> {
    await this.#changeRefs(repository, new Map(pullRequests.map(({ eventId }) => [eventId, undefined])));
  }

  /** Commits by event id; `undefined` for refs that are to go. None of them is waited for any more. */
  async #changeRefs(
    repository: RepositoryKey,
    commits: ReadonlyMap<string, string | undefined>,
    ofMaintainers: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    if (commits.size === 0) return;
    const pullRequests = new Map([...commits].map(([id, commit]) => [pullRequestRef(id), commit]));
    await setRefs(this.#parts, repository, { pullRequests, ofMaintainers });
    for (const id of commits.keys()) await this.#parts.purgatory.awaited.forget(repository, id);
  }
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []];
  for (const item of items) parts[isFirst(item) ? 0 : 1].push(item);
  return parts;
}
