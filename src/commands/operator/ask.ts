import { askDaemon, type ControlRequest } from '../../control/control-client.js';
import { ControlError, controlSocketPath } from '../../control/control-socket.js';
import type { CommandFlag, Invocation } from '../command.js';
import { persistentOptions } from '../store-options.js';
import { table } from './table.js';

/** Of all commands that ask a running daemon. */
export const jsonFlag: CommandFlag = {
  name: 'json',
  placeholder: undefined,
  about: 'Write JSON, one value a line',
  isSwitch: true,
  isList: false,
};

/** What commands that ask a running daemon say about their exit code. */
export const exitCodes =
  'The exit code is 0, 2 for wrong usage, and 4 where no daemon runs with this data folder.';

/** The values that the running daemon answers, as they come. Rejects with `UsageError` or `ControlError`. */
export async function* ask<T>(
  invocation: Invocation,
  command: string,
  request: ControlRequest,
): AsyncGenerator<T> {
  const { relayDataPath } = persistentOptions(invocation, command);
  yield* askAt<T>(invocation, relayDataPath, request);
}

/** The same of the daemon with that data folder. */
export async function* askAt<T>(
  { signal }: Pick<Invocation, 'signal'>,
  relayDataPath: string,
  request: ControlRequest,
): AsyncGenerator<T> {
  // The daemon is of the same version as a rule; where it is not, what it does not say is shown as a gap.
  yield* askDaemon(controlSocketPath(relayDataPath), request, signal) as AsyncGenerator<T>;
}

/** The one value that the running daemon answers. */
export async function askOnce<T>(
  invocation: Invocation,
  command: string,
  request: ControlRequest,
): Promise<T> {
  return await firstOf(ask<T>(invocation, command, request));
}

/** The first of the values; rejects with `ControlError` where there is none. */
export async function firstOf<T>(values: AsyncIterable<T>): Promise<T> {
  for await (const value of values) return value;
  throw new ControlError('daemon_gone', 'the daemon answered nothing');
}

export function wantsJson({ flags }: Pick<Invocation, 'flags'>): boolean {
  return flags.get('json') === 'true';
}

/** How reports are listed: the names of the columns, and the row of each. */
export type Listing<T> = {
  readonly columns: readonly string[];
  row(report: T): (string | undefined)[];
};

/** Writes reports as they come with `--json`, else as a table of all. */
export async function list<T>(
  invocation: Invocation,
  reports: AsyncIterable<T>,
  { columns, row }: Listing<T>,
): Promise<void> {
  const { stdout } = invocation;
  const rows: (string | undefined)[][] = [];
  for await (const report of reports) {
    if (wantsJson(invocation)) stdout.write(`${JSON.stringify(report)}\n`);
    else rows.push(row(report));
  }
  if (!wantsJson(invocation)) stdout.write(table(columns, rows));
}
