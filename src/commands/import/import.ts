import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import type { Options } from '../../config/options.js';
import { sendToDaemon } from '../../control/control-client.js';
import { ControlError } from '../../control/control-socket.js';
import { openCore } from '../../daemon/core.js';
import { createLogger } from '../../daemon/logger.js';
import { CurrentOptions } from '../../daemon/reload/current-options.js';
import { surroundingsOf } from '../../daemon/surroundings.js';
import { type ImportReport, runImport } from '../../import/import-run.js';
import { systemClock } from '../../lib/clock.js';
import { errorMessage, GraspError } from '../../lib/errors.js';
import { acceptClosingFlag, acceptedClosing } from '../accept-closing.js';
import { type Command, type Invocation, UsageError } from '../command.js';
import { runningDaemon } from '../operator/running-daemon.js';
import { type Progress, startProgress } from '../progress.js';
import { persistentOptions } from '../store-options.js';
import { brokenOff, exitCodeOfImport, howFar, summary } from './words.js';

/** Gives the events of a file to the store, by the same door and the same policy as those of clients. */
export const importCommand: Command = {
  name: 'import',
  summary: 'Store the events of a file of JSON lines (- for standard input) that the policy accepts',
  details:
    'A running daemon takes them, by its own settings, while it serves; where none runs, the data folder is written to.\nIt ends when the repositories on disk are what the events say. The exit code is 0 when every line was an event, stored\nor not (the summary says what was refused, and why), and 1 when a line was none, an event could not be stored\n(error:) or a repository could not be aligned; 2 for wrong usage, 3 when the store cannot be used, and 4 when the daemon\nwent away or takes another import. What keys and strangers may have stored (--key-events and the like) does not bind the\noperator; bans do. After an import that broke off, run it again: what is stored is known then.',
  usage: 'FILE|-',
  positionalsMin: 1,
  positionalsMax: 1,
  flags: [acceptClosingFlag],
  takesOptions: true,
  async run(invocation) {
    const options = persistentOptions(invocation, 'import');
    const accepted = acceptedClosing(invocation);
    const source = await openSource(invocation);
    const socket = await runningDaemon(options);
    const progress = startProgress(invocation, 'import', source.bytes, systemClock);
    const reports =
      socket === undefined
        ? importHere(options, accepted, source, progress, invocation.signal)
        : importThere(socket, source, invocation.signal);
    const last = await follow(reports, source, progress, invocation);
    if (last.end?.type === 'unreadable') throw new GraspError('import_unreadable', last.end.why);
    return exitCodeOfImport(last);
  },
};

/** Shows how far it is and, at its end or where it breaks off, what came of it; gives the last report. */
async function follow(
  reports: AsyncIterable<ImportReport>,
  source: Source,
  progress: Progress,
  { stdout }: Invocation,
): Promise<ImportReport> {
  let last: ImportReport | undefined;
  try {
    for await (const report of reports) {
      last = report;
      progress.update(report.bytes, howFar(report));
    }
    if (last?.end === undefined)
      throw new ControlError('daemon_gone', 'the daemon ended before it had answered');
    return last;
  } finally {
    progress.stop();
    if (last?.end?.type === 'whole') stdout.write(summary(last, last.end));
    else if (last !== undefined) stdout.write(brokenOff(last, source.bytes));
  }
}

/** Opens the store, which no daemon has open. */
async function* importHere(
  options: Options,
  closingAccepted: number,
  { stream }: Source,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<ImportReport> {
  const log = { write: (line: string) => progress.print(line) };
  const surroundings = surroundingsOf(createLogger(options.logLevel ?? 'warn', log));
  await using core = await openCore(new CurrentOptions(options), surroundings, { closingAccepted });
  yield* runImport(addAbortSignal(signal, stream), { ...core, clock: systemClock }, signal);
}

function importThere(socket: string, { stream }: Source, signal: AbortSignal): AsyncGenerator<ImportReport> {
  return sendToDaemon(socket, '/import', stream, signal) as AsyncGenerator<ImportReport>;
}

type Source = { readonly stream: Readable; readonly bytes: number | undefined };

async function openSource({ positionals, stdin }: Invocation): Promise<Source> {
  const path = positionals[0] as string;
  if (path === '-') return { stream: stdin, bytes: undefined };
  const { size } = await stat(path).catch((error: unknown) => {
    throw new UsageError(`import cannot read ${path}: ${errorMessage(error)}`);
  });
  return { stream: createReadStream(path), bytes: size };
}
