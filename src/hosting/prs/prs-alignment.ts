import { limits } from '../../config/limits.js';
import { alignRefs } from '../../git/align-refs.js';
import { type BareRepositories, isOfPrs, type PrsRepository, textOf } from '../../git/bare-repositories.js';
import type { Git } from '../../git/git-command.js';
import { removeBlockers } from '../../git/locks/blockers.js';
import type { RepositoryLocks } from '../../git/locks/repository-locks.js';
import { isPullRequestRef, pullRequestRef } from '../../git/ref-name.js';
import type { Refs } from '../../git/ref-plan.js';
import { hasRefs, readAllRefs, readRefNames, readRefs } from '../../git/refs.js';
import { unlessAborted } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import { TaskGroup } from '../../lib/task-group.js';
import { Slots } from '../../lib/turns/slots.js';
import { Wakeup } from '../../lib/wakeup.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Purgatory } from '../../purgatory/purgatory.js';
import { prsRepositoriesOf, whyNotIn } from '../../repositories/prs-repositories.js';
import { isPullRequest } from '../../repositories/pull-request.js';
import type { EventStore, RemovedEvent } from '../../store/event-store.js';
import type { HostingLog } from '../hosting-log.js';
import { readPullRequest } from '../push-context.js';
import { eventIdOf } from '../push-verdict.js';
import type { PrsMetrics } from './prs-metrics.js';
import type { PrsRegistry } from './prs-registry.js';

export type PrsAlignmentParts = {
  readonly registry: PrsRegistry;
  readonly repositories: BareRepositories;
  readonly git: Git;
  readonly locks: RepositoryLocks;
  readonly store: Pick<EventStore, 'get' | 'has'>;
  readonly purgatory: Purgatory;
  readonly refsChanged: (gitDir: string) => void;
  /** Told of each repository that was removed from the disk. */
  readonly onRemoved: (repository: PrsRepository) => void;
  /** Whether a URL of an event names our service. */
  readonly isOwnService: (url: string) => boolean;
  readonly clock: Clock;
  readonly metrics: PrsMetrics;
  readonly log: HostingLog;
};

/** Which refs of a repository are looked at: all, or those of events by id, with the event where one came. */
export type PrsScope = 'all' | ReadonlyMap<string, NostrEvent | undefined>;

type Waiting = {
  readonly repository: PrsRepository;
  readonly events: Map<string, NostrEvent | undefined>;
  /** Whether it waits for its lock. */
  isBegun: boolean;
};

/**
 * Keeps repositories of pull requests as the events say (GRASP-06): a ref stays while its event fits, or may still come; a
 * repository goes with its last ref. It is told where to look, and looks at each under its lock; at all of them, one after the
 * other, after a start, and from time to time.
 */
export class PrsAlignment {
  readonly #parts: PrsAlignmentParts;
  /** Events that came or went, by the repository that they may have a ref in. */
  readonly #waiting = new Map<string, Waiting>();
  /** Ids of events that left the store, by who signed them. */
  readonly #gone = new Map<string, Set<string>>();
  readonly #wakeup = new Wakeup();
  #listed: Promise<void> | undefined;

  constructor(parts: PrsAlignmentParts) {
    this.#parts = parts;
  }

  /** Resolves when all that is on disk is entered in the registry; looked for once. */
  async listed(): Promise<void> {
    this.#listed ??= this.#list();
    try {
      await this.#listed;
    } catch (error) {
      this.#listed = undefined;
      throw error;
    }
  }

  /** The repositories in which an event has its ref, whether or not they are on disk. */
  repositoriesOf(event: NostrEvent): PrsRepository[] {
    return prsRepositoriesOf(event, this.#parts.isOwnService);
  }

  /** An event came, and was stored, held or refused: refs that were pushed for it stay or go. */
  onEvent(event: NostrEvent): void {
    const { purgatory, registry } = this.#parts;
    if (!isPullRequest(event)) return;
    const own = this.repositoriesOf(event).filter((repository) => registry.has(repository));
    const awaiting = purgatory.awaited.repositoriesOf(event.id).filter(isOfPrs);
    for (const repository of [...own, ...awaiting]) this.#schedule(repository, event.id, event);
  }

  /** Events left the store. */
  onRemoved(removed: readonly Pick<RemovedEvent, 'id' | 'kind' | 'pubkey'>[]): void {
    for (const event of removed) {
      if (!isPullRequest(event) || !this.#parts.registry.hasAny(event.pubkey)) continue;
      const ids = this.#gone.get(event.pubkey) ?? new Set();
      this.#gone.set(event.pubkey, ids.add(event.id));
      this.#wakeup.notify();
    }
  }

  /** Works until the signal aborts. */
  async serve(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#lookAtAllAgainAndAgain(signal), this.#lookWhereTold(signal)]);
  }

  /** Makes refs of a repository what their events say; the caller has the lock. */
  async align(repository: PrsRepository, scope: PrsScope = 'all'): Promise<void> {
    const { repositories, git, purgatory, refsChanged, metrics, clock } = this.#parts;
    if (await repositories.exists(repository)) {
      const gitDir = repositories.pathOf(repository);
      const refs = await this.#refsIn(gitDir, scope);
      const ids = scope === 'all' ? [...refs.keys()].filter(isPullRequestRef).map(eventIdOf) : scope.keys();
      const pullRequests = new Map<string, string | undefined>();
      for (const id of ids) {
        const name = pullRequestRef(id);
        const event = scope === 'all' ? undefined : scope.get(id);
        const wanted = await this.#wantedFor(repository, id, event, refs.get(name));
        if (wanted === 'as-it-is') continue;
        pullRequests.set(name, wanted.commit);
        await purgatory.awaited.forget(repository, id);
      }
      await removeBlockers(gitDir, clock.now());
      // All of them are of the signer, whose repository it is.
      const ofMaintainers = new Set(pullRequests.keys());
      const whole = { declared: undefined, head: undefined, pullRequests, ofMaintainers };
      const { changes } = await alignRefs(git, gitDir, whole, refs).catch((error: unknown) => {
        // Some of them may have moved.
        refsChanged(gitDir);
        throw error;
      });
      if (changes.length > 0) refsChanged(gitDir);
      const removed = changes.filter(({ type }) => type === 'delete').length;
      metrics.countRemovedRefs(removed);
      // Seen without asking git: most are as they are to be.
      if (scope === 'all' && refs.size > removed) return;
    }
    await this.removeIfEmpty(repository);
  }

  /** After a push, whatever became of it. */
  async afterPush(repository: PrsRepository, signal: AbortSignal): Promise<void> {
    await this.#under(repository, signal, () => this.removeIfEmpty(repository));
  }

  /** Removes a repository that has no ref, and to which nobody pushes; the caller has the lock. */
  async removeIfEmpty(repository: PrsRepository): Promise<void> {
    const { registry, repositories, git, locks, refsChanged, onRemoved, metrics, log } = this.#parts;
    if (registry.isPushedTo(repository)) return;
    if (await repositories.exists(repository)) {
      const gitDir = repositories.pathOf(repository);
      // A push may have begun meanwhile.
      if ((await hasRefs(git, gitDir)) || registry.isPushedTo(repository)) return;
      await locks.useStill(repository, () => repositories.remove(repository));
      refsChanged(gitDir);
      onRemoved(repository);
      metrics.countChange('removed');
      log.info({ ...repository }, 'repository of pull requests removed: it has no ref any more');
    }
    if (!registry.isPushedTo(repository)) registry.delete(repository);
  }

  /** What the ref of an event is to be, without one where it is to go. `event`: one that came, though it may not be kept. */
  async #wantedFor(
    repository: PrsRepository,
    id: string,
    event: NostrEvent | undefined,
    current: string | undefined,
  ): Promise<'as-it-is' | { readonly commit: string | undefined }> {
    const { store, purgatory } = this.#parts;
    const isKnown = store.has(id) || purgatory.has(id);
    const isAwaited = purgatory.awaited.has(repository, id);
    if (!isKnown && !isAwaited) return { commit: undefined };
    // What an event says never changes: it fitted when the ref was set.
    if (isKnown && !isAwaited && event === undefined) return 'as-it-is';
    const known = purgatory.get(id)?.event ?? (await store.get(id))?.event;
    if (known === undefined) {
      // One that was refused and fits may be taken at the next try.
      const fits = event === undefined || this.#commitIn(event, repository) === current;
      return fits ? 'as-it-is' : { commit: undefined };
    }
    return { commit: this.#commitIn(known, repository) };
  }

  async #refsIn(gitDir: string, scope: PrsScope): Promise<Refs> {
    const { git } = this.#parts;
    if (scope !== 'all' && scope.size <= limits.pushRefsByNameMax)
      return await readRefs(git, gitDir, [...scope.keys()].map(pullRequestRef));
    return await readAllRefs(git, gitDir);
  }

  /** The commit that an event gives its ref in a repository, if it has one there. */
  #commitIn(event: NostrEvent | undefined, repository: PrsRepository): string | undefined {
    if (event === undefined) return undefined;
    if (whyNotIn(event, repository, this.#parts.isOwnService) !== undefined) return undefined;
    const read = readPullRequest(event);
    return read.type === 'pull-request' ? read.commit : undefined;
  }

  async #list(): Promise<void> {
    const { registry, repositories } = this.#parts;
    for await (const repository of repositories.listPrs()) registry.add(repository);
  }

  #schedule(repository: PrsRepository, eventId: string, event?: NostrEvent): void {
    const key = textOf(repository);
    const waiting = this.#waiting.get(key) ?? { repository, events: new Map(), isBegun: false };
    this.#waiting.set(key, waiting);
    const { events } = waiting;
    // More than that at once are left to the next look at all.
    if (events.has(eventId) || events.size < limits.alignmentPullRequestsMax)
      events.set(eventId, event ?? events.get(eventId));
    this.#wakeup.notify();
  }

  /** Few at once, but none waits for another whose lock somebody holds. */
  async #lookWhereTold(signal: AbortSignal): Promise<void> {
    const tasks = new TaskGroup(signal);
    const slots = new Slots(limits.alignmentsAtOnceMax);
    while (!signal.aborted) {
      for (const [signer, ids] of this.#gone) {
        this.#gone.delete(signer);
        await this.#findGone(signer, ids, signal);
      }
      for (const [key, waiting] of this.#waiting) {
        if (waiting.isBegun) continue;
        waiting.isBegun = true;
        const { repository, events } = waiting;
        const look = async () => {
          // What comes from now on is looked at after this.
          this.#waiting.delete(key);
          await this.align(repository, events);
        };
        tasks.spawn(() => this.#under(repository, signal, () => slots.use(signal, look)));
      }
      await unlessAborted(this.#wakeup.wait(), signal).catch(() => {});
    }
    await tasks.join();
  }

  /** Nobody knows any more which repositories such events named: of all of their signer those are found that have a ref. */
  async #findGone(signer: string, ids: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (const repository of this.#parts.registry.of(signer)) {
      if (signal.aborted) return;
      const gitDir = this.#parts.repositories.pathOf(repository);
      const names = await readRefNames(gitDir, 'refs/nostr').catch(() => undefined);
      for (const id of ids) if (names?.has(pullRequestRef(id)) !== false) this.#schedule(repository, id);
    }
  }

  /** What fails is found by the next look at all, and what a stop ends by that after the next start. */
  async #under(repository: PrsRepository, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const { locks, log } = this.#parts;
    try {
      await locks.use(repository, signal, work);
    } catch (error) {
      if (signal.aborted) return;
      const details = { ...repository, error: errorMessage(error) };
      log.warn(details, 'a repository of pull requests could not be aligned with its events');
    }
  }

  async #lookAtAllAgainAndAgain(signal: AbortSignal): Promise<void> {
    const { repositories, registry, clock, log } = this.#parts;
    while (!signal.aborted) {
      try {
        await this.listed();
        for await (const repository of repositories.listPrs()) {
          registry.add(repository);
          await this.#under(repository, signal, () => this.align(repository));
          await clock.sleep(limits.surveyPauseMs, signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ error: errorMessage(error) }, 'repositories of pull requests cannot be looked at');
      }
      await clock.sleep(limits.repositorySweepIntervalMs, signal).catch(() => {});
    }
  }
}
