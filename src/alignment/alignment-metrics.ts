import { Counter, Histogram, type Registry } from 'prom-client';
import { gaugesIn } from '../lib/gauge.js';

/** What happened to a repository on disk. */
export type RepositoryChange = 'made' | 'reopened' | 'closed' | 'removed';

/** What the git side shows of itself. */
export class AlignmentMetrics {
  readonly #results: Counter<'result'>;
  readonly #seconds: Histogram;
  readonly #changes: Counter<'change'>;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#results = new Counter({
      name: 'ngit_git_alignments_total',
      help: 'Alignments of a repository with stored events, by result (aligned or failed)',
      labelNames: ['result'],
      registers: [registry],
    });
    for (const result of ['aligned', 'failed']) this.#results.inc({ result }, 0);
    this.#seconds = new Histogram({
      name: 'ngit_git_alignment_seconds',
      help: 'Time that one alignment of a repository took',
      buckets: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers: [registry],
    });
    this.#changes = new Counter({
      name: 'ngit_git_repository_changes_total',
      help: 'Repositories on disk that were made, reopened, closed or removed',
      labelNames: ['change'],
      registers: [registry],
    });
  }

  /** Starts the clock of an alignment; call the result with what became of it. */
  startAlignment(): (result: 'aligned' | 'failed') => void {
    const stop = this.#seconds.startTimer();
    return (result) => {
      stop();
      this.#results.inc({ result });
    };
  }

  countChange(change: RepositoryChange): void {
    this.#changes.inc({ change });
  }

  /** Gauges that are read when they are scraped. */
  watch(gauges: { readonly pending: () => number; readonly failing: () => number }): void {
    const gauge = gaugesIn(this.#registry);
    gauge('ngit_git_alignments_pending', 'Repositories that wait to be aligned', gauges.pending);
    gauge(
      'ngit_git_alignments_failing',
      'Repositories whose last alignment failed and is going to be tried again',
      gauges.failing,
    );
  }
}
