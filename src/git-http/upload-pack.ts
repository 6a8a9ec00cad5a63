import type { Readable } from 'node:stream';
import { limits } from '../config/limits.js';
import type { GitStream, GitStreams } from '../git/git-streams.js';
import type { ProcessGate } from '../git/processes/process-gate.js';
import { errorPkt, isErrorPkt } from '../git-protocol/advertisement.js';
import { NegotiationEnd } from '../git-protocol/negotiation-end.js';
import { deferred } from '../lib/abort.js';
import type { CancelTimer, Clock } from '../lib/clock.js';
import { BodyError } from './body-error.js';
import { feed, type ReaderWatch, send } from './flow.js';
import { answerGit, type GitEndpoint, type GitRequest, gitHeaders } from './git-endpoint.js';
import { GitFault } from './git-fault.js';
import type { GitOutcome } from './git-http-metrics.js';
import { isProbe, openBody } from './request-body.js';

export type UploadPackParts = {
  readonly streams: GitStreams;
  readonly gate: ProcessGate;
  readonly clock: Clock;
  /** The longest that one request may take. */
  readonly msMax: () => number;
};

const service = 'git-upload-pack';

/**
 * What a partial clone may leave out: that costs git no more than to send all. Other filters do: one is patterns in a file of
 * the repository, whose matching has no end; one is thousands of filters in one line; deep trees are walked again and again.
 */
const allowedFilters: readonly (readonly [key: string, value: string])[] = [
  ['uploadpackfilter.allow', 'false'],
  ...['blob:none', 'blob:limit', 'object:type', 'tree'].map(
    (filter) => [`uploadpackfilter.${filter}.allow`, 'true'] as const,
  ),
  ['uploadpackfilter.tree.maxDepth', String(limits.gitFilterTreeDepthMax)],
];

/** `POST …/git-upload-pack`: objects for a clone or a fetch, in all versions of the protocol. */
export function uploadPack(parts: UploadPackParts): GitEndpoint {
  return {
    rest: service,
    method: 'POST',
    step: 'exchange',
    serviceOf: () => service,
    async work(request) {
      const { gitDir, protocol, message, response, signal } = request;
      const watch = readerWatch(parts, request);
      const bodyLimits = {
        bytesMax: limits.gitUploadRequestBytesMax,
        spanMs: limits.gitBodySpanMs,
        spanBytesMin: limits.gitBodySpanBytesMin,
        giveWay: (bytes: number) => (watch.givesWay(bytes) ? tooSlow : undefined),
      };
      const body = openBody(message, bodyLimits, parts.clock);
      if (await isProbe(body)) {
        answerGit(request, 'exchange', Buffer.alloc(0));
        return 'ok';
      }
      for (const [name, value] of Object.entries(gitHeaders(service, 'exchange'))) {
        response.setHeader(name, value);
      }
      const leave = await enter(request, parts);
      try {
        const git = await parts.streams.start(
          {
            gitDir,
            args: ['upload-pack', '--strict', '--stateless-rpc', gitDir],
            config: allowedFilters,
            ...(protocol === undefined ? {} : { protocol }),
            msMax: parts.msMax(),
          },
          signal,
        );
        return await converse(git, body, request, watch).finally(async () => {
          git.end();
          await git.ended;
        });
      } finally {
        leave();
      }
    },
  };
}

const tooSlow = 'others wait, and this request comes too slowly; ask again later';

/**
 * Who sends or reads slowly holds a place for long. While somebody waits who has fewer places than the address, each of its
 * requests has to be fast enough, and the faster the more places it has than they.
 */
export function readerWatch(
  { gate, clock }: Pick<UploadPackParts, 'gate' | 'clock'>,
  { party }: Pick<GitRequest, 'party'>,
): ReaderWatch {
  return { clock, givesWay: (bytes) => bytes < limits.gitAwaitedReadSpanBytesMin * gate.leadOf(party) };
}

/**
 * Waits for its turn; who waits for long sees that somebody is there, but not before all of its request has come: proxies
 * forget, or wait for ever with, what is left of a request when its answer begins.
 */
async function enter(
  { message, response, signal, party }: GitRequest,
  { gate, clock }: UploadPackParts,
): Promise<() => void> {
  const look = (): CancelTimer =>
    clock.after(limits.gitSilenceMsMax, () => {
      if (message.complete) response.flushHeaders();
      else cancel = look();
    });
  let cancel = look();
  try {
    return await gate.enter(signal, party, () => response.destroy());
  } finally {
    cancel();
  }
}

/**
 * Gives git the request and the client what git answers. The answer waits for the whole request, as `enter` does: only as
 * long, too, can a damaged body be said to be one. It does not wait longer than a client is patient, for git might not read
 * on before somebody reads what it says.
 */
async function converse(
  git: GitStream,
  body: Readable,
  { gitDir, response, signal }: GitRequest,
  watch: ReaderWatch,
): Promise<GitOutcome> {
  const fed = feed(body, git.input).then(() => {
    if (!signal.aborted) response.flushHeaders();
  });
  // Git gets no end that could pass for that of a whole request.
  fed.catch(() => git.end());
  using negotiation = watchNegotiation(watch.clock, () => {
    body.destroy(new BodyError(408, 'the request took too long'));
    git.end();
  });
  const patience = deferred<void>();
  const cancel = watch.clock.after(limits.gitSilenceMsMax, patience.resolve);
  await Promise.race([fed, patience.promise]).finally(cancel);
  let hasAnswer = false;
  let isRefusal = false;
  try {
    await send(git.output, response, watch, (chunk) => {
      if (!hasAnswer) isRefusal = isErrorPkt(chunk);
      hasAnswer = true;
      negotiation.take(chunk);
    });
  } catch (error) {
    await fed;
    if (!negotiation.isLate) throw error;
  }
  const ended = await git.ended;
  const end = { ...ended, isLate: ended.isLate || negotiation.isLate };
  signal.throwIfAborted();
  if (!hasAnswer) {
    await fed;
    if (end.exitCode !== 0) {
      const fault = new GitFault(gitDir, end);
      response.end(errorPkt(fault.message));
      if (fault.isLate) return 'late';
      // Git looks at the request before it answers; what is wrong with a repository shows in its list of refs, or later.
      return end.exitCode === null ? 'failed' : 'refused';
    }
  } else if (end.exitCode === null || end.isLate) throw new GitFault(gitDir, end);
  response.end();
  if (end.exitCode === 0) return 'ok';
  return isRefusal ? 'refused' : 'failed';
}

/**
 * Ends what takes longer than it may to come to what was asked for. Git looks through the history again for each object that a
 * client says it has and that is not here (protocols v0 and v1): a request can name some hundred thousand of them.
 */
function watchNegotiation(clock: Pick<Clock, 'after'>, end: () => void) {
  const reached = new NegotiationEnd();
  let isLate = false;
  const cancel = clock.after(limits.gitNegotiationMsMax, () => {
    isLate = true;
    end();
  });
  return {
    get isLate() {
      return isLate;
    },
    /** Takes a piece of the answer. */
    take(chunk: Buffer): void {
      if (reached.push(chunk)) cancel();
    },
    [Symbol.dispose]: () => cancel(),
  };
}
