import { limits } from '../../config/limits.js';
import type { BodyFault } from '../backend.js';
import { leftBehind } from '../following/errors.js';
import type { LogPiece, LogTail } from '../following/log-tail.js';
import type { LogSize } from '../log/compaction.js';
import type { SegmentEntry } from '../log/log-target.js';
import { type Database, explain, type Row } from './database.js';
import { PostgresReads } from './postgres-reads.js';
import { compactionMark, refuseNewer } from './schema.js';

/**
 * The segments behind a position, as many as fit, and what the tables say of themselves, with the end of the log: one statement,
 * so all of it as it was at one moment.
 */
const pieceStatement = `
SELECT position, segment, NULL AS name, NULL AS value
FROM (
  SELECT position, segment, sum(octet_length(segment)) OVER (ORDER BY position) - octet_length(segment) AS before
  FROM (SELECT position, segment FROM graspd_log WHERE position > $1 ORDER BY position LIMIT $2) AS next
) AS measured
WHERE before < $3
UNION ALL
SELECT (SELECT max(position) FROM graspd_log), NULL, name, value
FROM graspd_meta WHERE name IN ('schema', 'database_id', 'compaction')
ORDER BY name NULLS FIRST, position`;

/** Of each segment only the header is looked at, whose fifth word is the number of its records (store/log/segment.ts). */
const sizeStatement = `
SELECT count(*) AS segments, coalesce(sum(bytes), 0)::bigint AS bytes, coalesce(sum(
  get_byte(word, 0) + get_byte(word, 1) * 256::bigint + get_byte(word, 2) * 65536::bigint + get_byte(word, 3) * 16777216::bigint
), 0)::bigint AS records
FROM (
  SELECT substring(segment FROM 17 FOR 4) AS word, octet_length(segment) AS bytes FROM graspd_log WHERE position <= $1
) AS headers
WHERE length(word) = 4`;

/** The log in PostgreSQL that another process writes. */
export class PostgresTail implements LogTail {
  readonly #database: Pick<Database, 'query'>;
  readonly #databaseId: string;
  readonly #reads: PostgresReads;
  readonly #segmentsMax: number;

  /** `segmentsMax`: so many are taken over at once. */
  constructor(
    database: Pick<Database, 'query'>,
    databaseId: string,
    segmentsMax: number = limits.storeFollowSegmentsMax,
  ) {
    this.#database = database;
    this.#databaseId = databaseId;
    this.#reads = new PostgresReads(database.query);
    this.#segmentsMax = segmentsMax;
  }

  async after(number: number): Promise<LogPiece> {
    const rows = await this.#read(pieceStatement, [number, this.#segmentsMax, limits.storeFollowBytesMax]);
    const segments: SegmentEntry[] = [];
    const meta = new Map<string, string>();
    let end = 0;
    for (const { position, segment, name, value } of rows) {
      if (name === null) {
        segments.push({ number: Number(position), bytes: segment as Buffer });
      } else {
        meta.set(String(name), String(value));
        end = Number(position);
      }
    }
    refuseNewer(Number(meta.get('schema') ?? 0));
    if (meta.get('database_id') !== this.#databaseId) throw leftBehind('the database is another one');
    return { segments, end, compactedThrough: compactionMark(meta.get('compaction')) };
  }

  bodies(sequences: readonly number[]): Promise<(Uint8Array | BodyFault)[]> {
    return this.#reads.bodies(sequences);
  }

  async sizeThrough(number: number): Promise<Omit<LogSize, 'last'>> {
    const [row] = await this.#read(sizeStatement, [number]);
    return { segments: Number(row?.segments), records: Number(row?.records), bytes: Number(row?.bytes) };
  }

  async #read(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return await this.#database.query(text, values).catch((error: unknown) => {
      throw explain(error);
    });
  }
}
