import type { BareRepositories } from '../../git/bare-repositories.js';
import { countedFor, endedBy, type Git } from '../../git/git-command.js';
import type { GitStreams } from '../../git/git-streams.js';
import { packBytes } from '../../git/objects/pack-bytes.js';
import type { PackRoom } from '../../git/objects/pack-growth.js';
import { Quarantine } from '../../git/objects/quarantine.js';
import { pullRequestRef } from '../../git/ref-name.js';
import type { PackLimits } from '../../hosting/incoming-pack.js';
import { onAbort } from '../../lib/abort.js';
import { type Clock, secondMs } from '../../lib/clock.js';
import { ReleaseStack } from '../../lib/release-stack.js';
import { type RouteOptions, routesTo } from '../../network/route.js';
import { relayHost } from '../../nostr/relay-url.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { FetchedObjects, FetchOutcome, FetchRequest, GitRemote } from '../remote.js';
import { GitHttpClient } from './git-http-client.js';
import { FetchError, failureOf, networkError } from './http-errors.js';
import { ServerFetch } from './server-fetch.js';
import { ServerSession } from './server-session.js';

export type HttpGitRemoteParts = RouteOptions & {
  readonly repositories: Pick<BareRepositories, 'pathOf' | 'makeWorkFolder'>;
  readonly git: Git;
  readonly streams: GitStreams;
  readonly clock: Clock;
  readonly packLimits: PackLimits;
  /** Counts what comes into a repository while it comes, until it is disposed of. */
  readonly reserve: (repository: RepositoryId, isProposal: boolean) => PackRoom & Disposable;
  /** Told of each pack that came into a repository. */
  readonly onPack: (repository: RepositoryId, bytes: number) => void;
};

/**
 * Fetches objects from git servers by smart HTTP into a quarantine, and leaves of them what was asked for and came whole.
 * Git itself is not let out to the network: it would follow redirects and the lists of other servers that old ones have,
 * and count no bytes.
 */
export class HttpGitRemote implements GitRemote {
  readonly #parts: HttpGitRemoteParts;
  readonly #routeTo: ReturnType<typeof routesTo>;

  constructor(parts: HttpGitRemoteParts) {
    this.#parts = parts;
    this.#routeTo = routesTo(parts);
  }

  async fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome> {
    const { clock, packLimits } = this.#parts;
    const attempt = new AbortController();
    const late = new FetchError('slow', `it took longer than ${packLimits.msMax / secondMs} s`);
    const cancel = clock.after(packLimits.msMax, () => attempt.abort(late));
    using _ = onAbort(signal, (reason) => attempt.abort(reason));
    const forOthers = new FetchError('slow', 'others wait, and it has run for longest');
    using __ = onAbort(request.ending, () => attempt.abort(forOthers));
    let client: GitHttpClient | undefined;
    try {
      client = this.#clientFor(request, attempt.signal);
      // Settles when nothing of it runs any more: who is told has its place given to others.
      const fetched = await this.#fetch(request, client, attempt.signal);
      return { type: 'fetched', bytes: client.bytes, fetched };
    } catch (error) {
      signal.throwIfAborted();
      const cause: unknown = attempt.signal.aborted ? attempt.signal.reason : error;
      return { type: 'failed', bytes: client?.bytes ?? 0, ...failureOf(cause) };
    } finally {
      cancel();
      client?.[Symbol.dispose]();
    }
  }

  #clientFor({ url, isAwaited, isAt }: FetchRequest, signal: AbortSignal): GitHttpClient {
    const { clock } = this.#parts;
    try {
      const target = new URL(url);
      const route = this.#routeTo(target, { trusted: false });
      return new GitHttpClient(target, route, { clock, isAwaited, isAt }, signal);
    } catch (error) {
      throw networkError(error);
    }
  }

  async #fetch(request: FetchRequest, client: GitHttpClient, signal: AbortSignal): Promise<FetchedObjects> {
    const { repositories, git, reserve, onPack } = this.#parts;
    const { repository, objectIds, isProposal } = request;
    const session = await ServerSession.open(client, request.pullRequestIds.map(pullRequestRef));
    const stack = new ReleaseStack();
    try {
      const folder = await repositories.makeWorkFolder('fetched-');
      const quarantine = stack.use(new Quarantine(repositories.pathOf(repository), folder));
      const room = reserve(repository, isProposal);
      stack.defer(() => room[Symbol.dispose]());
      // Who runs a machine keeps no others waiting by what has to be looked through of it.
      const counted = countedFor(endedBy(git, signal), client.address ?? relayHost(request.url));
      const parts = { ...this.#parts, git: counted };
      const fetch = new ServerFetch(parts, session, quarantine, signal);
      if (!(await fetch.take(objectIds, isProposal, room)))
        throw new FetchError('lacking', 'it has none of the objects');
      const whole = await fetch.keepWhole(objectIds, isProposal);
      // Nobody would take it any more.
      signal.throwIfAborted();
      return {
        objectIds: whole,
        moveIn: async () => {
          const bytes = await packBytes(quarantine.folders.write);
          await quarantine.moveIn();
          onPack(repository, bytes);
        },
        [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
      };
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }
}
