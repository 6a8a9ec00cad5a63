import { limits } from '../config/limits.js';
import { deferred } from '../lib/abort.js';
import { backoffMs } from '../lib/backoff.js';
import type { CancelTimer } from '../lib/clock.js';
import { errorCode, errorMessage } from '../lib/errors.js';
import { type Random, randomInteger } from '../lib/random.js';
import type { Effect, EffectRunner } from '../policy/decision.js';
import type { RepositoryId } from '../repositories/repository-directory.js';
import { AlignmentPlaces } from './alignment-places.js';
import {
  AlignmentQueue,
  type AlignmentScope,
  type AlignmentWork,
  everything,
  keyOf,
  mergeWork,
  onlyRefs,
} from './alignment-queue.js';
import { AlignmentWatch } from './alignment-watch.js';
import { type AlignerParts, RepositoryAligner } from './repository-aligner.js';
import { UnservedRepositories } from './unserved-repositories.js';

export type AlignmentParts = AlignerParts & {
  readonly random: Random;
};

type Retry = { readonly work: AlignmentWork; readonly cancel: CancelTimer };

/**
 * Keeps the repositories on disk as the stored events say. It is told where to look, reads from the events what is
 * to be there, and changes what differs; a step that fails is repeated with backoff, for as long as it takes. Each
 * repository is worked on by one at a time, and waits in the queue at most once.
 */
export class GitAlignment implements EffectRunner {
  readonly #parts: AlignmentParts;
  readonly #queue = new AlignmentQueue();
  readonly #places: AlignmentPlaces;
  readonly #running = new Map<string, Promise<void>>();
  readonly #retries = new Map<string, Retry>();
  /** Resolves when it begins, or it turns out that git cannot be used. */
  readonly #begun = deferred<void>();
  readonly #aligner: RepositoryAligner;
  readonly #unserved: UnservedRepositories;
  #signal: AbortSignal | undefined;
  readonly #watches = new Set<AlignmentWatch>();

  constructor(parts: AlignmentParts) {
    this.#parts = parts;
    this.#places = new AlignmentPlaces(parts.locks);
    this.#unserved = new UnservedRepositories(parts);
    this.#aligner = new RepositoryAligner(parts, this.#unserved);
    parts.metrics.watch({ pending: () => this.#queue.size, failing: () => this.#retries.size });
  }

  /** Looks later at the parts that the effects name. */
  run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      const { pubkey, identifier } = effect;
      this.#schedule({ pubkey, identifier }, scopeOf(effect), 'fresh');
    }
    this.#pump();
  }

  /** To be called when objects came into a repository, by a push or a fetch: what waited for them is set now. */
  objectsArrived(repository: RepositoryId): void {
    this.#schedule(repository, everything, 'fresh');
    this.#pump();
  }

  /** Looks later at all of a repository, after how we stand to it changed. */
  lookAt(repository: RepositoryId): void {
    this.#schedule(repository, everything, 'background');
    this.#pump();
  }

  /** Has the listener told of each repository in which refs wait for objects: of those that are known, and at each look. */
  onIncomplete(listener: (repository: RepositoryId) => void): void {
    this.#aligner.onIncomplete(listener);
  }

  /**
   * Works until the signal aborts, and ends when nothing runs any more. Begins with a look at all repositories, for
   * an earlier process may have ended between storing an event and following it. Without git nothing is tried, and
   * everything waits until there is one.
   */
  async serve(signal: AbortSignal): Promise<void> {
    await this.#gitIsThere(signal);
    this.#signal = signal;
    this.#begun.resolve();
    for (const repository of this.#parts.directory.served()) {
      this.#schedule(repository, everything, 'background');
    }
    this.#pump();
    while (!signal.aborted) {
      await this.sweep().catch((error: unknown) => {
        this.#parts.log.warn({ error: errorMessage(error) }, 'git data path cannot be read');
      });
      await this.#parts.clock.sleep(limits.repositorySweepIntervalMs, signal).catch(() => {});
    }
    for (const { cancel } of this.#retries.values()) cancel();
    await Promise.all(this.#running.values());
  }

  /** Looks for repositories on disk that are not served, to close or remove them. */
  async sweep(): Promise<void> {
    for await (const repository of this.#unserved.onDisk()) {
      this.#schedule(repository, onlyRefs(), 'background');
    }
    this.#pump();
  }

  /** The repositories that are queued or worked on; what waits to be tried again does not count. */
  get pending(): number {
    return this.#queue.size + this.#running.size;
  }

  /**
   * Resolves when nothing is queued or runs while it is served, or git cannot be used: to the number of repositories that
   * are left, to be tried again.
   */
  async idle(): Promise<number> {
    await this.#begun.promise;
    while (this.#running.size > 0) await Promise.all(this.#running.values());
    return this.#queue.size + this.#retries.size;
  }

  /** Follows the repositories that it is asked to look at from now on. */
  watch(): AlignmentWatch {
    const alignment = {
      begun: this.#begun.promise,
      running: this.#running,
      isQueued: (key: string) => this.#queue.has(key),
      isToRetry: (key: string) => this.#retries.has(key),
    };
    const watch = new AlignmentWatch(alignment, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    return watch;
  }

  async #gitIsThere(signal: AbortSignal): Promise<void> {
    const { repositories, clock, log } = this.#parts;
    while (!signal.aborted) {
      try {
        return await repositories.checkGit();
      } catch (error) {
        if (signal.aborted) return;
        this.#begun.resolve();
        log.warn({ error: errorMessage(error) }, 'repositories do not follow events: git cannot be used');
        await clock.sleep(limits.alignmentRetryMsMax, signal).catch(() => {});
      }
    }
  }

  #schedule(repository: RepositoryId, scope: AlignmentScope, urgency: 'fresh' | 'background'): void {
    const work = { repository, scope, failures: 0 };
    const key = keyOf(repository);
    for (const watch of this.#watches) watch.add(key);
    const retry = this.#retries.get(key);
    // What fails keeps its pace, however often it is asked for.
    if (retry === undefined) this.#queue.add(work, urgency);
    else this.#retries.set(key, { ...retry, work: mergeWork(retry.work, work) });
  }

  #pump(): void {
    if (this.#signal === undefined || this.#signal.aborted) return;
    while (this.#places.isAny) {
      const work = this.#queue.take(new Set(this.#running.keys()));
      if (work === undefined) return;
      const key = keyOf(work.repository);
      const running = this.#attempt(work).finally(() => {
        this.#running.delete(key);
        this.#pump();
      });
      this.#running.set(key, running);
    }
  }

  async #attempt(work: AlignmentWork): Promise<void> {
    const { metrics, locks, directory } = this.#parts;
    const finished = metrics.startAlignment();
    const { repository } = work;
    try {
      const align = () =>
        directory.isServed(repository)
          ? this.#aligner.align(work)
          : locks.useStill(repository, () => this.#aligner.leave(repository));
      await this.#places.use(repository, this.#signal as AbortSignal, align, () => this.#pump());
      finished('aligned');
    } catch (error) {
      if (this.#signal?.aborted) return;
      finished('failed');
      this.#retryLater(work, error);
    }
  }

  #retryLater(work: AlignmentWork, error: unknown): void {
    const { clock, random, log } = this.#parts;
    const { alignmentRetryMsMin, alignmentRetryMsMax } = limits;
    const waitMs = backoffMs(work.failures, alignmentRetryMsMin, alignmentRetryMsMax);
    const retryMs = waitMs + randomInteger(random, alignmentRetryMsMin);
    const failures = work.failures + 1;
    log.warn(
      { ...work.repository, code: errorCode(error), error: errorMessage(error), failures, retryMs },
      'repository could not be aligned with stored events',
    );
    const key = keyOf(work.repository);
    const cancel = clock.after(retryMs, () => {
      const retry = this.#retries.get(key);
      this.#retries.delete(key);
      if (retry !== undefined) this.#queue.add(retry.work, 'fresh');
      this.#pump();
    });
    // What was asked for while this try ran waits with it.
    const asked = this.#queue.remove(key);
    const failed = { ...work, failures };
    this.#retries.set(key, { work: asked === undefined ? failed : mergeWork(failed, asked), cancel });
  }
}

function scopeOf(effect: Effect): AlignmentScope {
  if (effect.type === 'align-repository') return onlyRefs();
  return { refs: false, pullRequests: new Set([effect.eventId]), isForced: false };
}
