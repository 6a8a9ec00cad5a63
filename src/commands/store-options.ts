import type { Options } from '../config/options.js';
import { type Invocation, UsageError } from './command.js';

/** The options of a command that works on the store of a daemon that does not run. Throws where there is none. */
export function persistentOptions({ readOptions }: Invocation, command: string): Options {
  const options = readOptions();
  if (options.databaseBackend === 'memory') {
    throw new UsageError(`${command} takes a store on disk; --database-backend memory has none`);
  }
  return options;
}
