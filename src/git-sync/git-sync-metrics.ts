import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { reaches } from '../config/limit-use.js';
import { type Clock, secondMs } from '../lib/clock.js';
import type { IncompleteRepository } from './incomplete-repository.js';
import type { FetchOutcome } from './remote.js';

/** What is looked at when metrics are read. */
export type GitSyncView = {
  incomplete(): Iterable<IncompleteRepository>;
  running(): number;
};

/** What git data sync shows of itself (git.md §4). */
export class GitSyncMetrics {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #fetches: Counter<'outcome'>;
  readonly #failures: Counter<'host' | 'failure'>;
  readonly #bytes: Counter;
  readonly #objects: Counter;
  readonly #completed: Histogram;
  /** Hosts with a label of their own: anybody can name any number of them. */
  readonly #labelled = new Set<string>();

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
    const registers = [registry];
    this.#fetches = new Counter({
      name: 'ngit_git_sync_fetches_total',
      help: 'Fetches from other git servers by outcome: fetched, or the class of failure',
      labelNames: ['outcome'],
      registers,
    });
    this.#failures = new Counter({
      name: 'ngit_git_sync_failures_total',
      help: 'Fetches from other git servers that failed, by host (the first of them; others are "other") and class',
      labelNames: ['host', 'failure'],
      registers,
    });
    this.#bytes = new Counter({
      name: 'ngit_git_sync_bytes_total',
      help: 'Bytes received from other git servers',
      registers,
    });
    this.#objects = new Counter({
      name: 'ngit_git_sync_objects_total',
      help: 'Objects named by events that other git servers gave, with all that they lead to',
      registers,
    });
    this.#completed = new Histogram({
      name: 'ngit_git_sync_completion_seconds',
      help: 'Time from when something was known to lack in a repository until nothing did',
      buckets: [1, 5, 30, 120, 600, 3_600, 21_600, 86_400],
      registers,
    });
  }

  watch({ incomplete, running }: GitSyncView): void {
    const registers = [this.#registry];
    const clock = this.#clock;
    new Gauge({
      name: 'ngit_git_sync_incomplete_repositories',
      help: 'Repositories that lack git data which events name, as far as is known',
      registers,
      collect() {
        this.set([...incomplete()].length);
      },
    });
    new Gauge({
      name: 'ngit_git_sync_oldest_incomplete_seconds',
      help: 'For how long the repository has lacked git data that has lacked some for the longest',
      registers,
      collect() {
        const now = clock.now();
        let oldest = now;
        for (const { sinceMs } of incomplete()) oldest = Math.min(oldest, sinceMs);
        this.set((now - oldest) / secondMs);
      },
    });
    new Gauge({
      name: 'ngit_git_sync_fetches_running',
      help: 'Fetches from other git servers that run',
      registers,
      collect() {
        this.set(running());
      },
    });
  }

  countFetch(host: string, outcome: FetchOutcome): void {
    this.#bytes.inc(outcome.bytes);
    this.#fetches.inc({ outcome: outcome.type === 'failed' ? outcome.failure : 'fetched' });
    if (outcome.type === 'failed')
      this.#failures.inc({ host: this.#labelOf(host), failure: outcome.failure });
    else this.#objects.inc(outcome.fetched.objectIds.length);
  }

  countCompleted(seconds: number): void {
    this.#completed.observe(seconds);
  }

  #labelOf(host: string): string {
    if (!reaches('gitHostLabelsMax', this.#labelled.size)) this.#labelled.add(host);
    return this.#labelled.has(host) ? host : 'other';
  }
}
