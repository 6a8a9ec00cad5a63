import type { GitStreams } from '../git/git-streams.js';
import type { ProcessGate } from '../git/processes/process-gate.js';
import { type GitService, isGitService, serviceHeader } from '../git-protocol/advertisement.js';
import { protocolVersionOf } from '../git-protocol/protocol-version.js';
import type { Clock } from '../lib/clock.js';
import { type Advertisements, advertisingCommand } from './advertisements.js';
import { send } from './flow.js';
import { answerGit, type GitEndpoint, type GitRequest, gitHeaders } from './git-endpoint.js';
import { GitFault } from './git-fault.js';
import type { GitOutcome } from './git-http-metrics.js';
import { readerWatch } from './upload-pack.js';

export type InfoRefsParts = {
  readonly advertisements: Advertisements;
  readonly streams: GitStreams;
  /** For those too large to be kept. */
  readonly gate: ProcessGate;
  readonly clock: Clock;
  /** Services that are offered. */
  readonly services: readonly GitService[];
};

/** `GET …/info/refs?service=…`: what the repository has, and what its service can do. */
export function infoRefs(parts: InfoRefsParts): GitEndpoint {
  return {
    rest: 'info/refs',
    method: 'GET',
    step: 'advertise',
    serviceOf(query) {
      const service = query.get('service');
      return isGitService(service) && parts.services.includes(service) ? service : undefined;
    },
    async work(request) {
      const { gitDir, service } = request;
      const version = versionOf(request);
      const whole = await parts.advertisements.of(gitDir, service, version, request);
      if (whole === undefined) return await stream(request, version, parts);
      answerGit(request, 'advertise', whole);
      return 'ok';
    },
  };
}

/** There is no v2 of a push; who asks for it is answered in v0, as git itself has it. */
function versionOf({ service, protocol }: GitRequest): 0 | 1 | 2 {
  const version = protocolVersionOf(protocol);
  return version === 2 && service === 'git-receive-pack' ? 0 : version;
}

async function stream(
  { gitDir, service, response, signal, party }: GitRequest,
  version: 0 | 1 | 2,
  { gate, streams, clock }: InfoRefsParts,
): Promise<GitOutcome> {
  const leave = await gate.enter(signal, party, () => response.destroy());
  try {
    const git = await streams.start(advertisingCommand(gitDir, service, version), signal);
    git.input.end();
    response.writeHead(200, gitHeaders(service, 'advertise'));
    if (version !== 2) response.write(serviceHeader(service));
    await send(git.output, response, readerWatch({ gate, clock }, { party }));
    const end = await git.ended;
    // Half a list must not look like a whole one.
    if (end.exitCode !== 0) throw new GitFault(gitDir, end);
    response.end();
    return 'ok';
  } finally {
    leave();
  }
}
