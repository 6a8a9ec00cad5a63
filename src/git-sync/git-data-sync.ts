import { limits } from '../config/limits.js';
import { deferred, onAbort } from '../lib/abort.js';
import { type CancelTimer, secondMs } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import { TaskGroup } from '../lib/task-group.js';
import { Slots } from '../lib/turns/slots.js';
import { repositoryAddress } from '../nostr/repository.js';
import type { RepositoryId } from '../repositories/repository-directory.js';
import type { GitDataSyncParts } from './git-data-sync-parts.js';
import type { GitHost } from './git-hosts.js';
import type { IncompleteRepository } from './incomplete-repository.js';
import type { MissingObject } from './missing-objects.js';
import { isNews, retryDelayMs } from './retry-schedule.js';
import { type GitServer, nextServer } from './servers.js';

type Entry = { -readonly [Key in keyof IncompleteRepository]: IncompleteRepository[Key] } & {
  /** When an event last named something new of it, and when it is looked for next; monotonic. */
  newsAt: number;
  dueAt: number;
  /** Rounds since then. */
  rounds: number;
  /** Whether an event came while it was looked for. */
  isWanted: boolean;
  cancel: CancelTimer;
};

/** What became of one server that was to be asked. */
type Asked = 'complete' | 'asked' | 'resting';

/**
 * Fetches git data that repositories here lack from the other servers that their announcements name, until nothing lacks
 * (GRASP-02, git.md §4). It is told when an event names what may not be here; what lacks is found out when its time has
 * come, and then again before each server is asked, for a push may have brought it.
 */
export class GitDataSync {
  readonly #parts: GitDataSyncParts;
  readonly #signal: AbortSignal;
  readonly #rounds: TaskGroup;
  readonly #fetches: Slots;
  /** After a start many may lack something, and git has more to do than to tell what. */
  readonly #looks = new Slots(limits.gitLooksAtOnceMax);
  /** Copies from other repositories take longer than looks. */
  readonly #copies = new Slots(limits.backgroundCopiesAtOnceMax);
  /** By address. */
  readonly #entries = new Map<string, Entry>();

  /** Works until the signal aborts; `ended` then tells when nothing runs any more. */
  constructor(parts: GitDataSyncParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#rounds = new TaskGroup(signal);
    this.#fetches = new Slots(parts.fetchesMax);
    parts.metrics.watch({ incomplete: () => this.incomplete(), running: () => this.#fetches.inUse });
  }

  /** All that lack something, as far as is known. */
  incomplete(): IterableIterator<IncompleteRepository> {
    return this.#entries.values();
  }

  /** What is known of one that lacks something; `undefined` where nothing is known to lack. */
  of(repository: RepositoryId): IncompleteRepository | undefined {
    return this.#entries.get(keyOf(repository));
  }

  /**
   * An event came that names what may lack: that is looked for after so long, or when it was to be if that is sooner. Where it
   * is news, the quick tries begin anew: not for what anybody may propose.
   */
  mayLack(repository: RepositoryId, delayMs: number, isNewsOfMaintainers: boolean): void {
    const { clock } = this.#parts;
    const entry = this.#entries.get(keyOf(repository));
    if (entry === undefined) {
      this.#enter(repository, delayMs);
      return;
    }
    if (isNewsOfMaintainers) {
      entry.newsAt = clock.monotonic();
      entry.rounds = 0;
    }
    if (entry.nextTryMs === undefined) entry.isWanted = true;
    else if (entry.dueAt > clock.monotonic() + delayMs) this.#schedule(entry, delayMs);
  }

  /** Something lacks, as was seen by chance: one that is looked for already keeps its pace. */
  lacks(repository: RepositoryId): void {
    if (!this.#entries.has(keyOf(repository))) this.#enter(repository, limits.gitSyncedDelayMs);
  }

  /** Resolves when the signal has aborted and nothing runs any more. */
  async ended(): Promise<void> {
    const aborted = deferred<void>();
    using _ = onAbort(this.#signal, () => aborted.resolve());
    await aborted.promise;
    for (const { cancel } of this.#entries.values()) cancel();
    await this.#rounds.join();
  }

  #enter(repository: RepositoryId, delayMs: number): void {
    const { clock } = this.#parts;
    const entry: Entry = {
      repository,
      sinceMs: clock.now(),
      missing: undefined,
      lastTryMs: undefined,
      nextTryMs: undefined,
      why: undefined,
      newsAt: clock.monotonic(),
      dueAt: 0,
      rounds: 0,
      isWanted: false,
      cancel: () => {},
    };
    this.#entries.set(keyOf(repository), entry);
    this.#schedule(entry, delayMs);
  }

  #schedule(entry: Entry, delayMs: number): void {
    const { clock } = this.#parts;
    if (this.#signal.aborted) return;
    entry.cancel();
    entry.dueAt = clock.monotonic() + delayMs;
    entry.nextTryMs = clock.now() + delayMs;
    entry.cancel = clock.after(delayMs, () => this.#rounds.spawn(() => this.#attempt(entry)));
  }

  async #attempt(entry: Entry): Promise<void> {
    const { clock, metrics, log } = this.#parts;
    const { repository } = entry;
    entry.nextTryMs = undefined;
    entry.lastTryMs = clock.now();
    let delayMs: number | undefined;
    try {
      delayMs = await this.#round(entry);
    } catch (error) {
      if (this.#signal.aborted) return;
      entry.why = errorMessage(error);
      log.warn({ ...repository, error: entry.why }, 'git data of a repository could not be looked for');
      delayMs = this.#retryDelayMs(entry);
    }
    if (entry.isWanted) delayMs = limits.gitSyncedDelayMs;
    entry.isWanted = false;
    if (delayMs !== undefined) this.#schedule(entry, delayMs);
    else {
      this.#entries.delete(keyOf(repository));
      if (entry.missing === undefined) return;
      const seconds = (clock.now() - entry.sinceMs) / secondMs;
      metrics.countCompleted(seconds);
      log.info({ ...repository, seconds }, 'repository has all its git data');
    }
  }

  /** Asks one server after the other; gives how long to wait for the next round, `undefined` when nothing lacks any more. */
  async #round(entry: Entry): Promise<number | undefined> {
    const { servers, hosts } = this.#parts;
    const { repository } = entry;
    const lacking = await this.#look(entry);
    if (lacking.length === 0) return undefined;
    if (entry.why !== undefined) return this.#retryDelayMs(entry);
    const left = new Set(await servers(repository, lacking));
    if (left.size === 0) entry.why = 'no other git server is named';
    let isAnyAsked = false;
    for (;;) {
      const next = nextServer(left, hosts, this.#isNews(entry));
      if (next === undefined) break;
      const what = await this.#ask(entry, next);
      if (what === 'complete') return undefined;
      // One whose host came to rest meanwhile stays among those that may be asked later.
      if (what === 'resting') continue;
      isAnyAsked = true;
      left.delete(next);
    }
    if (isAnyAsked || left.size === 0) return this.#retryDelayMs(entry);
    // All of them are left alone at the moment: it is the first that is asked again.
    entry.why = 'all servers are left alone for a while, for they failed';
    let delayMs: number = limits.gitRetryMsMax;
    for (const { host } of left) delayMs = Math.min(delayMs, hosts.of(host).restMs(this.#isNews(entry)));
    return Math.max(limits.gitSyncedDelayMs, delayMs);
  }

  /** What lacks, after other repositories here gave what they have; `why` says why nothing is to be asked for, if so. */
  async #look(entry: Entry): Promise<readonly MissingObject[]> {
    const { missing, copyFromOthers, refusal } = this.#parts;
    const { repository } = entry;
    const { signal } = this.#rounds;
    const look = () => this.#looks.use(signal, () => missing(repository));
    let lacking = await look();
    entry.why = refusal();
    if (lacking.length === 0) return lacking;
    entry.missing = lacking.length;
    if (entry.why !== undefined) return lacking;
    if (await this.#copies.use(signal, () => copyFromOthers(repository, lacking))) {
      lacking = await look();
      entry.missing = lacking.length;
    }
    return lacking;
  }

  async #ask(entry: Entry, server: GitServer): Promise<Asked> {
    const { hosts, missing, clock } = this.#parts;
    const { repository } = entry;
    const host = hosts.of(server.host);
    return await host.use(this.#rounds.signal, async () => {
      for (;;) {
        const leave = await this.#fetches.enter(this.#rounds.signal);
        try {
          const lacking = await missing(repository);
          if (lacking.length === 0) return 'complete';
          const wanted = lacking.filter(({ objectId }) => server.objectIds?.has(objectId) !== false);
          if (wanted.length === 0) return 'asked';
          // Others may have failed there while this waited.
          if (host.restMs(this.#isNews(entry)) > 0) return 'resting';
          const waitMs = host.begin();
          if (waitMs === 0) return await this.#fetch(entry, server, host, wanted, lacking.length);
          leave();
          await clock.sleep(waitMs, this.#rounds.signal);
        } finally {
          leave();
        }
      }
    });
  }

  async #fetch(
    entry: Entry,
    { url, host: name }: GitServer,
    host: GitHost,
    wanted: readonly MissingObject[],
    lacking: number,
  ): Promise<Asked> {
    const { remote, metrics, log, arrive, clock } = this.#parts;
    const { repository } = entry;
    const ofStates = wanted.filter(isOfState);
    const proposed = wanted.filter((object) => !isOfState(object));
    const request = {
      url,
      repository,
      objectIds: ofStates.map(({ objectId }) => objectId),
      proposedIds: proposed.map(({ objectId }) => objectId),
      pullRequestIds: proposed.flatMap(({ pullRequestIds }) => pullRequestIds).slice(0, limits.gitServersMax),
      isAwaited: () => this.#fetches.waiting > 0,
    };
    const beganAt = clock.monotonic();
    const outcome = await remote.fetch(request, this.#rounds.signal);
    metrics.countFetch(name, outcome);
    const { bytes } = outcome;
    if (outcome.type === 'failed') {
      const { failure, message, retryAfterMs } = outcome;
      host.failed(failure, beganAt, retryAfterMs);
      entry.why = `${url}: ${message}`;
      log.debug({ ...repository, url, failure, bytes, message }, 'git data could not be fetched');
      return 'asked';
    }
    host.served();
    await using fetched = outcome.fetched;
    const came = new Set(fetched.objectIds);
    const isAnyOfState = ofStates.some(({ objectId }) => came.has(objectId));
    if (!(await arrive(repository, fetched, isAnyOfState))) {
      entry.why = 'the repository has gone';
      return 'asked';
    }
    log.info({ ...repository, url, bytes, objects: came.size, wanted: wanted.length }, 'git data fetched');
    entry.missing = lacking - came.size;
    entry.why = `${url} has not all of it`;
    return entry.missing === 0 ? 'complete' : 'asked';
  }

  #retryDelayMs(entry: Entry): number {
    entry.rounds += 1;
    return retryDelayMs(entry.rounds, this.#ageMs(entry), this.#parts.random);
  }

  #isNews(entry: Entry): boolean {
    return isNews(this.#ageMs(entry));
  }

  #ageMs({ newsAt }: Entry): number {
    return this.#parts.clock.monotonic() - newsAt;
  }
}

function keyOf({ pubkey, identifier }: RepositoryId): string {
  return repositoryAddress(pubkey, identifier);
}

/** Whether a state names it, and not only what anybody may propose. */
function isOfState({ pullRequestIds }: MissingObject): boolean {
  return pullRequestIds.length === 0;
}
