import { limits } from '../config/limits.js';
import { localAddressGroup } from '../lib/budgets/address-group.js';
import { type Endable, FairSlots } from '../lib/turns/fair-slots.js';
import { type AddressSeat, GitAddresses } from './git-addresses.js';
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
  /** Its place at the address of the host. */
  readonly seat: AddressSeat;
  /** Whose turn it is among those that wait for a place. */
  readonly party: string;
  readonly fetching: Fetching;
  /** Whether something else could be asked for by now: then what comes slowly is not waited for. */
  readonly isLate: () => boolean;
};

/** A fetch that is to come, or runs, and can be ended then where others wait and no place comes free. */
class Fetching implements Endable {
  readonly #ending = new AbortController();
  #runs = false;

  /** Only what runs can be ended; what has run for longest is. */
  readonly weight = () => (this.#runs ? 1 : 0);
  readonly end = () => this.#ending.abort();

  async run<T>(work: (ending: AbortSignal) => Promise<T>): Promise<T> {
    this.#runs = true;
    try {
      return await work(this.#ending.signal);
    } finally {
      this.#runs = false;
    }
  }
}

/** Asks servers one after the other for what a repository lacks; of all of them so many at once. */
export class ServerRounds {
  readonly #parts: GitDataSyncParts;
  readonly #signal: AbortSignal;
  /** By owners of repositories: nobody takes the places of others with many. */
  readonly #fetches: FairSlots;
  /** What anybody may propose, from whatever servers, has half of these places. */
  readonly #proposalFetches: FairSlots;
  /** One address has half of the places of each sort. */
  readonly #addresses: GitAddresses;
  readonly #proposalAddresses: GitAddresses;

  constructor(parts: GitDataSyncParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    const held = { clock: parts.clock, msMax: limits.gitFetchesHeldMsMax };
    this.#fetches = new FairSlots(() => parts.fetchesMax, held);
    this.#proposalFetches = new FairSlots(() => half(parts.fetchesMax), held);
    this.#addresses = new GitAddresses(() => half(parts.fetchesMax));
    this.#proposalAddresses = new GitAddresses(() => half(half(parts.fetchesMax)));
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
      // One whose host came to rest meanwhile, or whose address is crowded, stays among those that may be asked later.
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
    const isCrowded = this.#addressesFor(round).isFull(this.#parts.hosts.of(server.host).address);
    return { restMs, failedAt, hadTurn, isCrowded };
  }

  #restMs({ memory, isNews }: Search, round: Round, { url, host }: GitServer): number {
    return Math.max(memory.recordsOf(round).restMs(url), this.#parts.hosts.of(host).restMs(isNews));
  }

  #addressesFor({ isProposal }: Round): GitAddresses {
    return isProposal ? this.#proposalAddresses : this.#addresses;
  }

  /** Waits for a place at the address before all others: who has many names there takes no places meanwhile. */
  async #ask(turn: Pick<Turn, 'search' | 'round' | 'server' | 'isLate'>): Promise<Asked> {
    const { search, round, server } = turn;
    const { pubkey } = search.repository;
    const party = round.isProposal ? `proposals to ${pubkey}` : pubkey;
    const host = this.#parts.hosts.of(server.host);
    const fetching = new Fetching();
    using seat = await this.#addressesFor(round).seat(host.address, party, this.#signal);
    const whole = { ...turn, host, seat, party, fetching };
    const ask = () => host.use(party, this.#signal, () => this.#askAt(whole));
    return round.isProposal
      ? await this.#proposalFetches.use(party, this.#signal, ask, fetching)
      : await ask();
  }

  async #askAt(turn: Turn): Promise<Asked> {
    const { missing, clock } = this.#parts;
    const { search, round, server, host, party, fetching } = turn;
    for (;;) {
      const leave = await this.#fetches.enter(party, this.#signal, fetching);
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
    { search, round, server, host, seat, fetching, isLate }: Turn,
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
    const request = {
      url,
      repository,
      objectIds: wanted.map(({ objectId }) => objectId),
      isProposal,
      pullRequestIds: pullRequestIds.slice(0, limits.gitServersMax),
      isAwaited: () => isLate() || this.#isAwaited(isProposal),
      isAt: (address: string) => {
        // Who is on this machine cannot be told apart.
        if (address === localAddressGroup) return true;
        host.address = address;
        return seat.isAt(address);
      },
    };
    const outcome = await fetching.run((ending) => remote.fetch({ ...request, ending }, this.#signal));
    // Now it is known where it has to wait.
    if (outcome.type === 'failed' && outcome.failure === 'crowded') return 'resting';
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

function half(places: number): number {
  return Math.ceil(places / 2);
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
