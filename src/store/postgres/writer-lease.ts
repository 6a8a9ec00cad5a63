import { limits } from '../../config/limits.js';
import { deferred } from '../../lib/abort.js';
import { type Clock, secondMs } from '../../lib/clock.js';
import { StoreError } from '../event-store.js';
import { isPassing, type PostgresDatabase } from './database.js';

/** The lease of whoever writes. */
export const writerLease = 'writer';

export type LeaseSettings = {
  /** Who takes it, for other operators: a host and a process. */
  readonly holder: string;
  readonly clock: Clock;
  /** Ends the waiting for one that another has; without it nobody waits. */
  readonly waiting?: {
    readonly signal: AbortSignal;
    /** Told once for each holder that is waited for. */
    readonly onWait: (holder: string) => void;
  };
};

/**
 * The right to write to a database, which one process has at a time. It holds for `limits.leaseMs` and is renewed long before;
 * one whose holder is gone is taken over. All time is that of the database. Each taking has a higher *fence*; who writes
 * proves in the same transaction that the fence is still its own, so that one that was away for too long can do nothing.
 */
export class WriterLease implements AsyncDisposable {
  readonly fence: number;
  /** Rejects with `StoreError` when another has taken it over. */
  readonly lost: Promise<never>;
  readonly #lost = deferred<never>();
  readonly #database: PostgresDatabase;
  readonly #stop = new AbortController();
  readonly #renewing: Promise<void>;

  private constructor(database: PostgresDatabase, fence: number, clock: Clock) {
    this.#database = database;
    this.fence = fence;
    this.lost = this.#lost.promise;
    this.#renewing = this.#renew(clock);
  }

  /** Takes the lease. Rejects with `StoreError` (`store_locked`) where another has it and is not waited for. */
  static async take(database: PostgresDatabase, settings: LeaseSettings): Promise<WriterLease> {
    const { holder, clock, waiting } = settings;
    let told: string | undefined;
    for (;;) {
      const fence = await takeOnce(database, holder);
      if (fence !== undefined) return new WriterLease(database, fence, clock);
      const other = await holderOf(database);
      if (waiting === undefined)
        throw new StoreError('store_locked', `the database is in use by another graspd: ${other}`);
      if (other !== told) waiting.onWait(other);
      told = other;
      await clock.sleep(limits.leaseRenewMs, waiting.signal);
    }
  }

  /** Lets others have it at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    const end = 'UPDATE graspd_leases SET ends_at = now() WHERE name = $1 AND fence = $2';
    // Where that does not reach the database it ends by itself.
    await this.#database.query(end, [writerLease, this.fence]).catch(() => {});
  }

  /** A lease that ran out while the database was away goes on, unless another has taken it: then nothing can be written. */
  async #renew(clock: Clock): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(limits.leaseRenewMs, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        const own = await this.#database.query(
          "UPDATE graspd_leases SET ends_at = now() + $3 * interval '1 second' WHERE name = $1 AND fence = $2 RETURNING fence",
          [writerLease, this.fence, limits.leaseMs / secondMs],
        );
        if (own.length === 0) this.#lost.reject(takenOver());
      } catch (error) {
        if (!isPassing(error)) return;
      }
    }
  }
}

/** What is left to whoever was away for too long. */
export function takenOver(): StoreError {
  return new StoreError('store_locked', 'another graspd has taken the database over');
}

/** The fence, or `undefined` where another has the lease. */
async function takeOnce(database: PostgresDatabase, holder: string): Promise<number | undefined> {
  const [row] = await database.query(
    `INSERT INTO graspd_leases (name, holder, fence, ends_at) VALUES ($1, $2, 1, now() + $3 * interval '1 second')
     ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, fence = graspd_leases.fence + 1, ends_at = EXCLUDED.ends_at
     WHERE graspd_leases.ends_at <= now()
     RETURNING fence`,
    [writerLease, holder, limits.leaseMs / secondMs],
  );
  return row === undefined ? undefined : Number(row.fence);
}

async function holderOf(database: PostgresDatabase): Promise<string> {
  const [row] = await database.query('SELECT holder FROM graspd_leases WHERE name = $1', [writerLease]);
  return String(row?.holder ?? 'unknown');
}
