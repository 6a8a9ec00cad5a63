import { Counter, Histogram, type Registry } from 'prom-client';
import type { ProcessGate } from '../git/processes/process-gate.js';
import type { GitService } from '../git-protocol/advertisement.js';
import { gaugesIn } from '../lib/gauge.js';
import type { Advertisements } from './advertisements.js';

/** What a request was for: the list of refs, or objects. */
export type GitStep = 'advertise' | 'exchange';

/**
 * What became of a request: `refused` for a body that cannot be taken, or that git answers with what is wrong with it,
 * `busy` where too many waited, `left` when the client went away, `late` for one that took too long.
 */
export type GitOutcome = 'ok' | 'unknown' | 'refused' | 'busy' | 'left' | 'late' | 'failed';

export type FinishedRequest = {
  readonly service: GitService;
  readonly step: GitStep;
  readonly outcome: GitOutcome;
  readonly seconds: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
};

/** How many run and wait, by what they are for. */
export type GitGates = {
  readonly uploads: ProcessGate;
  readonly receives: ProcessGate;
  readonly advertisements: ProcessGate;
};

/** What git over HTTP shows of itself. */
export class GitHttpMetrics {
  readonly #requests: Counter<'service' | 'step' | 'outcome'>;
  readonly #seconds: Histogram<'service' | 'step'>;
  readonly #received: Counter<'service'>;
  readonly #sent: Counter<'service'>;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#registry = registry;
    this.#requests = new Counter({
      name: 'ngit_git_requests_total',
      help: 'Git requests over HTTP by service, step (advertise or exchange) and outcome',
      labelNames: ['service', 'step', 'outcome'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'ngit_git_request_seconds',
      help: 'Time that git requests over HTTP took, their whole answer sent',
      labelNames: ['service', 'step'],
      buckets: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000],
      registers,
    });
    this.#received = new Counter({
      name: 'ngit_git_received_bytes_total',
      help: 'Bytes of git requests over HTTP',
      labelNames: ['service'],
      registers,
    });
    this.#sent = new Counter({
      name: 'ngit_git_sent_bytes_total',
      help: 'Bytes of answers to git requests over HTTP',
      labelNames: ['service'],
      registers,
    });
  }

  count({ service, step, outcome, seconds, bytesReceived, bytesSent }: FinishedRequest): void {
    this.#requests.inc({ service, step, outcome });
    this.#seconds.observe({ service, step }, seconds);
    this.#received.inc({ service }, bytesReceived);
    this.#sent.inc({ service }, bytesSent);
  }

  /** Gauges that are read when they are scraped. */
  watch(gates: GitGates, advertisements: Advertisements): void {
    const gauge = gaugesIn(this.#registry);
    for (const name of ['uploads', 'receives', 'advertisements'] as const) {
      gauge(`ngit_git_${name}_running`, `Git processes that run for ${name}`, () => gates[name].running);
      gauge(
        `ngit_git_${name}_waiting`,
        `Requests that wait to run git for ${name}`,
        () => gates[name].waiting,
      );
    }
    gauge(
      'ngit_git_advertisements_kept_bytes',
      'Bytes of the advertisements of refs that are kept',
      () => advertisements.bytes,
    );
    gauge(
      'ngit_git_advertisements_made',
      'Advertisements of refs that git was run for, since the start',
      () => advertisements.made,
    );
  }
}
