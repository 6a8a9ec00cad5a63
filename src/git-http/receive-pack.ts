import { limits } from '../config/limits.js';
import type { RepositoryKey } from '../git/bare-repositories.js';
import type { ProcessGate } from '../git/processes/process-gate.js';
import type { ReceiveService } from '../hosting/receive-service.js';
import type { Clock } from '../lib/clock.js';
import { BodyError } from './body-error.js';
import { answerGit, type GitEndpoint, gitHeaders } from './git-endpoint.js';
import { isProbe, openBody } from './request-body.js';

/** What takes pushes. */
export type Receive<Repository extends RepositoryKey> = Pick<ReceiveService<Repository>, 'receive'>;

export type ReceivePackParts<Repository extends RepositoryKey> = {
  readonly receive: Receive<Repository>;
  readonly gate: ProcessGate;
  readonly clock: Clock;
  /** Most bytes of one push, inflated. */
  readonly bytesMax: () => number;
};

const service = 'git-receive-pack';

/** `POST …/git-receive-pack`: a push. */
export function receivePack<Repository extends RepositoryKey>({
  receive,
  gate,
  clock,
  bytesMax,
}: ReceivePackParts<Repository>): GitEndpoint<Repository> {
  return {
    rest: service,
    method: 'POST',
    step: 'exchange',
    serviceOf: () => service,
    async work(request) {
      const { repository, gitDir, addressGroup, party, message, response, signal } = request;
      const bodyLimits = {
        bytesMax: bytesMax(),
        spanMs: limits.gitBodySpanMs,
        spanBytesMin: limits.gitBodySpanBytesMin,
        giveWay: (bytes: number) => whyGiveWay(gate.leadOf(party), bytes),
      };
      const body = openBody(message, bodyLimits, clock);
      if (await isProbe(body)) {
        answerGit(request, 'exchange', Buffer.alloc(0));
        return 'ok';
      }
      const ending = new AbortController();
      const leave = await gate.enter(signal, party, () => {
        const why = new BodyError(408, tooMany);
        body.destroy(why);
        ending.abort(why);
      });
      try {
        for (const [name, value] of Object.entries(gitHeaders(service, 'exchange'))) {
          response.setHeader(name, value);
        }
        const push = { repository, gitDir, body, addressGroup };
        await receive.receive({ ...push, signal: AbortSignal.any([signal, ending.signal]) }, response);
        if (!response.writableEnded) response.end();
        return 'ok';
      } finally {
        body.destroy();
        leave();
      }
    },
  };
}

const tooMany = 'others wait to push, and this address has more places than they have; push again later';

/**
 * A push that comes slowly holds its place for long. While somebody waits who has fewer places than its address has (by
 * `lead`), it has to be faster than otherwise; where its address has several more, it ends at any speed that leaves us waiting.
 */
function whyGiveWay(lead: number, bytes: number): string | undefined {
  if (lead > 1) return tooMany;
  return lead === 1 && bytes < limits.gitAwaitedBodySpanBytesMin
    ? 'others wait to push, and this push comes too slowly; push again later'
    : undefined;
}
