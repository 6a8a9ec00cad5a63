import { createHistogram, monitorEventLoopDelay, type RecordableHistogram } from 'node:perf_hooks';

/** How many complaints are kept in words; more are counted. */
const keptComplaintsMax = 20;

/** What honest clients did since counting began anew, and what was wrong since the last report. */
export type HonestReport = {
  readonly connections: number;
  /** Requests that were answered, or events that had their OK. */
  readonly answered: number;
  readonly deliveries: number;
  /** What no honest client should see: dropped, refused, not answered. */
  readonly complaints: number;
  readonly words: readonly string[];
  /** From what was sent to its answer, in milliseconds; 0 without any. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How late the clients' own event loop was: what they see cannot be finer than that. */
  readonly ownLoopP99Ms: number;
};

/** Counts what honest clients see. */
export class HonestRecord {
  connections = 0;
  deliveries = 0;
  #complaints = 0;
  #words: string[] = [];
  /** In microseconds. */
  readonly #latencies: RecordableHistogram = createHistogram();
  readonly #ownLoop = monitorEventLoopDelay({ resolution: 10 });

  constructor() {
    this.#ownLoop.enable();
  }

  answered(ms: number): void {
    this.#latencies.record(Math.max(1, Math.round(ms * 1_000)));
  }

  complain(words: string): void {
    this.#complaints += 1;
    if (this.#words.length < keptComplaintsMax) this.#words.push(words.slice(0, 300));
  }

  /** What was counted; with `anew`, counting begins anew after it. */
  take(anew: boolean): HonestReport {
    const ms = (microseconds: number) => microseconds / 1_000;
    const latencies = this.#latencies;
    const report = {
      connections: this.connections,
      answered: latencies.count,
      deliveries: this.deliveries,
      complaints: this.#complaints,
      words: this.#words,
      p50Ms: latencies.count === 0 ? 0 : ms(latencies.percentile(50)),
      p99Ms: latencies.count === 0 ? 0 : ms(latencies.percentile(99)),
      maxMs: latencies.count === 0 ? 0 : ms(latencies.max),
      ownLoopP99Ms: Math.max(0, this.#ownLoop.percentile(99) / 1e6),
    };
    this.#complaints = 0;
    this.#words = [];
    if (!anew) return report;
    latencies.reset();
    this.#ownLoop.reset();
    this.deliveries = 0;
    return report;
  }
}
