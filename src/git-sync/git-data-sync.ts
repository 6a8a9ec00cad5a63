import { limits } from '../config/limits.js';
import { deferred, onAbort } from '../lib/abort.js';
import { secondMs } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import { TaskGroup } from '../lib/task-group.js';
import { FairSlots } from '../lib/turns/fair-slots.js';
import { repositoryAddress } from '../nostr/repository.js';
import type { RepositoryId } from '../repositories/repository-directory.js';
import type { GitDataSyncParts } from './git-data-sync-parts.js';
import type { IncompleteRepository } from './incomplete-repository.js';
import { isOfState, type MissingObject } from './missing-objects.js';
import { Search } from './search.js';
import { SearchMemories } from './search-memory.js';
import { type RoundOutcome, ServerRounds } from './server-rounds.js';
import type { GitServer } from './servers.js';

/**
 * Fetches git data that repositories here lack from the other servers that their announcements name, until nothing lacks
 * (GRASP-02, git.md §4). It is told when an event names what may not be here; what lacks is found out when its time has
 * come, and then again before each server is asked, for a push may have brought it.
 */
export class GitDataSync {
  readonly #parts: GitDataSyncParts;
  readonly #signal: AbortSignal;
  readonly #tasks: TaskGroup;
  readonly #rounds: ServerRounds;
  /** After a start many may lack something, and git has more to do than to tell what. */
  readonly #looks = new FairSlots(limits.gitLooksAtOnceMax);
  /** By address. */
  readonly #searches = new Map<string, Search>();
  readonly #memories: SearchMemories;

  /** Works until the signal aborts; `ended` then tells when nothing runs any more. */
  constructor(parts: GitDataSyncParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#tasks = new TaskGroup(signal);
    this.#rounds = new ServerRounds(parts, this.#tasks.signal);
    this.#memories = new SearchMemories(parts.clock);
    parts.metrics.watch({ incomplete: () => this.incomplete(), running: () => this.#rounds.running });
  }

  /** All that lack something, as far as is known. */
  incomplete(): IterableIterator<IncompleteRepository> {
    return this.#searches.values();
  }

  /** What is known of one that lacks something; `undefined` where nothing is known to lack. */
  of(repository: RepositoryId): IncompleteRepository | undefined {
    return this.#searches.get(keyOf(repository));
  }

  /**
   * An event came that names what may lack: that is looked for after so long, or when it was to be if that is sooner. Servers
   * are asked then if it names something new. However often somebody publishes, such looks are made at a bounded rate, which
   * those that pull requests cause have for themselves: anybody may publish these.
   */
  mayLack(repository: RepositoryId, delayMs: number, isOfMaintainers: boolean): void {
    const search = this.#searches.get(keyOf(repository));
    if (search === undefined) {
      this.#begin(repository, delayMs);
      return;
    }
    const { looks, proposedLooks } = search.memory;
    const bucket = isOfMaintainers ? looks : proposedLooks;
    const lookAt = this.#parts.clock.monotonic() + Math.max(delayMs, bucket.waitMs);
    // While it is looked for, who knows what that saw: there is to be another look.
    const isRunning = search.nextTryMs === undefined;
    if (lookAt >= (isRunning ? search.lookAt : Math.min(search.lookAt, search.retryAt))) return;
    bucket.spend(1);
    this.#lookAt(search, lookAt);
  }

  /** Something lacks, as was seen by chance: one that is looked for already keeps its pace. */
  lacks(repository: RepositoryId): void {
    if (!this.#searches.has(keyOf(repository))) this.#begin(repository, limits.gitSyncedDelayMs);
  }

  /** Resolves when the signal has aborted and nothing runs any more. */
  async ended(): Promise<void> {
    const aborted = deferred<void>();
    using _ = onAbort(this.#signal, () => aborted.resolve());
    await aborted.promise;
    for (const { cancel } of this.#searches.values()) cancel();
    await this.#tasks.join();
  }

  #begin(repository: RepositoryId, delayMs: number): void {
    const { clock } = this.#parts;
    const memory = this.#memories.of(keyOf(repository));
    const search = new Search(repository, memory, clock);
    this.#searches.set(keyOf(repository), search);
    search.retryAt = clock.monotonic() + Math.max(delayMs, memory.looks.waitMs);
    memory.looks.spend(1);
    this.#schedule(search);
  }

  /** Has it looked at at that time; it may be under way. */
  #lookAt(search: Search, at: number): void {
    search.lookAt = Math.min(search.lookAt, at);
    if (search.nextTryMs !== undefined) this.#schedule(search);
  }

  #lookSoon(search: Search): void {
    this.#lookAt(search, this.#parts.clock.monotonic() + limits.gitSyncedDelayMs);
  }

  #schedule(search: Search): void {
    const { clock } = this.#parts;
    if (this.#signal.aborted) return;
    search.cancel();
    const delayMs = Math.max(0, Math.min(search.lookAt, search.retryAt) - clock.monotonic());
    search.nextTryMs = clock.now() + delayMs;
    search.cancel = clock.after(delayMs, () => this.#tasks.spawn(() => this.#attempt(search)));
  }

  async #attempt(search: Search): Promise<void> {
    const { clock, metrics, log } = this.#parts;
    const { repository } = search;
    search.nextTryMs = undefined;
    search.lastTryMs = clock.now();
    let outcome: RoundOutcome = 'over';
    try {
      outcome = await this.#look(search);
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#failed(search, error);
      this.#retryLater(search);
    }
    // An event may have come when nothing lacked yet that it names.
    const isEnd =
      outcome === 'gone' || (outcome === 'complete' && search.lookAt === Number.POSITIVE_INFINITY);
    if (!isEnd) {
      if (outcome === 'complete' || outcome === 'cut') this.#lookSoon(search);
      this.#schedule(search);
      return;
    }
    search.isOver = true;
    this.#searches.delete(keyOf(repository));
    if (outcome === 'gone' || search.missing === undefined) return;
    const seconds = (clock.now() - search.sinceMs) / secondMs;
    metrics.countCompleted(seconds);
    log.info({ ...repository, seconds }, 'repository has all its git data');
  }

  /** Looks what lacks, and has those servers asked for it whose turn it is. */
  async #look(search: Search): Promise<RoundOutcome> {
    const { clock, refusal, servers } = this.#parts;
    const { repository, ofStates, ofProposals } = search;
    if (search.isLookDue) search.lookAt = Number.POSITIVE_INFINITY;
    if (clock.monotonic() >= search.retryAt) {
      search.retryAt = Number.POSITIVE_INFINITY;
      ofStates.isDue = true;
      ofProposals.isDue ||= !ofProposals.isRunning;
    }
    const lacking = await this.#lacking(search);
    if (lacking === undefined) return 'gone';
    if (lacking.length === 0) return 'complete';
    const refused = refusal();
    if (refused !== undefined) {
      search.why = refused;
      this.#retryLater(search);
      return 'over';
    }
    const named = await servers(repository, lacking);
    search.learn(lacking, named.ofStates);
    if (named.ofProposals.length === 0) search.why = 'no other git server is named';
    const isAnyOfState = lacking.some(isOfState);
    const isAnyProposed = lacking.some((object) => !isOfState(object));
    if (isAnyProposed && ofProposals.isDue && !ofProposals.isRunning)
      this.#askForProposals(search, named.ofProposals);
    if (!ofStates.isDue) return 'over';
    return await this.#askForStates(search, isAnyOfState ? named.ofStates : []);
  }

  /** What lacks, after other repositories here gave what they have; `undefined` where the repository is not served any more. */
  async #lacking(search: Search): Promise<readonly MissingObject[] | undefined> {
    const { missing, refusal } = this.#parts;
    const { repository } = search;
    const { signal } = this.#tasks;
    const look = () => this.#looks.use(repository.pubkey, signal, () => missing(repository));
    let lacking = await look();
    if (lacking === undefined || lacking.length === 0) return lacking;
    search.missing = lacking.length;
    if (refusal() !== undefined) return lacking;
    if (await this.#copyFromOthers(search, lacking)) {
      lacking = await look();
      search.missing = lacking?.length ?? 0;
    }
    return lacking;
  }

  /**
   * Copies what other repositories here have; gives whether any came. Servers are asked meanwhile where that takes long: strangers
   * can have it take very long, and others wait for their turn then.
   */
  async #copyFromOthers(search: Search, wanted: readonly MissingObject[]): Promise<boolean> {
    if (search.isCopying) return false;
    search.isCopying = true;
    let isAwaited = true;
    const ended = deferred<boolean>();
    this.#tasks.spawn(async () => {
      try {
        const isAny = await this.#parts.copyFromOthers(search.repository, wanted);
        ended.resolve(isAny);
        if (isAny && !isAwaited && !search.isOver) this.#lookSoon(search);
      } catch (error) {
        ended.reject(error);
        if (!isAwaited && !this.#signal.aborted) this.#failed(search, error);
      } finally {
        search.isCopying = false;
      }
    });
    const cancel = this.#parts.clock.after(limits.gitCopiesPatienceMs, () => ended.resolve(false));
    try {
      return await ended.promise;
    } finally {
      isAwaited = false;
      cancel();
    }
  }

  async #askForStates(search: Search, servers: readonly GitServer[]): Promise<RoundOutcome> {
    const { ofStates } = search;
    ofStates.isDue = false;
    const outcome = await this.#rounds.run(search, ofStates, servers);
    switch (outcome) {
      case 'over':
        this.#retryLater(search);
        return outcome;
      case 'late':
        this.#retryAfter(search, limits.gitNewsRetryMsMax);
        return outcome;
      case 'resting':
        // All of them are left alone at the moment: it is the first that is asked again.
        search.why = 'all servers are left alone for a while, for they failed';
        this.#retryAfter(search, this.#rounds.shortestRestMs(search, ofStates, servers));
        return outcome;
      default:
        // When it is not at its end, or an event comes just then, they are asked the next time.
        ofStates.isDue = true;
        return outcome;
    }
  }

  /** Nothing waits for the servers of pull requests: what they bring, or what is left to be asked, is looked at then. */
  #askForProposals(search: Search, servers: readonly GitServer[]): void {
    const { ofProposals } = search;
    ofProposals.isDue = false;
    ofProposals.isRunning = true;
    this.#tasks.spawn(async () => {
      let outcome: RoundOutcome = 'over';
      try {
        outcome = await this.#rounds.run(search, ofProposals, servers);
      } catch (error) {
        if (this.#signal.aborted) return;
        this.#failed(search, error);
      }
      ofProposals.isRunning = false;
      if (search.isOver) return;
      if (outcome === 'complete' || outcome === 'gone' || ofProposals.isDue) this.#lookSoon(search);
      else if (outcome === 'late') {
        ofProposals.isDue = true;
        this.#lookAt(search, this.#parts.clock.monotonic() + limits.gitNewsRetryMsMax);
      }
    });
  }

  #retryLater(search: Search): void {
    this.#retryAfter(search, search.nextRetryDelayMs(this.#parts.random));
  }

  #retryAfter(search: Search, delayMs: number): void {
    search.retryAt = this.#parts.clock.monotonic() + Math.max(limits.gitSyncedDelayMs, delayMs);
  }

  #failed(search: Search, error: unknown): void {
    search.why = errorMessage(error);
    const details = { ...search.repository, error: search.why };
    this.#parts.log.warn(details, 'git data of a repository could not be looked for');
  }
}

function keyOf({ pubkey, identifier }: RepositoryId): string {
  return repositoryAddress(pubkey, identifier);
}
