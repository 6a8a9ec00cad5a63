import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { BodyFault } from '../backend.js';
import { StoreError } from '../event-store.js';
import type { JournalEntry } from '../journal.js';
import type { LogTarget, LogWrite, SegmentEntry } from '../log/log-target.js';
import type { Outage } from '../opened-store.js';
import { type Database, isPassing } from './database.js';
import { PostgresReads } from './postgres-reads.js';
import { takenOver, type WriterLease, writerLease } from './writer-lease.js';

/**
 * One write: a single statement, so one transaction and one way to the database. It does nothing unless the lease is held
 * and this is its turn, and until it is committed nobody can take that over. Doing it twice is as doing it once, so that it can
 * be tried again where nobody knows whether it was committed. What has many rows comes as one piece of bytes and where each row's
 * lie in it.
 */
const writeStatement = `
WITH held AS (
  SELECT 1 FROM graspd_leases WHERE name = $1 AND fence = $2 AND turn = $20 FOR SHARE
), segments AS (
  INSERT INTO graspd_log (position, segment)
  SELECT key, substring($5::bytea FROM start FOR length)
  FROM unnest($3::bigint[], $4::int[], $6::int[]) AS pieces(key, start, length), held
  ON CONFLICT (position) DO UPDATE SET segment = EXCLUDED.segment
), gone_segments AS (
  DELETE FROM graspd_log USING held WHERE position = ANY($7::bigint[])
), bodies AS (
  INSERT INTO graspd_bodies (sequence, body)
  SELECT key, substring($10::bytea FROM start FOR length)
  FROM unnest($8::bigint[], $9::int[], $11::int[]) AS pieces(key, start, length), held
  ON CONFLICT (sequence) DO NOTHING
), gone_bodies AS (
  DELETE FROM graspd_bodies USING held WHERE sequence = ANY($12::bigint[])
), journal AS (
  INSERT INTO graspd_journal (name, value)
  SELECT key, substring($15::bytea FROM start FOR length)
  FROM unnest($13::text[], $14::int[], $16::int[]) AS pieces(key, start, length), held
  ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value
), gone_journal AS (
  DELETE FROM graspd_journal USING held WHERE name = ANY($17::text[])
), meta AS (
  INSERT INTO graspd_meta (name, value)
  SELECT name, value FROM unnest($18::text[], $19::text[]) AS changed(name, value), held
  ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value
)
SELECT count(*)::int AS held FROM held`;

/** The log of a store in PostgreSQL. A write that fails for a reason that passes is tried again until it is made. */
export class PostgresLog implements LogTarget {
  readonly #reads: PostgresReads;
  readonly #writing: Pick<Database, 'query'>;
  readonly #lease: Pick<WriterLease, 'fence' | 'turn' | 'nextTurn'>;
  readonly #clock: Clock;
  readonly #release: () => Promise<void>;
  #outage: Outage | undefined;
  #isEnding = false;

  /** `reading` and `writing`: connections to the same database. `release` lets go of them, and of the lease. */
  constructor(
    { reading, writing }: Readonly<Record<'reading' | 'writing', Pick<Database, 'query'>>>,
    lease: Pick<WriterLease, 'fence' | 'turn' | 'nextTurn'>,
    clock: Clock,
    release: () => Promise<void>,
  ) {
    this.#reads = new PostgresReads(reading.query);
    this.#writing = writing;
    this.#lease = lease;
    this.#clock = clock;
    this.#release = release;
  }

  /** Since when, in the clock's monotonic milliseconds, a write has been waiting for the database, and why. */
  get outage(): Outage | undefined {
    return this.#outage;
  }

  async write(write: LogWrite): Promise<void> {
    const lease = this.#lease;
    const values = [writerLease, lease.fence, ...valuesOf(write)];
    let delayMs: number = limits.databaseRetryMsMin;
    for (let mayBeUnderWay = false; ; mayBeUnderWay = true) {
      try {
        // What was given up may come to the database yet: it must not find later writes there.
        if (mayBeUnderWay) await lease.nextTurn();
        const [row] = await this.#writing.query(writeStatement, [...values, lease.turn]);
        this.#outage = undefined;
        if (row?.held === 1) return;
      } catch (error) {
        await this.#waitAfter(error, delayMs);
        delayMs = Math.min(delayMs * 2, limits.databaseRetryMsMax);
        continue;
      }
      throw takenOver();
    }
  }

  bodies(sequences: readonly number[]): Promise<(Uint8Array | BodyFault)[]> {
    return this.#reads.bodies(sequences);
  }

  segments(first: number): AsyncIterable<SegmentEntry> {
    return this.#reads.segments(first);
  }

  journal(): AsyncIterable<JournalEntry> {
    return this.#reads.journal();
  }

  end(): void {
    this.#isEnding = true;
  }

  async close(): Promise<void> {
    await this.#release();
  }

  /** Waits before a write is tried again. Rejects with `StoreError` where that makes no sense. */
  async #waitAfter(error: unknown, delayMs: number): Promise<void> {
    const reason = errorMessage(error);
    const nowMs = this.#clock.monotonic();
    this.#outage = { sinceMs: this.#outage?.sinceMs ?? nowMs, reason };
    const isOver = this.#isEnding && nowMs - this.#outage.sinceMs >= limits.databaseWaitMsMax;
    if (!isPassing(error) || isOver)
      throw new StoreError('store_write_failed', `the store cannot be written: ${reason}`, { cause: error });
    await this.#clock.sleep(delayMs);
  }
}

/** The parameters of `writeStatement` from the third on. */
function valuesOf(write: LogWrite): unknown[] {
  const journal = [...write.journal];
  const kept = journal.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const gone = journal.flatMap(([name, value]) => (value === undefined ? [name] : []));
  const meta = [
    ...(write.reasons === undefined ? [] : [['reasons', JSON.stringify(write.reasons)]]),
    ...(write.compactedThrough === undefined ? [] : [['compaction', JSON.stringify(write.compactedThrough)]]),
  ];
  return [
    ...piecesOf(write.segments),
    write.goneSegments,
    ...piecesOf(write.bodies),
    write.goneBodies,
    ...piecesOf(kept),
    gone,
    meta.map(([name]) => name),
    meta.map(([, value]) => value),
  ];
}

/** Keys, where the bytes of each begin (from 1), all bytes in one, and how many each has. */
function piecesOf<K>(entries: Iterable<readonly [K, Uint8Array]>): [K[], number[], Buffer, number[]] {
  const all = [...entries];
  let start = 1;
  const starts = all.map(([, bytes]) => {
    const own = start;
    start += bytes.length;
    return own;
  });
  return [
    all.map(([key]) => key),
    starts,
    Buffer.concat(all.map(([, bytes]) => bytes)),
    all.map(([, bytes]) => bytes.length),
  ];
}
