import { resolve } from 'node:path';
import type { Options } from '../config/options.js';
import { hasLevelStore } from '../store/level/folder.js';
import { type Invocation, UsageError } from './command.js';

/** As `existingStoreOptions`, for a command that works on the files of a store. Throws where it has none of its own. */
export function levelOptions(invocation: Invocation, command: string): Options {
  const options = existingStoreOptions(invocation, command);
  if (options.databaseBackend === 'level') return options;
  throw new UsageError(
    `${command} is for --database-backend level; for PostgreSQL there is pg_dump, and graspd export`,
  );
}

/** The options of a command that works on the store of a daemon that does not run. Throws where there is none. */
export function persistentOptions({ readOptions }: Invocation, command: string): Options {
  const options = readOptions();
  if (options.databaseBackend === 'memory') {
    throw new UsageError(`${command} takes a store that stays; --database-backend memory has none`);
  }
  return options;
}

/**
 * As `persistentOptions`, for a command that reads what is stored: throws where nothing ever was. A store made by a
 * typing error would look like a relay without events.
 */
export function existingStoreOptions(invocation: Invocation, command: string): Options {
  const options = persistentOptions(invocation, command);
  const path = resolve(options.relayDataPath);
  // Whether a database of PostgreSQL has our tables is found out when it is opened.
  if (options.databaseBackend === 'postgresql' || hasLevelStore(path)) return options;
  throw new UsageError(`${command} takes a store that exists; there is none at ${path} (--relay-data-path)`);
}
