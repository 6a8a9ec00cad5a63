import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../../config/limits.js';
import { type Git, limitedTo } from '../../git/git-command.js';
import type { GitStreams } from '../../git/git-streams.js';
import { PackGrowthError, type PackRoom } from '../../git/objects/pack-growth.js';
import { checkPaths, LongPathError } from '../../git/objects/path-check.js';
import type { Quarantine } from '../../git/objects/quarantine.js';
import { isEmpty, readObjectTypes, readRefs } from '../../git/refs.js';
import { RemoteRefusal } from '../../git-protocol/errors.js';
import type { ServerRef } from '../../git-protocol/server-refs.js';
import { type LookTerms, type PackLimits, type PackRefusal, takePack } from '../../hosting/incoming-pack.js';
import { TimeLimitError } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import type { FetchFailure } from '../remote.js';
import { FetchError } from './http-errors.js';
import type { ServerSession } from './server-session.js';

export type ServerFetchParts = {
  readonly git: Git;
  readonly streams: GitStreams;
  readonly clock: Clock;
  readonly packLimits: PackLimits;
};

const failureOfRefusal: Readonly<Record<PackRefusal, FetchFailure>> = {
  large: 'large',
  room: 'ours',
  slow: 'slow',
  broken: 'invalid',
};

/** Refs that are looked at in one turn of the event loop: about a millisecond. */
const refsPerTurn = 5_000;

/** One fetch from one server, into a quarantine. All of it ends with the signal. */
export class ServerFetch {
  readonly #parts: ServerFetchParts;
  readonly #session: ServerSession;
  readonly #quarantine: Quarantine;
  readonly #signal: AbortSignal;
  /** Of what came. */
  #terms: LookTerms | undefined;

  constructor(parts: ServerFetchParts, session: ServerSession, quarantine: Quarantine, signal: AbortSignal) {
    this.#parts = parts;
    this.#session = session;
    this.#quarantine = quarantine;
    this.#signal = signal;
  }

  /**
   * Takes what the server has of the objects: all in one request where it gives them by id, without those that it says it has
   * not; where these are many, and where it gives nothing by id, what its refs stand for. Gives whether anything came;
   * rejects with `FetchError`, and what the protocol has.
   */
  async take(objectIds: readonly string[], isProposal: boolean, room: PackRoom): Promise<boolean> {
    const session = this.#session;
    // An event may name an object by whatever id.
    let left = objectIds.filter((id) => (id.length === 64 ? 'sha256' : 'sha1') === session.objectFormat);
    if (left.length === 0) return false;
    const { packLimits } = this.#parts;
    const bytesMax = Math.min(
      packLimits.bytesMax,
      isProposal ? limits.pullRequestPackBytesMax : Number.POSITIVE_INFINITY,
    );
    const terms = { room, packLimits: { ...packLimits, bytesMax } };
    const haves = await this.#haves();
    for (let tries = 0; session.givesById && tries <= limits.gitRefusedWantsMax; tries += 1) {
      const refused = await this.#pack(left, haves, terms);
      if (refused === undefined) return true;
      const others = left.filter((id) => id !== refused);
      if (others.length === 0) return false;
      if (others.length === left.length) break;
      left = others;
    }
    const { there, tips } = await lookThrough(await session.refs(), new Set(left));
    // Others may lie below what its refs stand for.
    const isAsked = session.givesById || there.size === left.length;
    const wants = [...(isAsked ? there : tips)];
    return wants.length > 0 && (await this.#pack(wants, haves, terms)) === undefined;
  }

  /**
   * Leaves what of these objects came with all that they lead to, and nothing else: whatever is here is served by its id. Paths of
   * what is only proposed are bounded.
   */
  async keepWhole(objectIds: readonly string[], isProposal: boolean): Promise<string[]> {
    const quarantine = this.#quarantine;
    const types = await readObjectTypes(this.#parts.git, quarantine.gitDir, objectIds, quarantine.folders);
    const here = objectIds.filter((id) => types.has(id));
    if (here.length === 0) throw new FetchError('invalid', 'it sent other objects than it was asked for');
    const isFit = (ids: readonly string[]) => this.#isFit(ids, isProposal);
    const whole = (await isFit(here)) ? here : await this.#eachThat(isFit, here);
    if (whole.length === 0)
      throw new FetchError('invalid', 'what it sent is not whole, or has too long paths');
    try {
      await quarantine.keepOnly(this.#limited, whole, limits.pushCheckMsMax, this.#terms?.growth);
    } catch (error) {
      if (!(error instanceof PackGrowthError)) throw error;
      throw new FetchError(failureOfRefusal[error.lack.cause], error.message);
    }
    return whole;
  }

  async #isWhole(objectIds: readonly string[]): Promise<boolean> {
    return await this.#quarantine.isConnected(this.#limited, objectIds, limits.pushCheckMsMax);
  }

  async #isFit(objectIds: readonly string[], isProposal: boolean): Promise<boolean> {
    if (!(await this.#isWhole(objectIds))) return false;
    if (!isProposal) return true;
    const { gitDir, folders: objects } = this.#quarantine;
    const memoryBytesMax = this.#terms?.memoryBytesMax;
    const bounds = memoryBytesMax === undefined ? {} : { memoryBytesMax };
    const search = { gitDir, objects, msMax: limits.pushCheckMsMax, ...bounds };
    try {
      await checkPaths(this.#parts, search, objectIds, this.#signal);
      return true;
    } catch (error) {
      if (error instanceof LongPathError || error instanceof TimeLimitError) return false;
      throw error;
    }
  }

  get #limited(): Git {
    return limitedTo(this.#parts.git, this.#terms?.memoryBytesMax);
  }

  /** Looked at one by one, for as long as all of them together may take. */
  async #eachThat(
    isFit: (ids: readonly string[]) => Promise<boolean>,
    objectIds: readonly string[],
  ): Promise<string[]> {
    const { clock } = this.#parts;
    const until = clock.monotonic() + limits.gitLoneChecksMsMax;
    const fit: string[] = [];
    for (const id of objectIds.slice(0, limits.gitLoneChecksMax)) {
      if (clock.monotonic() >= until) break;
      if (await isFit([id])) fit.push(id);
    }
    return fit;
  }

  /** What is here already, as far as a server has to know. */
  async #haves(): Promise<readonly string[]> {
    const { gitDir } = this.#quarantine;
    if (await isEmpty(gitDir)) return [];
    const refs = await readRefs(this.#parts.git, gitDir, []);
    return [...new Set(refs.values())].slice(0, limits.gitHavesMax);
  }

  /** Takes the pack of these objects; gives the one that the server says it has not, if that is why there is none. */
  async #pack(
    wants: readonly string[],
    haves: readonly string[],
    { room, packLimits }: { readonly room: PackRoom; readonly packLimits: PackLimits },
  ): Promise<string | undefined> {
    try {
      const pack = await this.#session.pack(wants, haves);
      const taken = await takePack(this.#parts, this.#quarantine, pack, packLimits, room, this.#signal);
      await pack.return(undefined);
      this.#signal.throwIfAborted();
      if (taken.type === 'taken') {
        this.#terms = taken;
        return undefined;
      }
      throw new FetchError(failureOfRefusal[taken.cause], taken.reason);
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof RemoteRefusal && error.objectId !== undefined) return error.objectId;
      throw error;
    }
  }
}

/** Which of these objects refs stand for, and what each of them stands for, in turns: a server may have very many. */
async function lookThrough(refs: readonly ServerRef[], sought: ReadonlySet<string>) {
  const there = new Set<string>();
  const tips = new Set<string>();
  for (const [at, { objectId, peeledId = objectId }] of refs.entries()) {
    if (at > 0 && at % refsPerTurn === 0) await nextTurn();
    tips.add(objectId);
    for (const id of [objectId, peeledId]) if (sought.has(id)) there.add(id);
  }
  return { there, tips };
}
