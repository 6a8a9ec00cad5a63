import { limits } from '../../config/limits.js';
import { deferred } from '../../lib/abort.js';
import { type Clock, secondMs } from '../../lib/clock.js';
import { StoreError } from '../event-store.js';
import type { HeldLease } from '../opened-store.js';
import { type Database, isPassing } from './database.js';

/** The lease of whoever writes. */
export const writerLease = 'writer';

/** Who has the lease. */
export type LeaseHolder = {
  /** For operators: a host and a process. */
  readonly name: string;
  /** Where others on the same database reach it, and what they show there; without it they leave it alone. */
  readonly reached?: { readonly url: string; readonly secret: string } | undefined;
};

/** What is done while another has the lease. */
export type LeaseWaiting = {
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Told once of each holder that is waited for. */
  onWait(holder: LeaseHolder): void;
  /** Told each time that it is looked for how long another has it. */
  onLook(lease: HeldLease): void;
  /** Ends what was begun meanwhile: before anything is done with the lease, or when it is waited for no longer. */
  end(): Promise<void>;
};

export type LeaseSettings = {
  readonly holder: LeaseHolder;
  readonly clock: Clock;
  /** Without it nobody waits. */
  readonly waiting?: LeaseWaiting;
};

/** A connection that gives no answer must not cost the lease: another one is tried in time. */
const answerMsMax = limits.leaseRenewMs;

/**
 * The right to write to a database, which one process has at a time. It holds for `limits.leaseMs` and is renewed long before;
 * one whose holder is gone is taken over. All time is that of the database. Each taking has a higher *fence*; who writes
 * proves in the same transaction that the fence is still its own, so that one that was away for too long can do nothing. So that
 * its own earlier writes can do nothing either that were given up as lost and are still on their way, each is of a *turn* too,
 * and the holder begins another turn before it goes on after such a loss.
 */
export class WriterLease implements AsyncDisposable {
  readonly fence: number;
  /** Rejects with `StoreError` when another has taken it over. */
  readonly lost: Promise<never>;
  readonly #lost = deferred<never>();
  #turn = 0;
  readonly #database: Pick<Database, 'query'>;
  readonly #holder: string;
  readonly #stop = new AbortController();
  readonly #renewing: Promise<void>;
  #untilMs: number;

  private constructor(
    database: Pick<Database, 'query'>,
    taken: TakenLease,
    { holder, clock }: LeaseSettings,
  ) {
    this.#database = database;
    this.#holder = holder.name;
    this.fence = taken.fence;
    this.#untilMs = taken.untilMs;
    this.lost = this.#lost.promise;
    this.#renewing = this.#renew(clock);
  }

  /** Until when it holds at least, as far as it is known here. */
  get held(): HeldLease {
    return { holder: this.#holder, untilMs: this.#untilMs };
  }

  /** Takes the lease. Rejects with `StoreError` (`store_locked`) where another has it and is not waited for. */
  static async take(database: Pick<Database, 'query'>, settings: LeaseSettings): Promise<WriterLease> {
    try {
      return new WriterLease(database, await waitForLease(database, settings), settings);
    } finally {
      await settings.waiting?.end();
    }
  }

  /** Of the writes that are made now. */
  get turn(): number {
    return this.#turn;
  }

  /** Begins another turn: no write of an earlier one takes effect any more. Rejects as the database does. */
  async nextTurn(): Promise<void> {
    this.#turn += 1;
    await this.#database.query(
      'UPDATE graspd_leases SET turn = $3 WHERE name = $1 AND fence = $2 AND turn < $3',
      [writerLease, this.fence, this.#turn],
    );
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
    for (let pauseMs: number = limits.leaseRenewMs; !signal.aborted; ) {
      await clock.sleep(pauseMs, signal).catch(() => {});
      if (signal.aborted) return;
      const untilMs = clock.now() + limits.leaseMs;
      try {
        const own = await this.#database.query(
          "UPDATE graspd_leases SET ends_at = now() + $3 * interval '1 second' WHERE name = $1 AND fence = $2 RETURNING fence",
          [writerLease, this.fence, limits.leaseMs / secondMs],
          answerMsMax,
        );
        if (own.length === 0) this.#lost.reject(takenOver());
        else this.#untilMs = untilMs;
        pauseMs = limits.leaseRenewMs;
      } catch (error) {
        if (!isPassing(error)) return;
        pauseMs = limits.databaseRetryMsMax;
      }
    }
  }
}

/** What is left to whoever was away for too long. */
export function takenOver(): StoreError {
  return new StoreError('store_locked', 'another graspd has taken the database over');
}

/** `untilMs`: by the clock here, from before it was asked for, so that it does not end earlier. */
type TakenLease = { readonly fence: number; readonly untilMs: number };

/** Who has the lease, and how long it still holds by the clock of the database. */
type OthersLease = { readonly holder: LeaseHolder; readonly leftMs: number };

/** Asks for the lease until nobody else has it. Rejects with `StoreError` (`store_locked`) where that is not waited for. */
async function waitForLease(
  database: Pick<Database, 'query'>,
  { holder, clock, waiting }: LeaseSettings,
): Promise<TakenLease> {
  let told: string | undefined;
  for (;;) {
    const askedAtMs = clock.now();
    const taken = await takeOnce(database, holder).catch((error: unknown) => {
      // Who has begun to wait goes on when the database is back.
      if (told === undefined || !isPassing(error)) throw error;
      return undefined;
    });
    if (typeof taken === 'number') return { fence: taken, untilMs: askedAtMs + limits.leaseMs };
    if (taken !== undefined) {
      const { holder: other, leftMs } = taken;
      if (waiting === undefined)
        throw new StoreError('store_locked', `the database is in use by another graspd: ${other.name}`);
      waiting.onLook({ holder: other.name, untilMs: askedAtMs + leftMs });
      const tellable = JSON.stringify(other);
      if (tellable !== told) waiting.onWait(other);
      told = tellable;
    }
    await clock.sleep(limits.leaseRenewMs, waiting?.signal);
  }
}

/** The fence, or who has the lease. */
async function takeOnce(
  database: Pick<Database, 'query'>,
  { name, reached }: LeaseHolder,
): Promise<number | OthersLease> {
  const [row] = await database.query(
    `INSERT INTO graspd_leases (name, holder, fence, ends_at, url, secret)
     VALUES ($1, $2, 1, now() + $3 * interval '1 second', $4, $5)
     ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, fence = graspd_leases.fence + 1, turn = 0, ends_at = EXCLUDED.ends_at,
       url = EXCLUDED.url, secret = EXCLUDED.secret
     WHERE graspd_leases.ends_at <= now()
     RETURNING fence`,
    [writerLease, name, limits.leaseMs / secondMs, reached?.url ?? null, reached?.secret ?? null],
    answerMsMax,
  );
  return row === undefined ? await othersLease(database) : Number(row.fence);
}

async function othersLease(database: Pick<Database, 'query'>): Promise<OthersLease> {
  const [row] = await database.query(
    'SELECT holder, url, secret, extract(epoch FROM ends_at - now()) AS remaining FROM graspd_leases WHERE name = $1',
    [writerLease],
    answerMsMax,
  );
  const { holder = null, url = null, secret = null, remaining = null } = row ?? {};
  const reached = url === null || secret === null ? undefined : { url: String(url), secret: String(secret) };
  return {
    holder: { name: String(holder ?? 'unknown'), reached },
    leftMs: Number(remaining ?? 0) * secondMs,
  };
}
