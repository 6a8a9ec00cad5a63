import type { Usage } from './process-usage.js';
import type { World } from './world.js';

/** One number that was measured. */
export type Figure = {
  readonly name: string;
  readonly value: number;
  readonly unit:
    | 'events'
    | 'events/s'
    | 'OK/s'
    | 'requests/s'
    | 'repositories/s'
    | 'deliveries/s'
    | 'deliveries'
    | 'ms'
    | 's'
    | 'MB'
    | 'MB/s'
    | '×';
};

/** What a scenario measured, with what it cost each process meanwhile. */
export type Measurement = { readonly figures: readonly Figure[]; readonly usage: readonly Usage[] };

/** A piece of work whose time is measured: one file each, listed in `scenarios.ts`. */
export type Scenario = {
  readonly name: string;
  readonly about: string;
  /** Whether it can measure a relay that runs already (`--url`). */
  readonly byUrl: boolean;
  /** Why it cannot be run here; `undefined` when it can. */
  obstacle?(): string | undefined;
  run(world: World): Promise<Measurement>;
};

/** Work a second. */
export function rate(count: number, ms: number): number {
  return count / (ms / 1000);
}
