import { destination, type Logger } from 'pino';
import { limits } from '../config/limits.js';
import { type Clock, systemClock } from '../lib/clock.js';
import { type DiskSpace, systemDiskSpace } from '../lib/disk/disk-space.js';
import { Faults, withGuardedTimers } from '../lib/faults.js';
import { type Random, systemRandom } from '../lib/random.js';
import { createLogger, type LogFormat, type LogLevel } from './logger.js';

/** What the daemon and the commands take from their surroundings. */
export type Surroundings = {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly diskSpace: DiskSpace;
  readonly faults: Faults;
};

/** Those of a process that writes its log to the file `descriptor`. */
export function systemSurroundings(
  level: LogLevel,
  descriptor: number,
  format: LogFormat = 'json',
): Surroundings {
  const stream = destination({ dest: descriptor, sync: true, maxLength: limits.logBufferBytesMax });
  const logger = createLogger(level, stream, format);
  return surroundingsOf(logger, stream);
}

type LogStream = { on(event: 'error' | 'drop', listener: () => void): unknown };

/** Those of a process with this logger. A log that cannot be written, as on a full disk, ends nothing but its lines. */
export function surroundingsOf(logger: Logger, logStream?: LogStream): Surroundings {
  const faults = new Faults(logger);
  logStream?.on('error', () => faults.count('log'));
  return {
    logger,
    clock: withGuardedTimers(systemClock, faults),
    random: systemRandom,
    diskSpace: systemDiskSpace({ count: limits.diskFilesFreeMin, share: limits.diskFilesFreeShareMin }),
    faults,
  };
}
