import { limits } from '../../config/limits.js';
import type { BareRepositories } from '../../git/bare-repositories.js';
import type { Git } from '../../git/git-command.js';
import type { GitStreams } from '../../git/git-streams.js';
import { packBytes } from '../../git/objects/pack-bytes.js';
import { Quarantine } from '../../git/objects/quarantine.js';
import { pullRequestRef } from '../../git/ref-name.js';
import { isEmpty, readObjectTypes, readRefs } from '../../git/refs.js';
import { RemoteRefusal } from '../../git-protocol/errors.js';
import { type PackLimits, type PackRefusal, type PackRoom, takePack } from '../../hosting/incoming-pack.js';
import type { Clock } from '../../lib/clock.js';
import { ReleaseStack } from '../../lib/release-stack.js';
import { within } from '../../lib/time-limit.js';
import { type RouteOptions, routesTo } from '../../network/route.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { FetchedObjects, FetchFailure, FetchOutcome, FetchRequest, GitRemote } from '../remote.js';
import { GitHttpClient } from './git-http-client.js';
import { FetchError, failureOf } from './http-errors.js';
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

const failureOfRefusal: Readonly<Record<PackRefusal, FetchFailure>> = {
  large: 'large',
  room: 'ours',
  slow: 'slow',
  broken: 'invalid',
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
    let client: GitHttpClient | undefined;
    try {
      const fetched = await within(clock, 'the fetch', packLimits.msMax, signal, async (inner) => {
        const url = new URL(request.url);
        client = new GitHttpClient(url, this.#routeTo(url, { trusted: false }), clock, inner);
        return await this.#fetch(request, client, inner);
      });
      return { type: 'fetched', bytes: client?.bytes ?? 0, fetched };
    } catch (error) {
      signal.throwIfAborted();
      return { type: 'failed', bytes: client?.bytes ?? 0, ...failureOf(error) };
    } finally {
      client?.[Symbol.dispose]();
    }
  }

  async #fetch(request: FetchRequest, client: GitHttpClient, signal: AbortSignal): Promise<FetchedObjects> {
    const { repositories, reserve, onPack } = this.#parts;
    const { repository, isProposal } = request;
    const session = await ServerSession.open(client);
    const stack = new ReleaseStack();
    try {
      const room = reserve(repository, isProposal);
      stack.defer(async () => room[Symbol.dispose]());
      const folder = await repositories.makeWorkFolder('fetched-');
      const quarantine = stack.use(new Quarantine(repositories.pathOf(repository), folder));
      await new Fetch(this.#parts, request, session, quarantine, room, signal).takeAll();
      const objectIds = await this.#keepWhole(quarantine, request.objectIds);
      // Nobody would take it any more.
      signal.throwIfAborted();
      return {
        objectIds,
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

  /** Leaves what of these objects came with all that they lead to, and nothing else: whatever is here is served by its id. */
  async #keepWhole(quarantine: Quarantine, objectIds: readonly string[]): Promise<string[]> {
    const { git } = this.#parts;
    const types = await readObjectTypes(git, quarantine.gitDir, objectIds, quarantine.folders);
    const here = objectIds.filter((id) => types.has(id));
    if (here.length === 0) throw new FetchError('invalid', 'it sent other objects than it was asked for');
    const isWhole = (ids: readonly string[]) => quarantine.isConnected(git, ids, limits.pushCheckMsMax);
    let whole = here;
    if (!(await isWhole(here))) {
      whole = [];
      for (const id of here.slice(0, limits.gitLoneChecksMax)) if (await isWhole([id])) whole.push(id);
    }
    if (whole.length === 0) throw new FetchError('invalid', 'what it sent is not whole');
    await quarantine.keepOnly(git, whole, limits.pushCheckMsMax);
    return whole;
  }
}

/** One fetch from one server. */
class Fetch {
  readonly #parts: HttpGitRemoteParts;
  readonly #request: FetchRequest;
  readonly #session: ServerSession;
  readonly #quarantine: Quarantine;
  readonly #room: PackRoom;
  readonly #signal: AbortSignal;
  #haves: readonly string[] = [];

  constructor(
    parts: HttpGitRemoteParts,
    request: FetchRequest,
    session: ServerSession,
    quarantine: Quarantine,
    room: PackRoom,
    signal: AbortSignal,
  ) {
    this.#parts = parts;
    this.#request = request;
    this.#session = session;
    this.#quarantine = quarantine;
    this.#room = room;
    this.#signal = signal;
  }

  /**
   * Takes what the server has of the objects: all in one request where it gives them by id; where it has not all of them,
   * those that its refs name, and a few of the others one by one. Rejects with `FetchError` (`lacking`) where it has none.
   */
  async takeAll(): Promise<void> {
    const { git } = this.#parts;
    const { objectIds, pullRequestIds } = this.#request;
    const session = this.#session;
    const { gitDir } = this.#quarantine;
    const [format] = objectIds.map((id) => (id.length === 64 ? 'sha256' : 'sha1'));
    if (session.objectFormat !== format)
      throw new FetchError('invalid', 'its objects have ids of another kind');
    const refs = (await isEmpty(gitDir)) ? new Map<string, string>() : await readRefs(git, gitDir, []);
    this.#haves = [...new Set(refs.values())].slice(0, limits.gitHavesMax);
    if (session.givesById && (await this.#take(objectIds))) return;
    const named = await session.refs(pullRequestIds.map(pullRequestRef));
    const advertised = new Set(named.flatMap(({ objectId, peeledId }) => [objectId, peeledId ?? objectId]));
    const there = objectIds.filter((id) => advertised.has(id));
    const others = objectIds.filter((id) => !advertised.has(id));
    let isAny = false;
    if (session.givesById) {
      if (there.length > 0) isAny = await this.#take(there);
      for (const id of others.slice(0, limits.gitLoneWantsMax)) isAny = (await this.#take([id])) || isAny;
    } else {
      // They may lie below what its refs stand for.
      const wants = others.length === 0 ? there : named.map(({ objectId }) => objectId);
      if (wants.length > 0) isAny = await this.#take([...new Set(wants)]);
    }
    if (!isAny) throw new FetchError('lacking', 'it has none of the objects');
  }

  /** Takes the pack of these objects; `false` where the server has not all of them. */
  async #take(wants: readonly string[]): Promise<boolean> {
    const { streams, packLimits } = this.#parts;
    const proposalMax = Math.min(packLimits.bytesMax, limits.pullRequestPackBytesMax);
    const bytesMax = this.#request.isProposal ? proposalMax : packLimits.bytesMax;
    try {
      const pack = await this.#session.pack(wants, this.#haves);
      const taken = await takePack(
        streams,
        this.#quarantine,
        pack,
        { ...packLimits, bytesMax },
        this.#room,
        this.#signal,
      );
      await pack.return(undefined);
      if (taken.type === 'taken') return true;
      throw new FetchError(failureOfRefusal[taken.cause], taken.reason);
    } catch (error) {
      if (error instanceof RemoteRefusal && error.objectId !== undefined) return false;
      throw error;
    }
  }
}
