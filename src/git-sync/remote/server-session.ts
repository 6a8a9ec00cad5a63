import { setImmediate as nextTurn } from 'node:timers/promises';
import { exceeds, noteUse } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { userAgent } from '../../config/version.js';
import { isHeadOrTag } from '../../git/ref-name.js';
import { EarlyEndError } from '../../git-protocol/errors.js';
import { packOf } from '../../git-protocol/fetch-answer.js';
import { fetchRequest, refsRequest } from '../../git-protocol/fetch-request.js';
import { AdvertisementReader, type ServerAdvertisement } from '../../git-protocol/server-advertisement.js';
import { type RefChoice, type ServerRef, ServerRefsReader } from '../../git-protocol/server-refs.js';
import type { GitHttpClient } from './git-http-client.js';
import { FetchError } from './http-errors.js';

/** Reads something from the pieces of an answer; gives it when it is whole. */
type Reader<T> = { push(piece: Buffer): T | undefined };

/** What one repository at a server is asked, in whichever version of the protocol the server speaks. */
export class ServerSession {
  readonly #client: GitHttpClient;
  readonly #advertisement: ServerAdvertisement;
  readonly #pullRequestRefs: readonly string[];

  private constructor(
    client: GitHttpClient,
    advertisement: ServerAdvertisement,
    pullRequestRefs: readonly string[],
  ) {
    this.#client = client;
    this.#advertisement = advertisement;
    this.#pullRequestRefs = pullRequestRefs;
  }

  /** Rejects with the errors of `git-protocol`, of the network and `FetchError`. */
  static async open(client: GitHttpClient, pullRequestRefs: readonly string[]): Promise<ServerSession> {
    const reader = new AdvertisementReader(choiceOf(pullRequestRefs));
    const advertisement = await readWhole(await client.advertisement(), reader);
    noteUse('gitRemoteRefsMax', advertisement.refs.length);
    return new ServerSession(client, advertisement, pullRequestRefs);
  }

  get objectFormat(): string {
    return this.#advertisement.objectFormat;
  }

  /** Whether it gives objects by their ids, and not only those that its refs stand for. */
  get givesById(): boolean {
    const { version, capabilities } = this.#advertisement;
    const allowed = ['allow-tip-sha1-in-want', 'allow-reachable-sha1-in-want', 'allow-any-sha1-in-want'];
    return version === 2 || allowed.some((name) => capabilities.has(name));
  }

  /** Its heads, tags and those refs of pull requests. */
  async refs(): Promise<readonly ServerRef[]> {
    const { version, refs } = this.#advertisement;
    if (version !== 2) return refs;
    const prefixes = ['refs/heads/', 'refs/tags/', ...this.#pullRequestRefs];
    const asking = { advertisement: this.#advertisement, agent: userAgent };
    const answer = await this.#client.uploadPack(refsRequest(asking, prefixes));
    const named = await readWhole(answer, new ServerRefsReader(choiceOf(this.#pullRequestRefs)));
    noteUse('gitRemoteRefsMax', named.length);
    return named;
  }

  /** The pack of these objects, without what `haves` lead to, in the pieces in which it comes. */
  async pack(wants: readonly string[], haves: readonly string[]): Promise<AsyncGenerator<Buffer>> {
    const { version } = this.#advertisement;
    const asking = { advertisement: this.#advertisement, agent: userAgent };
    const pieces: Buffer[] = [];
    for (const piece of fetchRequest(asking, { wants, haves })) {
      if (pieces.length > 0) await nextTurn();
      pieces.push(piece);
    }
    const answer = await this.#client.uploadPack(Buffer.concat(pieces));
    return packOf(answer, { version, otherBytesMax: limits.gitRemoteRefsBytesMax });
  }
}

/** Chosen as they come: a server may have very many, of which few are wanted, and may send more than it is asked for. */
function choiceOf(pullRequestRefs: readonly string[]): RefChoice {
  const ofPullRequests = new Set(pullRequestRefs);
  return {
    refsMax: limits.gitRemoteRefsMax,
    isWanted: (name) => isHeadOrTag(name) || ofPullRequests.has(name),
  };
}

async function readWhole<T>(answer: AsyncGenerator<Buffer>, reader: Reader<T>): Promise<T> {
  let bytes = 0;
  for await (const piece of answer) {
    bytes += piece.length;
    if (exceeds('gitRemoteRefsBytesMax', bytes)) throw new FetchError('large', 'it has too many refs');
    const whole = reader.push(piece);
    if (whole !== undefined) return whole;
  }
  throw new EarlyEndError();
}
