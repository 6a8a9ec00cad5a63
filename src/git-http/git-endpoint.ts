import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { limits } from '../config/limits.js';
import type { RepositoryKey } from '../git/bare-repositories.js';
import { errorPkt, type GitService } from '../git-protocol/advertisement.js';
import { checkedProtocol } from '../git-protocol/protocol-version.js';
import { answer, answerText } from '../http/answers.js';
import { type Asker, askerOf } from '../http/asker.js';
import type { Route, RouteRequest } from '../http/route.js';
import type { TokenBucket } from '../lib/budgets/token-bucket.js';
import type { Clock } from '../lib/clock.js';
import { errorCode, errorMessage } from '../lib/errors.js';
import { lapsedReason } from '../purgatory/held-event.js';
import { BodyError } from './body-error.js';
import { GitFault } from './git-fault.js';
import type { GitHttpMetrics, GitOutcome, GitStep } from './git-http-metrics.js';
import type { RepositorySite } from './sites/repository-site.js';

/** A request for a repository that is served. */
export type GitRequest<Repository extends RepositoryKey = RepositoryKey> = Asker & {
  readonly repository: Repository;
  readonly gitDir: string;
  readonly service: GitService;
  /** What git finds as `GIT_PROTOCOL`. */
  readonly protocol: string | undefined;
  readonly addressGroup: string;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
};

/** One thing that clients ask of repositories: of all, or of those of one sort. */
export type GitEndpoint<Repository extends RepositoryKey = RepositoryKey> = {
  /** The path behind the repository. */
  readonly rest: string;
  readonly method: 'GET' | 'POST';
  readonly step: GitStep;
  /** The service that is asked for; `undefined` for what is not offered. */
  serviceOf(query: URLSearchParams): GitService | undefined;
  /** Answers; what it rejects with is answered here. */
  work(request: GitRequest<Repository>): Promise<GitOutcome>;
};

export type GitEndpointParts = {
  readonly metrics: GitHttpMetrics;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'debug' | 'warn'>;
  /** How many failures are warned of: of all endpoints, for strangers can cause them. */
  readonly warnings: Pick<TokenBucket, 'take'>;
};

/** The route of an endpoint: finds the repository, answers what fails, counts and logs what became of each request. */
export function gitRoute<Repository extends RepositoryKey>(
  endpoint: GitEndpoint<Repository>,
  site: RepositorySite<Repository>,
  parts: GitEndpointParts,
): Route {
  const end = `/${endpoint.rest}`;
  return {
    // Whether it is one of a repository is found out once, when it is answered.
    matches: (path) => path.startsWith(site.pathStart) && path.endsWith(end),
    methods: [endpoint.method],
    handle: (request, response) => handle(endpoint, site, parts, request, response),
  };
}

/** The media types of answers (gitprotocol-http). */
export function gitHeaders(service: GitService, step: GitStep): Record<string, string> {
  return {
    'Content-Type': `application/x-${service}-${step === 'advertise' ? 'advertisement' : 'result'}`,
    'Cache-Control': 'no-cache',
    'X-Content-Type-Options': 'nosniff',
  };
}

/** Sends a whole answer of git. */
export function answerGit(
  { response, service }: Pick<GitRequest, 'response' | 'service'>,
  step: GitStep,
  body: Buffer,
): void {
  const { 'Content-Type': contentType = '', ...headers } = gitHeaders(service, step);
  answer(response, 200, contentType, body, headers);
}

async function handle<Repository extends RepositoryKey>(
  endpoint: GitEndpoint<Repository>,
  site: RepositorySite<Repository>,
  parts: GitEndpointParts,
  { path, query, message, addressGroup }: RouteRequest,
  response: ServerResponse,
): Promise<void> {
  const { clock, metrics, logger, warnings } = parts;
  const { step } = endpoint;
  const service = endpoint.serviceOf(query);
  const target = site.target(path);
  const repository = target?.rest === endpoint.rest ? target.repository : undefined;
  const gitDir =
    service === undefined || repository === undefined ? undefined : await site.gitDirOf(repository);
  if (service === undefined || repository === undefined || gitDir === undefined) {
    if (service === 'git-receive-pack' && repository !== undefined && site.hasLapsed(repository))
      answerGit({ response, service }, step, errorPkt(`authorisation failed: ${lapsedReason}`));
    else answerText(response, 404, 'there is no such repository here');
    return;
  }
  const { socket } = message;
  const [startMs, readBefore, writtenBefore] = [clock.monotonic(), socket.bytesRead, socket.bytesWritten];
  const protocol = checkedProtocol(headerText(message.headers['git-protocol']));
  const request = {
    repository,
    gitDir,
    service,
    protocol,
    addressGroup,
    message,
    response,
    ...askerOf(addressGroup, response),
  };
  let outcome: GitOutcome;
  let why: string | undefined;
  try {
    outcome = await endpoint.work(request);
  } catch (error) {
    why = errorMessage(error);
    outcome = answerFailure(request, step, error);
  }
  const seconds = (clock.monotonic() - startMs) / 1_000;
  const bytesReceived = socket.bytesRead - readBefore;
  const bytesSent = socket.bytesWritten - writtenBefore;
  metrics.count({ service, step, outcome, seconds, bytesReceived, bytesSent });
  const details: object = { ...repository, service, step, outcome, seconds, bytesReceived, bytesSent, why };
  const isFailure = outcome === 'failed' || outcome === 'late';
  if (isFailure && warnings.take()) logger.warn(details, 'git request failed');
  else logger.debug(details, 'git request');
}

function headerText(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Answers what failed, as far as the answer has not begun; a client that sees it cut off knows that it is not whole. */
function answerFailure(request: GitRequest, step: GitStep, error: unknown): GitOutcome {
  const { response, signal } = request;
  if (signal.aborted) return 'left';
  const outcome = outcomeOf(error);
  if (response.headersSent) response.destroy();
  else if (error instanceof BodyError) answerText(response, error.status, error.message);
  else if (error instanceof GitFault) answerGit(request, step, errorPkt(error.message));
  else if (outcome === 'busy') {
    const headers = { 'Retry-After': String(limits.gitRetryAfterSeconds) };
    answerText(response, 503, errorMessage(error), headers);
  } else answerText(response, 500, 'git could not be run');
  return outcome;
}

function outcomeOf(error: unknown): GitOutcome {
  if (error instanceof BodyError) return 'refused';
  if (error instanceof GitFault && error.isLate) return 'late';
  return errorCode(error) === 'git_busy' ? 'busy' : 'failed';
}
