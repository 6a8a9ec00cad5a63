import { limits } from '../../config/limits.js';
import { errorMessage } from '../../lib/errors.js';
import type { BodyFault } from '../backend.js';
import { StoreError } from '../event-store.js';
import type { JournalEntry } from '../journal.js';
import { unsealBody } from '../log/bodies/sealed-body.js';
import type { LogTarget, SegmentEntry } from '../log/log-target.js';
import { explain, isPassing, type Query, type Row } from './database.js';

/** What is read of a log in PostgreSQL. */
export class PostgresReads implements Pick<LogTarget, 'bodies' | 'segments' | 'journal'> {
  readonly #query: Query;

  constructor(query: Query) {
    this.#query = query;
  }

  async bodies(sequences: readonly number[]): Promise<(Uint8Array | BodyFault)[]> {
    try {
      const rows = await this.#query(
        'SELECT sequence, body FROM graspd_bodies WHERE sequence = ANY($1::bigint[])',
        [sequences],
      );
      const bodies = new Map(rows.map(({ sequence, body }) => [Number(sequence), body as Buffer]));
      return sequences.map((sequence) => {
        const body = bodies.get(sequence);
        return body === undefined ? 'missing' : (unsealBody(body, sequence) ?? 'damaged');
      });
    } catch (cause) {
      throw new StoreError('store_read_failed', `the store cannot be read: ${errorMessage(cause)}`, {
        cause,
        retryable: isPassing(cause),
      });
    }
  }

  /** Several reads: all of one moment only in a transaction. */
  async *segments(first: number): AsyncGenerator<SegmentEntry> {
    for (let next = first; ; ) {
      const rows = await this.#read(
        'SELECT position, segment FROM graspd_log WHERE position >= $1 ORDER BY position LIMIT $2',
        [next, limits.databaseSegmentsPerRead],
      );
      for (const { position, segment } of rows) {
        const number = Number(position);
        next = number + 1;
        yield { number, bytes: segment as Buffer };
      }
      if (rows.length < limits.databaseSegmentsPerRead) return;
    }
  }

  async *journal(): AsyncGenerator<JournalEntry> {
    for (const { name, value } of await this.#read(
      'SELECT name, value FROM graspd_journal ORDER BY name',
      [],
    ))
      yield { name: String(name), value: value as Buffer };
  }

  async #read(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return await this.#query(text, values).catch((error: unknown) => {
      throw explain(error);
    });
  }
}
