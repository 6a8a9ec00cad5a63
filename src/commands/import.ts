import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { type Core, openCore } from '../daemon/core.js';
import { createLogger } from '../daemon/logger.js';
import { CurrentOptions } from '../daemon/reload/current-options.js';
import { surroundingsOf } from '../daemon/surroundings.js';
import { systemClock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import { acceptClosingFlag, acceptedClosing } from './accept-closing.js';
import { type Command, type Invocation, UsageError } from './command.js';
import { type ImportCounts, importEvents, type RefusalReasons } from './import/import-events.js';
import { type Progress, startProgress } from './progress.js';
import { persistentOptions } from './store-options.js';

/** Gives the events of a file to the store, by the same door and the same policy as those of clients. */
export const importCommand: Command = {
  name: 'import',
  summary: 'Store the events of a file of JSON lines (- for standard input) that the policy accepts',
  details:
    'It ends when the repositories on disk are what the events say. The exit code is 0 when every line was an event, stored\nor not (the summary says what was refused, and why), and 1 when a line was none, an event could not be stored\n(error:) or a repository could not be aligned. What keys and\nstrangers may have stored (--key-events and the like) does not bind the operator. Stop the daemon first.',
  usage: 'FILE|-',
  positionalsMin: 1,
  positionalsMax: 1,
  flags: [acceptClosingFlag],
  takesOptions: true,
  async run(invocation) {
    const options = persistentOptions(invocation, 'import');
    const accepted = acceptedClosing(invocation);
    const source = await openSource(invocation);
    const counts: ImportCounts = { stored: 0, known: 0, refused: 0, malformed: 0 };
    const progress = startProgress(invocation, 'import', source.bytes, systemClock);
    const log = { write: (line: string) => progress.print(line) };
    const surroundings = surroundingsOf(createLogger(options.logLevel ?? 'warn', log));
    try {
      await using core = await openCore(new CurrentOptions(options), surroundings, {
        closingAccepted: accepted,
        quotas: 'waived',
      });
      const { admission, alignment } = core;
      const input = watched(addAbortSignal(invocation.signal, source.stream), counts, progress);
      const reasons = await importEvents(input, { admission, counts, signal: invocation.signal });
      await admission.announced();
      const left = await aligned(alignment, invocation.signal, (pending) =>
        progress.update(source.bytes ?? 0, `${counts.stored} stored, ${pending} repositories to align`),
      );
      progress.stop();
      invocation.stdout.write(summary(counts, reasons, left));
      const hasFailed = [...reasons.keys()].some((reason) => reason.startsWith('error:'));
      return counts.malformed === 0 && left === 0 && !hasFailed ? 0 : 1;
    } finally {
      progress.stop();
    }
  },
};

/** How often it is told how many repositories are left, in milliseconds. */
const alignmentLookMs = 250;

/** Waits until the repositories on disk are what the events say; resolves to how many could not be made so. */
async function aligned(
  alignment: Core['alignment'],
  signal: AbortSignal,
  tell: (pending: number) => void,
): Promise<number> {
  const idle = alignment.idle();
  for (;;) {
    const look = systemClock.sleep(alignmentLookMs, signal).then(() => undefined);
    const left = await Promise.race([idle, look]);
    if (left !== undefined) return left;
    tell(alignment.pending);
  }
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

/** The chunks of the input; tells the progress as they are taken. */
async function* watched(
  stream: Readable,
  counts: ImportCounts,
  progress: Progress,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    yield chunk;
    bytes += chunk.length;
    progress.update(bytes, `${counts.stored} stored, ${counts.known} known, ${counts.refused} refused`);
  }
}

function summary(
  { stored, known, refused, malformed }: ImportCounts,
  reasons: RefusalReasons,
  left: number,
): string {
  const rows = [...reasons].sort(([, a], [, b]) => b - a).map(([reason, count]) => `  ${count} × ${reason}`);
  return [
    `${stored} stored, ${known} known or superseded, ${refused} refused, ${malformed} lines that are no event`,
    ...rows,
    ...(left === 0 ? [] : [`${left} repositories could not be aligned; the daemon tries again`]),
    '',
  ].join('\n');
}
