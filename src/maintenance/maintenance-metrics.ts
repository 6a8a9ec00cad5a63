import { Counter, Histogram, type Registry } from 'prom-client';
import { gaugesIn } from '../lib/gauge.js';

const results = ['done', 'interrupted', 'failed'] as const;

export type CareResult = (typeof results)[number];

/** What the care of repositories shows of itself. */
export class MaintenanceMetrics {
  readonly #registry: Registry;
  readonly #results: Counter<'result'>;
  readonly #seconds: Histogram;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#results = new Counter({
      name: 'ngit_git_repacks_total',
      help: 'Repacks of a repository, by result (done, interrupted by a push, or failed)',
      labelNames: ['result'],
      registers: [registry],
    });
    for (const result of results) this.#results.inc({ result }, 0);
    this.#seconds = new Histogram({
      name: 'ngit_git_repack_seconds',
      help: 'Time that one repack of a repository took',
      buckets: [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000],
      registers: [registry],
    });
  }

  /** Starts the clock of a repack; call the result with what became of it. */
  startRepack(): (result: CareResult) => void {
    const stop = this.#seconds.startTimer();
    return (result) => {
      stop();
      this.#results.inc({ result });
    };
  }

  /** A gauge that is read when it is scraped. */
  watch(pending: () => number): void {
    gaugesIn(this.#registry)('ngit_git_repacks_pending', 'Repositories that wait to be repacked', pending);
  }
}
