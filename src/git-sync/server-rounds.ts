import { limits } from '../config/limits.js';
import { FairSlots } from '../lib/turns/fair-slots.js';
import type { GitDataSyncParts } from './git-data-sync-parts.js';
import type { GitHost } from './git-hosts.js';
import { isOfState, type MissingObject } from './missing-objects.js';
import type { Round, Search } from './search.js';
import { type GitServer, nextServer } from './servers.js';

/**
 * How a round of servers ended: nothing at all lacks any more; the repository is not served any more; what the round was for
 * is here, or all were asked that are not left alone; or it was long enough, and the next goes on with those that are left.
 */
export type RoundOutcome = 'complete' | 'gone' | 'over' | 'cut';

/** What became of one server that was to be asked; `done`: all that the round was for is here. */
type Asked = 'complete' | 'gone' | 'done' | 'asked' | 'resting';

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
    this.#fetches = new FairSlots(parts.fetchesMax);
    this.#proposalFetches = new FairSlots(Math.ceil(parts.fetchesMax / 2));
  }

  /** Fetches that run. */
  get running(): number {
    return this.#fetches.inUse;
  }

  /** Rejects with what a part of ours fails with. */
  async run(search: Search, round: Round, servers: readonly GitServer[]): Promise<RoundOutcome> {
    const { hosts, clock } = this.#parts;
    const until = clock.monotonic() + limits.gitRoundMsMax;
    const left = new Set(servers.filter(({ url }) => !round.asked.has(url)));
    for (;;) {
      const next = nextServer(left, hosts, (server) => this.#restMs(search, round, server));
      if (next === undefined) return 'over';
      if (clock.monotonic() >= until || (!round.isProposal && search.isLookDue)) return 'cut';
      const what = await this.#ask(search, round, next);
      if (what === 'done') return 'over';
      if (what === 'complete' || what === 'gone') return what;
      // One whose host came to rest meanwhile stays among those that may be asked later.
      if (what === 'resting') continue;
      left.delete(next);
      round.asked.add(next.url);
    }
  }

  /** How long until one of the servers may be asked, in milliseconds; the longest wait where there is none. */
  shortestRestMs(search: Search, round: Round, servers: readonly GitServer[]): number {
    return servers.reduce<number>(
      (shortestMs, server) => Math.min(shortestMs, this.#restMs(search, round, server)),
      limits.gitRetryMsMax,
    );
  }

  #restMs({ memory, isNews }: Search, round: Round, { url, host }: GitServer): number {
    return Math.max(memory.restsOf(round).restMs(url), this.#parts.hosts.of(host).restMs(isNews));
  }

  async #ask(search: Search, round: Round, server: GitServer): Promise<Asked> {
    const { pubkey } = search.repository;
    const { isProposal } = round;
    const party = isProposal ? `proposals to ${pubkey}` : pubkey;
    const host = this.#parts.hosts.of(server.host);
    const ask = () => host.use(party, this.#signal, () => this.#askAt(host, search, round, server, party));
    return isProposal ? await this.#proposalFetches.use(party, this.#signal, ask) : await ask();
  }

  async #askAt(
    host: GitHost,
    search: Search,
    round: Round,
    server: GitServer,
    party: string,
  ): Promise<Asked> {
    const { missing, clock } = this.#parts;
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
        if (waitMs === 0) return await this.#fetch(host, search, round, server, { wanted, ofRound, lacking });
        leave();
        await clock.sleep(waitMs, this.#signal);
      } finally {
        leave();
      }
    }
  }

  /** Fetches `wanted` of `ofRound`, that is of those of all that lack which the round is for. */
  async #fetch(
    host: GitHost,
    search: Search,
    round: Round,
    { url, host: name }: GitServer,
    {
      wanted,
      ofRound,
      lacking,
    }: Readonly<Record<'wanted' | 'ofRound' | 'lacking', readonly MissingObject[]>>,
  ): Promise<Asked> {
    const { remote, metrics, log, arrive, clock } = this.#parts;
    const { repository } = search;
    const { isProposal } = round;
    const rests = search.memory.restsOf(round);
    const beganAt = clock.monotonic();
    const outcome = await remote.fetch(
      {
        url,
        repository,
        objectIds: wanted.map(({ objectId }) => objectId),
        isProposal,
        pullRequestIds: wanted.flatMap(({ pullRequestIds }) => pullRequestIds).slice(0, limits.gitServersMax),
        isAwaited: () => this.#fetches.waiting > 0 || (isProposal && this.#proposalFetches.waiting > 0),
      },
      this.#signal,
    );
    metrics.countFetch(name, outcome);
    const { bytes } = outcome;
    if (outcome.type === 'failed') {
      const { failure, message, retryAfterMs } = outcome;
      host.failed(failure, beganAt, retryAfterMs);
      rests.failed(url, failure);
      search.why = `${url}: ${message}`;
      log.debug({ ...repository, url, failure, bytes, message }, 'git data could not be fetched');
      return 'asked';
    }
    host.served();
    rests.served(url);
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
}
