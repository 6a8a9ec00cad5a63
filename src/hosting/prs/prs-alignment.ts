import { limits } from '../../config/limits.js';
import { alignRefs } from '../../git/align-refs.js';
import { type BareRepositories, isOfPrs, type PrsRepository, textOf } from '../../git/bare-repositories.js';
import type { Git } from '../../git/git-command.js';
import { isPullRequestRef, pullRequestRef } from '../../git/ref-name.js';
import { readRefFiles, readRefs } from '../../git/refs.js';
import { removeStaleLocks } from '../../git/stale-locks.js';
import { unlessAborted } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { KeyedLocks } from '../../lib/turns/keyed-locks.js';
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
  /** By identifier, as for announced repositories: what is pushed is copied to those under one lock. */
  readonly locks: KeyedLocks;
  readonly store: Pick<EventStore, 'get'>;
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

type Waiting = { readonly repository: PrsRepository; readonly events: Map<string, NostrEvent> };

/**
 * Keeps repositories of pull requests as the events say (GRASP-06): a ref stays while its event fits, or may still come; a
 * repository goes with its last ref. It is told where to look, and looks at one after the other, each under its lock; at all
 * of them after a start, and from time to time.
 */
export class PrsAlignment {
  readonly #parts: PrsAlignmentParts;
  readonly #waiting = new Map<string, Waiting>();
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
    for (const repository of [...own, ...awaiting]) this.#schedule(repository, event);
  }

  /** Events left the store. */
  onRemoved(removed: readonly Pick<RemovedEvent, 'kind' | 'pubkey'>[]): void {
    const { registry } = this.#parts;
    const signers = new Set(removed.filter(isPullRequest).map(({ pubkey }) => pubkey));
    for (const signer of signers) for (const repository of registry.of(signer)) this.#schedule(repository);
  }

  /** Works until the signal aborts. */
  async serve(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#lookAtAllAgainAndAgain(signal), this.#lookAtOneAfterTheOther(signal)]);
  }

  /** Makes the refs of a repository what their events say; the caller has the lock. `events`: those that it may not know. */
  async align(repository: PrsRepository, events: ReadonlyMap<string, NostrEvent> = new Map()): Promise<void> {
    const { repositories, git, store, purgatory, refsChanged, metrics, clock } = this.#parts;
    if (await repositories.exists(repository)) {
      const gitDir = repositories.pathOf(repository);
      const refs = (await readRefFiles(gitDir)) ?? (await readRefs(git, gitDir, []));
      const ids = new Set([...events.keys(), ...[...refs.keys()].filter(isPullRequestRef).map(eventIdOf)]);
      const wanted = new Map<string, string | undefined>();
      for (const id of ids) {
        const known = purgatory.get(id)?.event ?? (await store.get(id))?.event;
        const commit = this.#commitIn(known ?? events.get(id), repository);
        const mayCome = known === undefined && purgatory.awaited.has(repository, id);
        // One that was refused and fits may be taken at the next try.
        const fits = !events.has(id) || commit === refs.get(pullRequestRef(id));
        if (mayCome && fits) continue;
        wanted.set(pullRequestRef(id), known === undefined ? undefined : commit);
        await purgatory.awaited.forget(repository, id);
      }
      const whole = { declared: undefined, head: undefined, pullRequests: wanted };
      await removeStaleLocks(gitDir, clock.now());
      const { changes } = await alignRefs(git, gitDir, whole, refs).finally(() => refsChanged(gitDir));
      metrics.countRemovedRefs(changes.filter(({ type }) => type === 'delete').length);
    }
    await this.removeIfEmpty(repository);
  }

  /** After a push, whatever became of it. */
  async afterPush(repository: PrsRepository, signal: AbortSignal): Promise<void> {
    await this.#under(repository, signal, () => this.removeIfEmpty(repository));
  }

  /** Removes a repository that has no ref, and to which nobody pushes; the caller has the lock. */
  async removeIfEmpty(repository: PrsRepository): Promise<void> {
    const { registry, repositories, git, refsChanged, onRemoved, metrics, log } = this.#parts;
    if (registry.isPushedTo(repository)) return;
    if (await repositories.exists(repository)) {
      const gitDir = repositories.pathOf(repository);
      const refs = (await readRefFiles(gitDir)) ?? (await readRefs(git, gitDir, []));
      // A push may have begun meanwhile.
      if (refs.size > 0 || registry.isPushedTo(repository)) return;
      await repositories.remove(repository);
      refsChanged(gitDir);
      onRemoved(repository);
      metrics.countChange('removed');
      log.info({ ...repository }, 'repository of pull requests removed: it has no ref any more');
    }
    if (!registry.isPushedTo(repository)) registry.delete(repository);
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

  #schedule(repository: PrsRepository, event?: NostrEvent): void {
    const key = textOf(repository);
    const waiting = this.#waiting.get(key) ?? { repository, events: new Map<string, NostrEvent>() };
    this.#waiting.set(key, waiting);
    if (event !== undefined && waiting.events.size < limits.alignmentPullRequestsMax)
      waiting.events.set(event.id, event);
    this.#wakeup.notify();
  }

  async #lookAtOneAfterTheOther(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const [next] = this.#waiting;
      if (next === undefined) {
        await unlessAborted(this.#wakeup.wait(), signal).catch(() => {});
        continue;
      }
      this.#waiting.delete(next[0]);
      await this.#lookAt(next[1], signal);
    }
  }

  async #lookAt({ repository, events }: Waiting, signal: AbortSignal): Promise<void> {
    await this.#under(repository, signal, () => this.align(repository, events));
  }

  /** What fails is found by the next look at all, and what a stop ends by that after the next start. */
  async #under(repository: PrsRepository, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const { locks, log } = this.#parts;
    try {
      await locks.use(repository.identifier, signal, work);
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
          await this.#lookAt({ repository, events: new Map() }, signal);
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
