import { type DestinationStream, type Logger, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';

/** The levels of `--log-level`, the most serious first. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** Lines of JSON, or lines as a person reads them. */
export type LogFormat = 'json' | 'text';

/** As `--log-format` says; `auto` stands for text where a person looks at it. */
export function logFormatOf(wanted: LogFormat | 'auto', { isTTY }: { readonly isTTY?: boolean }): LogFormat {
  if (wanted !== 'auto') return wanted;
  return isTTY === true ? 'text' : 'json';
}

/**
 * The logger of a process: JSON lines with the level as a word and the time in ISO 8601. `destination` is written
 * to synchronously where it is a file descriptor, so that the last line before an end is not lost.
 */
export function createLogger(
  level: LogLevel,
  destination: DestinationStream,
  format: LogFormat = 'json',
): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? destination : asText(destination),
  );
}

/** One line each, with the time of day; the details after the message. */
function asText(destination: DestinationStream): DestinationStream {
  const asLine = prettyFactory({ colorize: true, singleLine: true, translateTime: 'SYS:HH:MM:ss' });
  return { write: (line) => destination.write(asLine(line)) };
}
