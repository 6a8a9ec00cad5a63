import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { limits } from '../../config/limits.js';
import { isAbort } from '../../lib/abort.js';
import { ReleaseStack } from '../../lib/release-stack.js';
import { CommitLog } from '../log/commit-log.js';
import { Compaction, type CompactionSettings, usualCompaction } from '../log/compaction.js';
import { Losses } from '../log/losses.js';
import { type LogOptions, readLog } from '../log/replay.js';
import { drawLife } from '../log/segment.js';
import { removeUnfinishedSnapshot, writeSnapshot } from '../log/snapshot.js';
import type { OpenedStore, StoreOptions } from '../opened-store.js';
import { assembleStore } from '../opened-store.js';
import { Reasons } from '../refused/reasons.js';
import { type Connect, explain, PostgresDatabase, type PostgresSettings } from './database.js';
import { PostgresImage } from './postgres-image.js';
import { PostgresLog } from './postgres-log.js';
import { checkVersion, readDescription } from './schema.js';
import { type LeaseHolder, type LeaseSettings, WriterLease } from './writer-lease.js';

export type PostgresStoreOptions = StoreOptions &
  LogOptions &
  PostgresSettings & {
    /** A folder for the snapshot of the index, which is a help only; made if it is not there. */
    readonly path: string;
    /** Where other graspd on the same database reach this one. */
    readonly reached?: LeaseHolder['reached'];
    readonly compaction?: CompactionSettings;
  } & Pick<LeaseSettings, 'waiting'>;

/** So that who follows and is not far behind can go on. */
const sparing: CompactionSettings = {
  ...usualCompaction,
  segmentsSpared: limits.databaseSegmentsSpared,
};

/**
 * Opens the store in a database of PostgreSQL and builds its index. Only one process has it open at a time: another one waits
 * where `waiting` says so. Rejects with `StoreError`: `store_locked`, `store_newer_schema`, `store_unreadable`.
 */
export async function openPostgresStore(
  options: PostgresStoreOptions,
  connect: Connect = PostgresDatabase.open,
): Promise<OpenedStore> {
  const { path, clock, reached, waiting } = options;
  const database = await connect(options);
  const stack = new ReleaseStack();
  stack.use(database);
  try {
    await mkdir(path, { recursive: true });
    await checkVersion(database);
    // However many reads wait, what is written and the lease do not wait behind them.
    const writing = stack.use(await connect(options, limits.databaseWritingConnectionsMax));
    const holder = { name: `${hostname()}, process ${process.pid}`, reached };
    const lease = stack.use(
      await WriterLease.take(writing, { holder, clock, ...(waiting === undefined ? {} : { waiting }) }),
    );
    const { databaseId, hashSeed, reasons: names, compactedThrough } = await readDescription(database);
    const reasons = new Reasons();
    if (names !== undefined) reasons.restore(names);
    const target = new PostgresLog({ reading: database, writing }, lease, clock, () =>
      stack[Symbol.asyncDispose](),
    );
    const losses = new Losses();
    const segments = (first: number) => target.segments(first);
    const source = { databaseId, hashSeed, segments, path, compactedThrough };
    const { index, size } = await readLog(source, losses, options);
    const compaction = new Compaction(target, index, size, compactedThrough, options.compaction ?? sparing);
    // It is a help only: where it cannot be written, as on a full disk, the next start reads more of the log.
    const snapshot = () =>
      writeSnapshot(path, index, databaseId, size).catch(() => removeUnfinishedSnapshot(path));
    const life = drawLife();
    const backend = new CommitLog({ target, index, reasons, clock, compaction, size, life, snapshot });
    return {
      ...assembleStore({ index, backend, reasons, clock }, options),
      losses: losses.found,
      outage: () => target.outage,
      lease: () => lease.held,
      lost: lease.lost,
      image: async () => {
        await backend.written();
        return await PostgresImage.take(database, databaseId, index.nextSequence - 1);
      },
    };
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw waiting !== undefined && isAbort(error, waiting.signal) ? error : explain(error);
  }
}
