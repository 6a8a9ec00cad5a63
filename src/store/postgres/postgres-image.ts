import { limits } from '../../config/limits.js';
import type { JournalEntry } from '../journal.js';
import { LazyBody } from '../log/bodies/body-codec.js';
import { unsealBody } from '../log/bodies/sealed-body.js';
import type { ImagedEvent, OtherRecord, StoreImage } from '../log/store-image.js';
import { type Database, explain, type Row, type Transaction } from './database.js';

/** What the database had when a transaction began that sees nothing later. */
export class PostgresImage implements StoreImage {
  readonly databaseId: string;
  readonly lastSequence: number;
  readonly #transaction: Transaction;

  private constructor(transaction: Transaction, databaseId: string, lastSequence: number) {
    this.databaseId = databaseId;
    this.#transaction = transaction;
    this.lastSequence = lastSequence;
  }

  /** Rejects with `StoreError`. */
  static async take(
    database: Pick<Database, 'begin'>,
    databaseId: string,
    lastSequence: number,
  ): Promise<PostgresImage> {
    const transaction = await database.begin('ISOLATION LEVEL REPEATABLE READ, READ ONLY').catch((error) => {
      throw explain(error);
    });
    const image = new PostgresImage(transaction, databaseId, lastSequence);
    try {
      // A reader may stop for a while.
      await image.#read(`SET LOCAL idle_in_transaction_session_timeout = ${limits.backupEventsMsMax}`);
      // What is seen is settled by the first statement that reads.
      await image.#read('SELECT 1 FROM graspd_meta LIMIT 1');
      return image;
    } catch (error) {
      await image[Symbol.asyncDispose]();
      throw error;
    }
  }

  async *events(): AsyncGenerator<readonly ImagedEvent[]> {
    for (let next = 0; ; ) {
      const rows = await this.#read(
        'SELECT sequence, body FROM graspd_bodies WHERE sequence >= $1 ORDER BY sequence LIMIT $2',
        [next, limits.backupReadEventsMax],
      );
      if (rows.length === 0) return;
      yield rows.map((row) => {
        const sequence = Number(row.sequence);
        next = sequence + 1;
        const body = unsealBody(row.body as Buffer, sequence);
        return body === undefined ? 'damaged' : new LazyBody(sequence, body).bytes;
      });
    }
  }

  async *journal(): AsyncGenerator<JournalEntry> {
    for (const { name, value } of await this.#read('SELECT name, value FROM graspd_journal ORDER BY name'))
      yield { name: String(name), value: value as Buffer };
  }

  /** Whatever else is in the database is not ours. */
  async *others(): AsyncGenerator<OtherRecord> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transaction.end('ROLLBACK').catch(() => {});
  }

  async #read(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return await this.#transaction.query(text, values).catch((error: unknown) => {
      throw explain(error);
    });
  }
}
