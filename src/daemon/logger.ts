import { type DestinationStream, type Logger, pino } from 'pino';

/** The levels of `--log-level`, the most serious first. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/**
 * The logger of a process: JSON lines with the level as a word and the time in ISO 8601. `destination` is written
 * to synchronously where it is a file descriptor, so that the last line before an end is not lost.
 */
export function createLogger(level: LogLevel, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}
