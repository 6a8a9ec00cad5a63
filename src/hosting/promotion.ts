import { limits } from '../config/limits.js';
import { alignRefs } from '../git/align-refs.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import type { Git } from '../git/git-command.js';
import { pullRequestRef } from '../git/ref-name.js';
import { isEmpty, readObjectTypes, readRefs, setHead } from '../git/refs.js';
import { isAbort } from '../lib/abort.js';
import { errorMessage } from '../lib/errors.js';
import type { KeyedLocks } from '../lib/turns/keyed-locks.js';
import type { NostrEvent } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import { isPullRequest, type PullRequest, parsePullRequest } from '../repositories/pull-request.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import { checkedIdentifier } from '../repositories/repository-identifier.js';
import type { EventStore } from '../store/event-store.js';
import {
  type CompleteState,
  firstCompleteState,
  hasAllObjects,
  withWhatWasPushed,
} from './complete-state.js';
import { type CopyParts, ObjectCopies } from './object-copies.js';
import { type EventState, headOf, statesOf } from './states.js';

/** What the git side needs of a logger: pino's shape, details first. */
export type HostingLog = {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
};

export type PromotionParts = CopyParts & {
  readonly directory: RepositoryDirectory;
  readonly store: Pick<EventStore, 'get' | 'has'>;
  readonly purgatory: Purgatory;
  /** Takes a held event to the store and the feed; resolves when it is stored, or will not be. */
  readonly promote: (event: NostrEvent) => Promise<void>;
  readonly repositories: BareRepositories;
  readonly git: Git;
  readonly locks: KeyedLocks;
  /** Told of every repository whose refs or `HEAD` were changed. */
  readonly refsChanged: (gitDir: string) => void;
  readonly log: HostingLog;
};

/**
 * Takes held events to the store once their git data is here. All of it happens under the lock of the identifier, in the
 * order in which somebody who looks has to find it: announcement, refs, state, pull requests (git.md §2).
 */
export class Promotion {
  readonly #parts: PromotionParts;
  readonly #signal: AbortSignal;

  constructor(parts: PromotionParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Looks whether what an event waits for is here already, and if so promotes it. Makes its repository. */
  async examine(event: NostrEvent): Promise<'promoted' | 'waits'> {
    const repositories = this.#repositoriesOf(event);
    for (const repository of repositories) {
      if (!this.#parts.purgatory.has(event.id)) break;
      await this.#under(repository.identifier, async () => {
        if (event.kind === kinds.repositoryAnnouncement) await this.#parts.repositories.ensure(repository);
        if (isPullRequest(event)) await this.#promotePullRequests(repository, [event]);
        else await this.#follow(repository, false);
      });
    }
    return this.#parts.purgatory.has(event.id) ? 'waits' : 'promoted';
  }

  /**
   * After objects came into a repository, by a push or a fetch; the caller has the lock. `isOfState`: whether heads or tags
   * were set, and not only what anybody may push.
   */
  async afterObjects(repository: RepositoryId, isOfState: boolean): Promise<void> {
    if (isOfState) await this.#renew(repository);
    await this.#follow(repository, true);
  }

  /** Looks at everything that is held, as after a start: a crash may have come between refs and events. */
  async recover(): Promise<void> {
    for (const { event } of [...this.#parts.purgatory.all()]) {
      if (this.#signal.aborted) return;
      try {
        await this.examine(event);
      } catch (error) {
        if (isAbort(error, this.#signal)) return;
        this.#warn({ id: event.id }, error, 'a held event could not be examined');
      }
    }
  }

  /** Removes the refs of pull requests whose events did not come in time. */
  async removeUnannounced(): Promise<void> {
    const { purgatory, store, repositories } = this.#parts;
    for (const { repository, eventId } of purgatory.awaited.due()) {
      await this.#under(repository.identifier, async () => {
        const isKnown = store.has(eventId) || purgatory.pullRequest(eventId) !== undefined;
        if (isKnown || !(await repositories.exists(repository))) {
          await purgatory.awaited.forget(repository, eventId);
        } else await this.#removeAwaited(repository, eventId);
      }).catch((error: unknown) => {
        // It is due the next time as well.
        if (!isAbort(error, this.#signal))
          this.#warn({ ...repository, eventId }, error, 'a ref of a pull request could not be removed');
      });
    }
  }

  async #under(identifier: string, work: () => Promise<void>): Promise<void> {
    await this.#parts.locks.use(identifier, this.#signal, work);
  }

  #repositoriesOf(event: NostrEvent): RepositoryId[] {
    const { directory } = this.#parts;
    const { pubkey } = event;
    if (isPullRequest(event)) {
      return parsePullRequest(event).repositories.filter((repository) => directory.isServed(repository));
    }
    if (event.kind === kinds.repositoryAnnouncement)
      return [{ pubkey, identifier: checkedIdentifier(event) }];
    if (event.kind === kinds.repositoryState)
      return directory.servedAndMaintainedBy(pubkey, checkedIdentifier(event));
    return [];
  }

  /** The steps of git.md §2 after a push. */
  async #follow(repository: RepositoryId, isPushed: boolean): Promise<void> {
    const { purgatory, repositories, promote } = this.#parts;
    const announcement = purgatory.announcementOf(repository);
    if (announcement !== undefined && (isPushed || !(await isEmpty(repositories.pathOf(repository))))) {
      await promote(announcement.event);
    }
    const complete = await firstCompleteState(this.#parts, repository);
    if (complete !== undefined) await this.#apply(repository, complete);
    await this.#followHead(repository);
    const pullRequests = purgatory.pullRequestsOf(repository).map(({ event }) => event);
    await this.#promotePullRequests(repository, pullRequests);
  }

  /** What is waited for has begun to come: those who wait have their full time again. */
  async #renew(repository: RepositoryId): Promise<void> {
    const { purgatory } = this.#parts;
    const states = await statesOf(this.#parts, repository);
    const ids = states.filter(({ isHeld }) => isHeld).map(({ id }) => id);
    const announcement = purgatory.announcementOf(repository)?.event.id;
    for (const id of announcement === undefined ? ids : [announcement, ...ids]) await purgatory.renew(id);
  }

  /** Sets the refs of a state in every repository that it governs, then lets its event be stored. */
  async #apply(source: RepositoryId, complete: CompleteState): Promise<void> {
    const { state } = complete;
    const { directory, promote } = this.#parts;
    const copies = new ObjectCopies(this.#parts, Number.POSITIVE_INFINITY);
    const maintainers = directory.maintainersOf(source);
    const isTrusted = ({ pubkey }: RepositoryId) => maintainers.has(pubkey);
    const governed = directory.servedAndMaintainedBy(state.event.pubkey, source.identifier);
    // Anybody may name somebody else's maintainers: those who are not named back come last.
    for (const repository of [...governed.filter(isTrusted), ...governed.filter((one) => !isTrusted(one))]) {
      const [newest] = (await statesOf(this.#parts, repository)).filter(
        ({ isHeld, id }) => !isHeld || id === state.id,
      );
      // One that another maintainer published later governs this one.
      if (newest?.id !== state.id) continue;
      await this.#despiteOthers(source, repository, async () => {
        await this.#parts.repositories.ensure(repository);
        // To an announcement of a stranger that names these maintainers nothing is given before somebody pushes to it.
        const mayCopy = isTrusted(repository) || directory.isAnnounced(repository);
        const known = isSame(source, repository) ? complete : undefined;
        await this.#setRefs(source, repository, state, { copies: mayCopy ? copies : undefined, known });
      });
    }
    await promote(state.event);
  }

  async #setRefs(
    source: RepositoryId,
    repository: RepositoryId,
    state: EventState,
    {
      copies,
      known,
    }: { readonly copies: ObjectCopies | undefined; readonly known: CompleteState | undefined },
  ): Promise<void> {
    const { git, repositories, refsChanged } = this.#parts;
    const gitDir = repositories.pathOf(repository);
    const values = [...new Set(state.refs.values())];
    if (!isSame(source, repository) && !(await hasAllObjects(git, gitDir, values))) {
      if (copies === undefined || !(await copies.copy(source, repository, values))) return;
    }
    const declared = known === undefined ? state.refs : withWhatWasPushed(known);
    const wanted = { declared, head: headOf(state), pullRequests: new Map() };
    try {
      await alignRefs(git, gitDir, wanted, known?.refs);
    } finally {
      refsChanged(gitDir);
    }
  }

  /** What goes wrong in another repository than that which was pushed to is not the fault of who pushed. */
  async #despiteOthers(
    source: RepositoryId,
    repository: RepositoryId,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isSame(source, repository) || isAbort(error, this.#signal)) throw error;
      this.#warn({ ...repository }, error, 'a repository could not follow what was pushed to another');
    }
  }

  /** `HEAD` stands for the branch of the newest state as soon as that branch is there, whatever lacks. */
  async #followHead(repository: RepositoryId): Promise<void> {
    const { git, repositories, refsChanged } = this.#parts;
    const [newest] = await statesOf(this.#parts, repository);
    const head = newest?.isHeld === true ? headOf(newest) : undefined;
    if (head === undefined) return;
    const gitDir = repositories.pathOf(repository);
    if (!(await readRefs(git, gitDir, [head])).has(head)) return;
    await setHead(git, gitDir, head);
    refsChanged(gitDir);
  }

  /** Pull requests whose commit is here get their refs in all repositories that they name, then are stored. */
  async #promotePullRequests(source: RepositoryId, events: readonly NostrEvent[]): Promise<void> {
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
      if (types.get(commit) === 'commit') await this.#promotePullRequest(source, event, pullRequest);
      // What was pushed for it beforehand is another commit.
      else if (awaited.has(event.id)) await this.#removeAwaited(source, event.id);
    }
  }

  async #promotePullRequest(
    source: RepositoryId,
    event: NostrEvent,
    pullRequest: PullRequest,
  ): Promise<void> {
    const { directory, store, promote } = this.#parts;
    const copies = new ObjectCopies(this.#parts, limits.pullRequestCopyBytesMax);
    const others = pullRequest.repositories.filter((other) => !isSame(other, source));
    const set: RepositoryId[] = [];
    for (const repository of [source, ...others]) {
      if (!directory.isServed(repository)) continue;
      await this.#despiteOthers(source, repository, async () => {
        await this.#parts.repositories.ensure(repository);
        if (repository !== source && !(await copies.copy(source, repository, [pullRequest.commit]))) return;
        // Where another lock is needed, alignment sets the ref, once the event is stored.
        if (repository.identifier !== source.identifier) return;
        await this.#setPullRequest(repository, pullRequest);
        set.push(repository);
      });
    }
    await promote(event);
    if (store.has(event.id)) return;
    // It was deleted meanwhile, or is not wanted any more: nothing else would remove its refs.
    for (const repository of set) await this.#removeAwaited(repository, event.id);
  }

  async #setPullRequest(repository: RepositoryId, { eventId, commit }: PullRequest): Promise<void> {
    const { git, repositories, purgatory, refsChanged } = this.#parts;
    const gitDir = repositories.pathOf(repository);
    const pullRequests = new Map([[pullRequestRef(eventId), commit]]);
    await alignRefs(git, gitDir, { declared: undefined, head: undefined, pullRequests });
    await purgatory.awaited.forget(repository, eventId);
    refsChanged(gitDir);
  }

  async #removeAwaited(repository: RepositoryId, eventId: string): Promise<void> {
    const { git, repositories, purgatory, refsChanged } = this.#parts;
    const gitDir = repositories.pathOf(repository);
    const pullRequests = new Map([[pullRequestRef(eventId), undefined]]);
    await alignRefs(git, gitDir, { declared: undefined, head: undefined, pullRequests });
    refsChanged(gitDir);
    await purgatory.awaited.forget(repository, eventId);
  }

  #warn(details: object, error: unknown, message: string): void {
    this.#parts.log.warn({ ...details, error: errorMessage(error) }, message);
  }
}

function isSame(a: RepositoryId, b: RepositoryId): boolean {
  return a.pubkey === b.pubkey && a.identifier === b.identifier;
}
