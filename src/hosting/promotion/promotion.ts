import { limits } from '../../config/limits.js';
import {
  isOfPrs,
  isSameRepository,
  type PrsRepository,
  type RepositoryKey,
} from '../../git/bare-repositories.js';
import { isEmpty, readRefs } from '../../git/refs.js';
import { isAbort } from '../../lib/abort.js';
import { errorMessage } from '../../lib/errors.js';
import type { NostrEvent } from '../../nostr/event.js';
import { kinds } from '../../nostr/kinds.js';
import { isPullRequest } from '../../repositories/pull-request.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import { storedPullRequests } from '../../repositories/stored-pull-requests.js';
import { concernedRepositories } from '../concerned-repositories.js';
import { eventOf, readPullRequest } from '../push-context.js';
import { headOf, statesOf } from '../states.js';
import { BackgroundCopies } from './background-copies.js';
import { firstCompleteState } from './complete-state.js';
import { CopiesFromOthers } from './copies-from-others.js';
import { CopyPlaces } from './copy-places.js';
import { Looks } from './looks.js';
import { type PromotionParts, setRefs } from './promotion-parts.js';
import type { WantedObject } from './prs-sources.js';
import { PullRequestPromotion } from './pull-request-promotion.js';
import { StatePromotion } from './state-promotion.js';

/**
 * Takes held events to the store once their git data is here. All of it happens alone on the repository that has it, in
 * the order in which somebody who looks has to find it: announcement, refs, state, pull requests (git.md §2). What takes long in
 * other repositories, or has to wait for who works on them, follows later.
 */
export class Promotion {
  readonly #parts: PromotionParts;
  readonly #signal: AbortSignal;
  readonly #background: BackgroundCopies;
  readonly #states: StatePromotion;
  readonly #pullRequests: PullRequestPromotion;
  readonly #looks: Looks;
  readonly #others: CopiesFromOthers;

  constructor(parts: PromotionParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    const places = new CopyPlaces(parts.clock);
    this.#background = new BackgroundCopies(parts, places, signal);
    this.#states = new StatePromotion(parts, this.#background, signal, (repository) =>
      this.#announce(repository, () => isEmpty(parts.repositories.pathOf(repository))),
    );
    this.#pullRequests = new PullRequestPromotion(parts, this.#background, signal);
    this.#looks = new Looks(parts.locks, signal);
    this.#others = new CopiesFromOthers(parts, places, signal, (repository, move) =>
      this.takeIn(repository, false, move),
    );
  }

  /** Looks whether what an event waits for is here already, and if so promotes it. Makes its repository. */
  async examine(event: NostrEvent): Promise<'promoted' | 'waits'> {
    const { directory, purgatory, prs } = this.#parts;
    prs?.onEvent(event);
    for (const repository of prs?.repositoriesOf(event) ?? []) {
      if (!purgatory.has(event.id)) break;
      await this.#lookFor(event, repository, () => this.#promoteFrom(repository, [event]));
    }
    for (const repository of concernedRepositories(directory, event)) {
      if (!purgatory.has(event.id)) break;
      if (isPullRequest(event))
        await this.#lookFor(event, repository, () =>
          this.#pullRequests.promote(repository, [event], this.#othersUntilMs()),
        );
      else await this.#lookAtAllOf(repository, event);
    }
    return purgatory.has(event.id) ? 'waits' : 'promoted';
  }

  /** An event was refused: what was pushed before it to a repository of pull requests goes where it does not fit. */
  refused(event: NostrEvent): void {
    this.#parts.prs?.onEvent(event);
  }

  /**
   * After objects came into a repository, by a push or a fetch; the caller has the lock. `isOfState`: whether heads or tags
   * were set, and not only what anybody may push.
   */
  async afterObjects(repository: RepositoryId, isOfState: boolean): Promise<void> {
    if (isOfState) await this.#renew(repository);
    await this.#follow(repository, true);
  }

  /** After refs of these events were set in a repository of pull requests, by a push; the caller has the lock. */
  async afterPrs(repository: PrsRepository, eventIds: readonly string[]): Promise<void> {
    const { purgatory, store, prs } = this.#parts;
    const isHere = (event: NostrEvent) =>
      prs?.repositoriesOf(event).some((named) => isSameRepository(named, repository)) === true;
    const held = purgatory.pullRequestsBy(repository.signer).map(({ event }) => event);
    const waiting = new Set(held.map(({ id }) => id));
    await this.#promoteFrom(repository, held.filter(isHere));
    // What other relays sent was stored before its commit came.
    for (const id of eventIds.filter((eventId) => !waiting.has(eventId)).slice(0, limits.objectCopiesMax)) {
      const stored = await store.get(id);
      if (stored !== undefined && isHere(stored.event))
        this.#pullRequests.copyLater(repository, stored.event);
    }
    // Those that came when they had been judged already as unknown.
    for (const id of eventIds) {
      const event = purgatory.awaited.has(repository, id) ? await eventOf(this.#parts, id) : undefined;
      if (event !== undefined) prs?.onEvent(event);
    }
  }

  /**
   * Moves objects that were fetched into their repository, and lets follow what waited for them; `isOfState`: whether a state
   * names some of them. Nothing is moved where the repository has gone meanwhile, as is answered.
   */
  async takeIn(repository: RepositoryId, isOfState: boolean, move: () => Promise<void>): Promise<boolean> {
    const { directory, repositories, locks } = this.#parts;
    return await locks.use(repository, this.#signal, async () => {
      if (!directory.isServed(repository) || !(await repositories.exists(repository))) return false;
      await move();
      await this.afterObjects(repository, isOfState);
      return true;
    });
  }

  /** As `CopiesFromOthers.copy`. */
  async copyFromOthers(repository: RepositoryId, wanted: readonly WantedObject[]): Promise<boolean> {
    return await this.#others.copy(repository, wanted);
  }

  /** Everything that is held, as `recover` is to look at it after a start: a crash may have come between refs and events. */
  held(): NostrEvent[] {
    return [...this.#parts.purgatory.all()].map(({ event }) => event);
  }

  /** Looks at held events; gives those that could not be looked at, as where a killed git has left a lock behind just now. */
  async recover(events: readonly NostrEvent[]): Promise<NostrEvent[]> {
    const failed: NostrEvent[] = [];
    for (const event of events) {
      if (this.#signal.aborted) break;
      try {
        await this.examine(event);
      } catch (error) {
        if (isAbort(error, this.#signal)) break;
        this.#warn({ id: event.id }, error, 'a held event could not be examined');
        failed.push(event);
      }
    }
    return failed;
  }

  /** Waits until nothing is copied any more; nothing is begun after the signal aborted. */
  async ended(): Promise<void> {
    await this.#background.ended();
  }

  /** Removes the refs of pull requests whose events did not come in time, or do not fit. */
  async removeUnannounced(): Promise<void> {
    const { purgatory, repositories, prs } = this.#parts;
    for (const { repository, eventId } of purgatory.awaited.due()) {
      await this.#under(repository, async () => {
        const event = await eventOf(this.#parts, eventId);
        // One that came is compared with its ref; without one the ref goes.
        if (isOfPrs(repository)) {
          if (event === undefined) await purgatory.awaited.forget(repository, eventId);
          await prs?.align(repository, new Map([[eventId, event]]));
        } else if (await repositories.exists(repository)) {
          const known = event === undefined ? undefined : readPullRequest(event);
          const commit = known?.type === 'pull-request' ? known.commit : undefined;
          await this.#pullRequests.endAwaiting(repository, eventId, commit);
        }
        await purgatory.awaited.forget(repository, eventId);
      }).catch((error: unknown) => {
        // It is due the next time as well.
        if (!isAbort(error, this.#signal))
          this.#warn({ ...repository, eventId }, error, 'a ref of a pull request could not be removed');
      });
    }
  }

  /** Those of some events that are held and whose commit is in a repository of pull requests; the caller has the lock. */
  async #promoteFrom(repository: PrsRepository, events: readonly NostrEvent[]): Promise<void> {
    const { repositories, prs } = this.#parts;
    if (!(await repositories.exists(repository))) return;
    await this.#pullRequests.promote(repository, events, this.#othersUntilMs());
    await prs?.removeIfEmpty(repository);
  }

  /** A look for the sake of one event, which may be held no longer when its turn comes. */
  async #lookFor(event: NostrEvent, repository: RepositoryKey, look: () => Promise<void>): Promise<void> {
    await this.#looks.make(repository, async () => {
      if (this.#parts.purgatory.has(event.id)) await look();
    });
  }

  /** A look at all that is held of a repository, for the sake of events of which some may be held no longer. */
  async #lookAtAllOf(repository: RepositoryId, event: NostrEvent): Promise<void> {
    const { purgatory, repositories } = this.#parts;
    await this.#looks.makeOne(repository, event.id, async (eventIds) => {
      const held = [...eventIds].flatMap((id) => purgatory.get(id)?.event ?? []);
      if (held.some(({ kind }) => kind === kinds.repositoryAnnouncement))
        await repositories.ensure(repository);
      if (held.length > 0) await this.#follow(repository, false);
    });
  }

  async #under(repository: RepositoryKey, work: () => Promise<void>): Promise<void> {
    await this.#parts.locks.use(repository, this.#signal, work);
  }

  /** The steps of git.md §2 after a push. */
  async #follow(repository: RepositoryId, isPushed: boolean): Promise<void> {
    const { purgatory, repositories } = this.#parts;
    const othersUntilMs = this.#othersUntilMs();
    // A state may have hundreds of repositories looked at, of strangers who named its author: each is read once.
    let emptiness: Promise<boolean> | undefined;
    const isBare = () => {
      emptiness ??= isEmpty(repositories.pathOf(repository));
      return emptiness;
    };
    await this.#announce(repository, async () => !isPushed && (await isBare()));
    const complete = await firstCompleteState(this.#parts, repository, isBare);
    if (complete !== undefined) await this.#states.promote(repository, complete, othersUntilMs);
    await this.#followHead(repository, isBare);
    const pullRequests = purgatory.pullRequestsOf(repository).map(({ event }) => event);
    await this.#pullRequests.promote(repository, pullRequests, othersUntilMs);
  }

  /** Has the announcement of a repository stored, where it is held and its git data came; the caller has the lock. */
  async #announce(repository: RepositoryId, isBare: () => Promise<boolean>): Promise<void> {
    const { purgatory, promote } = this.#parts;
    const announcement = purgatory.announcementOf(repository);
    if (announcement === undefined || (await isBare())) return;
    await promote(announcement.event);
    await this.#followEarlierPullRequests(repository);
  }

  /** Some may have been stored before the announcement (GRASP-06): now they have refs in its repository as well. */
  async #followEarlierPullRequests({ pubkey, identifier }: RepositoryId): Promise<void> {
    let followed = 0;
    for await (const eventIds of storedPullRequests(this.#parts, { pubkey, identifier })) {
      this.#parts.alignment.run(
        eventIds.map((eventId) => ({ type: 'align-pull-request', eventId, pubkey, identifier }) as const),
      );
      followed += eventIds.length;
      // Of more alignment looks at all.
      if (followed > limits.alignmentPullRequestsMax) return;
    }
  }

  /** What is waited for has begun to come: those who wait have their full time again. */
  async #renew(repository: RepositoryId): Promise<void> {
    const { purgatory } = this.#parts;
    const states = await statesOf(this.#parts, repository);
    const ids = states.filter(({ isHeld }) => isHeld).map(({ id }) => id);
    const announcement = purgatory.announcementOf(repository)?.event.id;
    for (const id of announcement === undefined ? ids : [announcement, ...ids]) await purgatory.renew(id);
  }

  /** `HEAD` stands for the branch of the newest state as soon as that branch is there, whatever lacks. */
  async #followHead(repository: RepositoryId, isBare: () => Promise<boolean>): Promise<void> {
    const { git, repositories } = this.#parts;
    const [newest] = await statesOf(this.#parts, repository);
    const head = newest?.isHeld === true ? headOf(newest) : undefined;
    if (head === undefined || (await isBare())) return;
    const gitDir = repositories.pathOf(repository);
    if (!(await readRefs(git, gitDir, [head])).has(head)) return;
    await setRefs(this.#parts, repository, { head });
  }

  /** Until when, by the monotonic clock, other repositories than the first may be worked on under one lock. */
  #othersUntilMs(): number {
    return this.#parts.clock.monotonic() + limits.promotionOthersMsMax;
  }

  #warn(details: object, error: unknown, message: string): void {
    this.#parts.log.warn({ ...details, error: errorMessage(error) }, message);
  }
}
