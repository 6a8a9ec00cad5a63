import type { CustomTypesConfig, Pool, PoolConfig, QueryConfig } from 'pg';
import { limits } from '../../config/limits.js';
import { errorCode, errorMessage } from '../../lib/errors.js';
import { StoreError } from '../event-store.js';

export type PostgresSettings = {
  /** A connection string of PostgreSQL (`postgres://user@host/database?sslmode=verify-full`); it may hold a password. */
  readonly url: string;
  /** In the place of the one in the URL. */
  readonly password?: string;
  /** Whether a commit waits until the disk of the server has it. */
  readonly waitsForDisk: boolean;
};

/** A value of a row: numbers of 8 bytes are numbers here, which all of ours fit in. */
export type Value = string | number | boolean | Buffer | null;
export type Row = Readonly<Record<string, Value>>;

/**
 * Runs one statement. Rejects as the server or the connection says, and when there is no answer within `answerMsMax` milliseconds,
 * `limits.databaseAnswerMsMax` by default.
 */
export type Query = (
  text: string,
  values?: readonly unknown[],
  answerMsMax?: number,
) => Promise<readonly Row[]>;

export type Transaction = {
  readonly query: Query;
  /** Does nothing when it has ended. */
  end(how: 'COMMIT' | 'ROLLBACK'): Promise<void>;
};

/** The statements of a database, on a few connections that are made when they are needed. */
export type Database = AsyncDisposable & {
  /** Runs one statement, which is a transaction of its own. */
  readonly query: Query;
  /** Begins a transaction with such a mode; it has a connection of its own until it ends. */
  begin(mode: string): Promise<Transaction>;
};

/** The way to a database: to that of PostgreSQL in the daemon, to one of a seeded world in the simulation. */
export type Connect = (settings: PostgresSettings, connectionsMax?: number) => Promise<Database>;

/** A database of PostgreSQL. */
export class PostgresDatabase implements Database {
  readonly #pool: Pool;
  readonly #types: CustomTypesConfig;

  private constructor(pool: Pool, types: CustomTypesConfig) {
    this.#pool = pool;
    this.#types = types;
  }

  /**
   * Connects to nothing yet, and never more than `connectionsMax` times. Rejects with `StoreError` (`store_unreadable`) where the
   * package `pg` is not installed.
   */
  static async open(
    settings: PostgresSettings,
    connectionsMax: number = limits.databaseConnectionsMax,
  ): Promise<PostgresDatabase> {
    const pg = await import('pg').then(
      (module) => module.default,
      () => undefined,
    );
    if (pg === undefined)
      throw new StoreError('store_unreadable', 'PostgreSQL takes the package pg: npm install pg');
    const pool = new pg.Pool({ ...configOf(settings), max: connectionsMax });
    // A connection that ends while nobody uses it is no fault: the next statement makes another.
    pool.on('error', ignore);
    const getTypeParser: CustomTypesConfig['getTypeParser'] = (type, format) =>
      type === bigintType ? Number : pg.types.getTypeParser(type, format);
    return new PostgresDatabase(pool, { getTypeParser });
  }

  readonly query: Query = async (text, values, answerMsMax) =>
    (await this.#pool.query<Row>(this.#statement(text, values, answerMsMax))).rows;

  /** Runs statements in one transaction, which is given up when `work` rejects. */
  async transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const transaction = await this.begin('');
    try {
      const result = await work(transaction.query);
      await transaction.end('COMMIT');
      return result;
    } catch (error) {
      await transaction.end('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  async begin(mode: string): Promise<Transaction> {
    const client = await this.#pool.connect();
    // Whoever asks next is told: an error that nobody listens to would end the process.
    client.on('error', ignore);
    let isEnded = false;
    const end: Transaction['end'] = async (how) => {
      if (isEnded) return;
      isEnded = true;
      let isBroken = true;
      try {
        await client.query(how);
        isBroken = false;
      } finally {
        if (!isBroken) client.off('error', ignore);
        client.release(isBroken);
      }
    };
    try {
      await client.query(`BEGIN ${mode}`);
    } catch (error) {
      await end('ROLLBACK').catch(() => {});
      throw error;
    }
    const query: Query = async (text, values, answerMsMax) =>
      (await client.query<Row>(this.#statement(text, values, answerMsMax))).rows;
    return { query, end };
  }

  #statement(text: string, values: readonly unknown[] = [], answerMsMax?: number): QueryConfig {
    const time = answerMsMax === undefined ? {} : { query_timeout: answerMsMax };
    return { text, values: [...values], types: this.#types, ...time };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }
}

function ignore(): void {}

function configOf({ url, password, waitsForDisk }: PostgresSettings): PoolConfig {
  return {
    connectionString: url,
    ...(password === undefined ? {} : { password }),
    application_name: 'graspd',
    connectionTimeoutMillis: limits.databaseConnectMsMax,
    statement_timeout: limits.databaseStatementMsMax,
    // The server may be gone without a word.
    query_timeout: limits.databaseAnswerMsMax,
    idle_in_transaction_session_timeout: limits.databaseStatementMsMax,
    keepAlive: true,
    allowExitOnIdle: true,
    options: `-c synchronous_commit=${waitsForDisk ? 'on' : 'off'}`,
  };
}

/** The number of the type bigint, which pg gives as text for those that are larger than ours. */
const bigintType = 20;

/** Classes of SQLSTATE that pass: connections, resources, what an operator does, and transactions that lost against others. */
const passingClasses: ReadonlySet<string> = new Set(['08', '53', '57', '40', '55']);
const sqlState = /^[0-9A-Z]{5}$/;

/** Whether the same statement may succeed later: the database is not reached, restarts, is short of room, or was too slow. */
export function isPassing(error: unknown): boolean {
  const code = errorCode(error);
  // What does not come from the server is of the connection.
  return !sqlState.test(code) || passingClasses.has(code.slice(0, 2));
}

/** What an operator is told of a failed statement. */
export function explain(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = `PostgreSQL: ${errorMessage(error)}`;
  return new StoreError('store_unreadable', message, { cause: error, retryable: isPassing(error) });
}
