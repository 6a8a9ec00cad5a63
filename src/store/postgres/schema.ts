import { randomBytes } from 'node:crypto';
import { StoreError } from '../event-store.js';
import type { Identity } from '../log/replay.js';
import { noSegment, type SegmentId } from '../log/segment.js';
import type { Database, PostgresDatabase, Query } from './database.js';

/** What brings the tables from one version to the next, the first from none; never to be changed, only added to. */
const migrations: readonly (readonly string[])[] = [
  [
    'CREATE TABLE graspd_meta (name text PRIMARY KEY, value text NOT NULL)',
    // Segments of the log of the index (store/log/segment.ts), by their numbers.
    'CREATE TABLE graspd_log (position bigint PRIMARY KEY, segment bytea NOT NULL)',
    // Events (store/log/bodies/sealed-body.ts), by the sequences of their rows.
    'CREATE TABLE graspd_bodies (sequence bigint PRIMARY KEY, body bytea NOT NULL)',
    'CREATE TABLE graspd_journal (name text PRIMARY KEY, value bytea NOT NULL)',
    'CREATE TABLE graspd_leases (name text PRIMARY KEY, holder text NOT NULL, fence bigint NOT NULL, ends_at timestamptz NOT NULL)',
  ],
  // Where the holder of a lease is reached by others, and what they prove with that they read it here.
  ['ALTER TABLE graspd_leases ADD COLUMN url text, ADD COLUMN secret text'],
  // Of the writes of a holder, those that may still take effect.
  ['ALTER TABLE graspd_leases ADD COLUMN turn bigint NOT NULL DEFAULT 0'],
];

/** The version of the tables that this program knows. */
export const tablesVersion = migrations.length;

/** Of all migrations of all services: whoever has it makes the tables, the others wait. */
const migrationLock = 0x67_72_61_73;

/** What stands in the tables about themselves. */
export type Description = Identity & {
  /** The reasons of refusal by their numbers; `undefined` where there are none but those of the store itself. */
  readonly reasons: readonly string[] | undefined;
  /** Up to which segment the log was compacted. */
  readonly compactedThrough: SegmentId;
};

/** The version of the tables before and after. */
export type Migrated = { readonly from: number; readonly to: number };

/**
 * Makes the tables, or brings them to the version of this program; all of it or nothing. Rejects with `StoreError`
 * (`store_newer_schema`), and as the database does.
 */
export async function migrate(database: PostgresDatabase): Promise<Migrated> {
  return await database.transaction(async (query) => {
    await query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    const from = await versionOf(query);
    refuseNewer(from);
    for (const statement of migrations.slice(from).flat()) await query(statement);
    if (from === 0) {
      await insertMeta(query, 'database_id', randomBytes(16).toString('hex'));
      await insertMeta(query, 'hash_seed', randomBytes(8).toString('hex'));
    }
    await insertMeta(query, 'schema', String(tablesVersion));
    return { from, to: tablesVersion };
  });
}

/** Rejects with `StoreError` where the tables are not those of this program. */
export async function checkVersion(database: Pick<Database, 'query'>): Promise<void> {
  const version = await versionOf(database.query);
  refuseNewer(version);
  if (version === tablesVersion) return;
  const what = version === 0 ? 'has no tables of graspd' : 'has tables of an earlier graspd';
  throw new StoreError('store_unreadable', `the database ${what}: graspd migrate makes them`);
}

/** Reads the description. Rejects with `StoreError` where it is damaged. */
export async function readDescription(database: Pick<Database, 'query'>): Promise<Description> {
  const rows = await database.query('SELECT name, value FROM graspd_meta');
  const meta = new Map(rows.map(({ name, value }) => [String(name), String(value)]));
  const databaseId = meta.get('database_id');
  const hashSeed = meta.get('hash_seed') ?? '';
  if (databaseId === undefined || !/^[0-9a-f]{16}$/.test(hashSeed))
    throw new StoreError('store_unreadable', 'the table graspd_meta is damaged');
  return {
    databaseId,
    hashSeed: Buffer.from(hashSeed, 'hex'),
    reasons: JSON.parse(meta.get('reasons') ?? 'null') ?? undefined,
    compactedThrough: compactionMark(meta.get('compaction')),
  };
}

/** Up to which segment the log was compacted, as it stands in the tables. */
export function compactionMark(value: string | undefined): SegmentId {
  return value === undefined ? noSegment : (JSON.parse(value) as SegmentId);
}

/** Throws `StoreError` where a later program made the tables. */
export function refuseNewer(version: number): void {
  if (version <= tablesVersion) return;
  throw new StoreError(
    'store_newer_schema',
    `the database has version ${version} of the tables, this program knows up to ${tablesVersion}; use a newer one`,
  );
}

/** The version of the tables; 0 where there are none. */
async function versionOf(query: Query): Promise<number> {
  const [found] = await query("SELECT to_regclass('graspd_meta') IS NOT NULL AS is_there");
  if (found?.is_there !== true) return 0;
  const [row] = await query("SELECT value FROM graspd_meta WHERE name = 'schema'");
  return Number(row?.value ?? 0);
}

async function insertMeta(query: Query, name: string, value: string): Promise<void> {
  await query(
    'INSERT INTO graspd_meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value',
    [name, value],
  );
}
