import { Counter, type Registry } from 'prom-client';

/** What became of repositories of pull requests, and of their refs, beside pushes and bytes. */
export class PrsMetrics {
  readonly #repositories: Counter<'change'>;
  readonly #refs: Counter;

  constructor(registry: Registry) {
    this.#repositories = new Counter({
      name: 'ngit_grasp06_repository_changes_total',
      help: 'Repositories of pull requests (GRASP-06) by what became of them: made, or removed without refs',
      labelNames: ['change'],
      registers: [registry],
    });
    for (const change of ['made', 'removed']) this.#repositories.inc({ change }, 0);
    this.#refs = new Counter({
      name: 'ngit_grasp06_refs_removed_total',
      help: 'Refs of pull requests (GRASP-06) that were removed: their event was deleted, did not come, or does not fit',
      registers: [registry],
    });
  }

  countChange(change: 'made' | 'removed'): void {
    this.#repositories.inc({ change });
  }

  countRemovedRefs(count: number): void {
    this.#refs.inc(count);
  }
}
