import { limits } from '../config/limits.js';
import type { CancelTimer, Clock } from '../lib/clock.js';
import type { Random } from '../lib/random.js';
import type { RepositoryId } from '../repositories/repository-directory.js';
import type { IncompleteRepository } from './incomplete-repository.js';
import { isOfState, type MissingObject } from './missing-objects.js';
import { isNews, retryDelayMs } from './retry-schedule.js';
import type { SearchMemory } from './search-memory.js';
import type { GitServer } from './servers.js';

/** A round of servers that are asked one after the other. */
export type Round = {
  /** Whether they are asked for what only pull requests name. */
  readonly isProposal: boolean;
  /** Whether they are to be asked. */
  isDue: boolean;
  /** Whether one for proposals runs; those for states are part of a look. */
  isRunning: boolean;
  /** URLs that were asked in it: where it makes room for a look, it goes on with the others. */
  readonly asked: Set<string>;
  /** Those that were asked in the one before, where that took too long for all. */
  readonly askedBefore: Set<string>;
  /** When it has taken too long; monotonic, `undefined` between two of them. */
  until: number | undefined;
};

/**
 * The search for what one repository lacks: what is known of it, and when it goes on. What states name and what only pull
 * requests do have a round each, so that the many servers that anybody may name in these hold up no state.
 */
export class Search implements IncompleteRepository {
  readonly repository: RepositoryId;
  readonly sinceMs: number;
  missing: number | undefined;
  lastTryMs: number | undefined;
  nextTryMs: number | undefined;
  why: string | undefined;
  readonly memory: SearchMemory;
  readonly ofStates: Round = newRound(false);
  readonly ofProposals: Round = newRound(true);
  /** When it is looked at because of an event, and when all servers are asked again; monotonic. */
  lookAt = Number.POSITIVE_INFINITY;
  retryAt = Number.POSITIVE_INFINITY;
  cancel: CancelTimer = () => {};
  /** Whether other repositories here are copied from right now. */
  isCopying = false;
  /** Whether it has ended: what still runs of it ends as well, for there may be another one. */
  isOver = false;
  readonly #clock: Clock;
  /** When something was last named that begins the quick tries anew; monotonic. */
  #newsAt: number;
  /** Rounds since then. */
  #rounds = 0;
  /** What announcements and states named, and what pull requests did. */
  readonly #named = new Set<string>();
  readonly #proposals = new Set<string>();

  constructor(repository: RepositoryId, memory: SearchMemory, clock: Clock) {
    this.repository = repository;
    this.memory = memory;
    this.#clock = clock;
    this.sinceMs = clock.now();
    this.#newsAt = clock.monotonic();
  }

  get isNews(): boolean {
    return isNews(this.#ageMs);
  }

  /** Whether an event has come that is to be looked at now. */
  get isLookDue(): boolean {
    return this.#clock.monotonic() >= this.lookAt;
  }

  /**
   * Notes what lacks, and the servers of the announcements. For what was not named before they are asked now, from the first
   * one on, and the quick tries begin anew, but no sooner than some minutes after they did last; for new pull requests
   * servers are asked now, and no pace changes.
   */
  learn(missing: readonly MissingObject[], announced: readonly GitServer[]): void {
    const objectIds = missing.filter(isOfState).map(({ objectId }) => objectId);
    const urls = announced.map(({ url }) => url);
    if (note(this.#named, [...urls, ...objectIds])) {
      this.ofStates.isDue = true;
      this.ofStates.asked.clear();
      this.ofStates.until = undefined;
      if (this.#ageMs >= limits.gitNewsAgainMsMin) {
        this.#newsAt = this.#clock.monotonic();
        this.#rounds = 0;
      }
    }
    const pullRequestIds = missing.flatMap((object) => object.pullRequestIds);
    if (note(this.#proposals, pullRequestIds)) this.ofProposals.isDue = true;
  }

  /** How long to wait after a round of all servers. */
  nextRetryDelayMs(random: Random): number {
    this.#rounds += 1;
    return retryDelayMs(this.#rounds, this.#ageMs, random);
  }

  get #ageMs(): number {
    return this.#clock.monotonic() - this.#newsAt;
  }
}

function newRound(isProposal: boolean): Round {
  const [asked, askedBefore] = [new Set<string>(), new Set<string>()];
  return { isProposal, isDue: true, isRunning: false, asked, askedBefore, until: undefined };
}

/** Notes names, of many the first; gives whether some are new. */
function note(known: Set<string>, names: readonly string[]): boolean {
  const first = names.slice(0, limits.gitNamesRememberedMax);
  const isAnyNew = first.some((name) => !known.has(name));
  if (isAnyNew && known.size + first.length > 2 * limits.gitNamesRememberedMax) known.clear();
  for (const name of first) known.add(name);
  return isAnyNew;
}
