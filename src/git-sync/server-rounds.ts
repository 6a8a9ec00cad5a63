import { limits } from '../config/limits.js';
import { FairSlots } from '../lib/turns/fair-slots.js';
import type { GitDataSyncParts } from './git-data-sync-parts.js';
import type { GitHost } from './git-hosts.js';
import { isOfState, type MissingObject } from './missing-objects.js';
import type { Round, Search } from './search.js';
import { type GitServer, nextServer, type ServerStanding } from './servers.js';

/**
 * How a round of servers ended: nothing at all lacks any more; the repository is not served any more; what the round was for
 * is here, or all were asked that are not left alone; none was, for all are; it took too long for all; or it makes room for a
 * look at what came meanwhile, and goes on then.
 */
export type RoundOutcome = 'complete' | 'gone' | 'over' | 'resting' | 'late' | 'cut';

/** What became of one server that was to be asked; `done`: all that the round was for is here. */
type Asked = 'complete' | 'gone' | 'done' | 'asked' | 'resting';

/** The turn of a server in a round. */
type Turn = {
  readonly search: Search;
  readonly round: Round;
  readonly server: GitServer;
  readonly host: GitHost;
  /** Whose turn it is among those that wait for a place. */
  readonly party: string;
  /** Whether something else could be asked for by now: then what comes slowly is not waited for. */
  readonly isLate: () => boolean;
};

/** Asks servers one after the other for what a repository lacks; of all of them so many at once. */
export class ServerRounds {
  readonly #parts: GitDataSyncParts;
  readonly #signal: AbortSignal;
  /** By owners of repositories: nobody takes the places of others with many. */
  readonly #fetches: FairSlots;
  /** What anybody may propose, from whatever servers, has half of these places. */
  readonly #proposalFetches: FairSlots;

  constructor(parts: GitDataSyncParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#fetches = new FairSlots(() => parts.fetchesMax);
    this.#proposalFetches = new FairSlots(() => Math.ceil(parts.fetchesMax / 2));
  }

  /** Fetches that run. */
  get running(): number {
    return this.#fetches.inUse;
  }

  /** Rejects with what a part of ours fails with. */
  async run(search: Search, round: Round, servers: readonly GitServer[]): Promise<RoundOutcome> {
    const until = round.until ?? this.#parts.clock.monotonic() + limits.gitRoundMsMax;
    round.until = until;
    let outcome: RoundOutcome = 'over';
    try {
      outcome = await this.#askAll(search, round, servers, until);
    } finally {
      if (outcome !== 'cut') end(round, outcome);
    }
    return outcome;
  }

  async #askAll(
    search: Search,
    round: Round,
    servers: readonly GitServer[],
    until: number,
  ): Promise<RoundOutcome> {
    const { hosts, clock } = this.#parts;
    const left = new Set(servers.filter(({ url }) => !round.asked.has(url)));
    for (;;) {
      const next = nextServer(left, hosts, (server) => this.#standingOf(search, round, server));
      if (next === undefined) return round.asked.size > 0 || servers.length === 0 ? 'over' : 'resting';
      if (clock.monotonic() >= until) return 'late';
      if (isToMakeRoom(search, round)) return 'cut';
      left.delete(next);
      const isLate = () =>
        clock.monotonic() >= until || isToMakeRoom(search, round) || this.#isAnyWilling(search, round, left);
      const what = await this.#ask({ search, round, server: next, isLate });
      if (what === 'done') return 'over';
      if (what === 'complete' || what === 'gone') return what;
      // One whose host came to rest meanwhile stays among those that may be asked later.
      if (what === 'resting') left.add(next);
      else round.asked.add(next.url);
    }
  }

  #isAnyWilling(search: Search, round: Round, servers: ReadonlySet<GitServer>): boolean {
    for (const server of servers) if (this.#restMs(search, round, server) === 0) return true;
    return false;
  }

  /** How long until one of the servers may be asked, in milliseconds; the longest wait where there is none. */
  shortestRestMs(search: Search, round: Round, servers: readonly GitServer[]): number {
    return servers.reduce<number>(
      (shortestMs, server) => Math.min(shortestMs, this.#restMs(search, round, server)),
      limits.gitRetryMsMax,
    );
  }

  #standingOf(search: Search, round: Round, server: GitServer): ServerStanding {
    const restMs = this.#restMs(search, round, server);
    const failedAt = search.memory.recordsOf(round).failedAt(server.url);
    const hadTurn = round.askedBefore.has(server.url);
    return { restMs, failedAt, hadTurn };
  }

  #restMs({ memory, isNews }: Search, round: Round, { url, host }: GitServer): number {
    return Math.max(memory.recordsOf(round).restMs(url), this.#parts.hosts.of(host).restMs(isNews));
  }

  async #ask(turn: Omit<Turn, 'host' | 'party'>): Promise<Asked> {
    const { search, round, server } = turn;
    const { pubkey } = search.repository;
    const party = round.isProposal ? `proposals to ${pubkey}` : pubkey;
    const host = this.#parts.hosts.of(server.host);
    const ask = () => host.use(party, this.#signal, () => this.#askAt({ ...turn, host, party }));
    return round.isProposal ? await this.#proposalFetches.use(party, this.#signal, ask) : await ask();
  }

  async #askAt(turn: Turn): Promise<Asked> {
    const { missing, clock } = this.#parts;
    const { search, round, server, host, party } = turn;
    for (;;) {
      const leave = await this.#fetches.enter(party, this.#signal);
      try {
        const lacking = await missing(search.repository);
        if (lacking === undefined) return 'gone';
        if (lacking.length === 0) return 'complete';
        const ofRound = lacking.filter((object) => isOfState(object) !== round.isProposal);
        if (ofRound.length === 0) return 'done';
        const wanted = ofRound.filter(({ objectId }) => server.objectIds?.has(objectId) !== false);
        if (wanted.length === 0) return 'asked';
        // Others may have failed there while this waited.
        if (this.#restMs(search, round, server) > 0) return 'resting';
        const waitMs = host.begin();
        if (waitMs === 0) return await this.#fetch(turn, { wanted, ofRound, lacking });
        leave();
        await clock.sleep(waitMs, this.#signal);
      } finally {
        leave();
      }
    }
  }

  /** Fetches `wanted` of `ofRound`, that is of those of all that lack which the round is for. */
  async #fetch(
    { search, round, server, host, isLate }: Turn,
    what: Readonly<Record<'wanted' | 'ofRound' | 'lacking', readonly MissingObject[]>>,
  ): Promise<Asked> {
    const { remote, metrics, log, arrive, clock } = this.#parts;
    const { repository } = search;
    const { isProposal } = round;
    const { url } = server;
    const { wanted, ofRound, lacking } = what;
    const records = search.memory.recordsOf(round);
    const beganAt = clock.monotonic();
    const pullRequestIds = wanted.flatMap((object) => object.pullRequestIds);
    const outcome = await remote.fetch(
      {
        url,
        repository,
        objectIds: wanted.map(({ objectId }) => objectId),
        isProposal,
        pullRequestIds: pullRequestIds.slice(0, limits.gitServersMax),
        isAwaited: () => isLate() || this.#isAwaited(isProposal),
      },
      this.#signal,
    );
    metrics.countFetch(server.host, outcome);
    const { bytes } = outcome;
    if (outcome.type === 'failed') {
      const { failure, message, retryAfterMs } = outcome;
      host.failed(failure, beganAt, retryAfterMs);
      records.failed(url, failure);
      search.why = `${url}: ${message}`;
      log.debug({ ...repository, url, failure, bytes, message }, 'git data could not be fetched');
      return 'asked';
    }
    host.served();
    records.served(url);
    await using fetched = outcome.fetched;
    const came = fetched.objectIds.length;
    if (!(await arrive(repository, fetched, !isProposal))) {
      search.why = 'the repository has gone';
      return 'asked';
    }
    log.info({ ...repository, url, bytes, objects: came, wanted: wanted.length }, 'git data fetched');
    search.missing = lacking.length - came;
    search.why = `${url} has not all of it`;
    if (search.missing === 0) return 'complete';
    return came === ofRound.length ? 'done' : 'asked';
  }

  /** Whether somebody waits for a place. */
  #isAwaited(isProposal: boolean): boolean {
    return this.#fetches.waiting > 0 || (isProposal && this.#proposalFetches.waiting > 0);
  }
}

/** Whether the search is over, or something came meanwhile that the servers were not asked for. */
function isToMakeRoom(search: Search, round: Round): boolean {
  return search.isOver || (round.isProposal ? round.isDue : search.isLookDue);
}

function end(round: Round, outcome: RoundOutcome): void {
  round.until = undefined;
  round.askedBefore.clear();
  if (outcome === 'late') for (const url of round.asked) round.askedBefore.add(url);
  round.asked.clear();
}
