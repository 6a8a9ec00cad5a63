import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { checkNothingIsRestoring } from '../../backup/restore/restore-folders.js';
import type { Options } from '../../config/options.js';
import { type Clock, secondMs } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import { StoreError } from '../../store/event-store.js';
import { type LevelStoreOptions, openLevelStore } from '../../store/level/open-level-store.js';
import { createMemoryStore } from '../../store/memory-store.js';
import type { OpenedStore } from '../../store/opened-store.js';
import type { PostgresSettings } from '../../store/postgres/database.js';
import { openPostgresStore, type PostgresStoreOptions } from '../../store/postgres/open-postgres-store.js';

/** What whoever opens the store wants of it beside the settings. */
export type MoreStoreOptions = Pick<LevelStoreOptions, 'onFault' | 'keepsFaulty' | 'readsWholeLog'> &
  Pick<PostgresStoreOptions, 'waiting' | 'reached'>;

/** Opens the store. Throws `StoreError`, or `BackupError` where it is being restored, with a line for the operator. */
export async function openStore(
  options: Options,
  clock: Clock,
  { waiting, reached, ...more }: MoreStoreOptions,
): Promise<OpenedStore> {
  const refusedExpiryMs = options.rejectedColdIndexExpirySecs * secondMs;
  const path = resolve(options.relayDataPath);
  switch (options.databaseBackend) {
    case 'memory':
      return createMemoryStore({ clock, refusedExpiryMs });
    case 'level':
      await checkNothingIsRestoring(path);
      return await openLevelStore({ path, clock, durability: options.durability, refusedExpiryMs, ...more });
    case 'postgresql':
      return await openPostgresStore({
        ...(await postgresSettingsOf(options)),
        ...{ path, clock, refusedExpiryMs },
        ...more,
        ...(waiting === undefined ? {} : { waiting }),
        ...(reached === undefined ? {} : { reached }),
      });
  }
}

/** How the database is reached. Throws `StoreError` where the file with its password cannot be read. */
export async function postgresSettingsOf(
  options: Pick<Options, 'databaseUrl' | 'databasePasswordFile' | 'durability'>,
): Promise<PostgresSettings> {
  const { databaseUrl: url = '', databasePasswordFile: file, durability } = options;
  const waitsForDisk = durability === 'sync';
  if (file === undefined) return { url, waitsForDisk };
  try {
    return { url, password: (await readFile(file, 'utf8')).trimEnd(), waitsForDisk };
  } catch (cause) {
    const message = `--database-password-file cannot be read: ${errorMessage(cause)}`;
    throw new StoreError('store_unreadable', message, { cause });
  }
}
