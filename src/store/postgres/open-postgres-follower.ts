import { mkdir } from 'node:fs/promises';
import { limits } from '../../config/limits.js';
import { ReleaseStack } from '../../lib/release-stack.js';
import { type FollowedStore, type FollowOptions, followLog } from '../following/follow-log.js';
import { Losses } from '../log/losses.js';
import { type ReadLog, readLog } from '../log/replay.js';
import { removeUnfinishedSnapshot, writeSnapshot } from '../log/snapshot.js';
import { type Connect, type Database, explain, PostgresDatabase } from './database.js';
import type { PostgresStoreOptions } from './open-postgres-store.js';
import { PostgresReads } from './postgres-reads.js';
import { PostgresTail } from './postgres-tail.js';
import { checkVersion, readDescription } from './schema.js';

export type PostgresFollowerOptions = FollowOptions &
  Pick<PostgresStoreOptions, 'path' | 'url' | 'password' | 'waitsForDisk'> & {
    /** Segments that are taken over at once; `limits.storeFollowSegmentsMax` by default. */
    readonly segmentsPerPiece?: number;
  };

/**
 * Opens the store in a database of PostgreSQL to which another process writes, or none, and builds its index; nothing is
 * written there, and no lease is taken. Rejects with `StoreError`: `store_newer_schema`, `store_unreadable`.
 */
export async function openPostgresFollower(
  options: PostgresFollowerOptions,
  connect: Connect = PostgresDatabase.open,
): Promise<FollowedStore> {
  const { path } = options;
  const stack = new ReleaseStack();
  try {
    const database = stack.use(await connect(options));
    // However many reads wait, what is written elsewhere does not wait behind them.
    const following = stack.use(await connect(options, limits.databaseFollowingConnectionsMax));
    await mkdir(path, { recursive: true });
    const { databaseId, index, size } = await readWrittenLog(following, path);
    return followLog(
      {
        tail: new PostgresTail(following, databaseId, options.segmentsPerPiece),
        reading: new PostgresReads(database.query),
        ...{ index, size },
        // It is a help only, as for the writer.
        snapshot: () =>
          writeSnapshot(path, index, databaseId, size).catch(() => removeUnfinishedSnapshot(path)),
        release: () => stack[Symbol.asyncDispose](),
      },
      options,
    );
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw explain(error);
  }
}

/** Reads the log as it is at one moment: compaction must not merge away what was not read yet. */
async function readWrittenLog(
  database: Database,
  path: string,
): Promise<ReadLog & { readonly databaseId: string }> {
  const transaction = await database.begin('ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  try {
    await checkVersion(transaction);
    const { databaseId, hashSeed, compactedThrough } = await readDescription(transaction);
    const reads = new PostgresReads(transaction.query);
    const segments = (first: number) => reads.segments(first);
    const source = { databaseId, hashSeed, segments, path, compactedThrough };
    // What is missing of it the writer tells.
    return { ...(await readLog(source, new Losses())), databaseId };
  } finally {
    await transaction.end('ROLLBACK').catch(() => {});
  }
}
