import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { openCore } from '../daemon/core.js';
import { systemSurroundings } from '../daemon/surroundings.js';
import { systemClock } from '../lib/clock.js';
import { acceptClosingFlag, acceptedClosing } from './accept-closing.js';
import type { Command, Invocation } from './command.js';
import { type ImportCounts, importEvents, type RefusalReasons } from './import/import-events.js';
import { type Progress, startProgress } from './progress.js';
import { persistentOptions } from './store-options.js';

/** Gives the events of a file to the store, by the same door and the same policy as those of clients. */
export const importCommand: Command = {
  name: 'import',
  summary: 'Store the events of a file of JSON lines (- for standard input) that the policy accepts',
  details:
    'The exit code is 0 when every line was an event, stored or not (the summary says what was refused, and why), and\n1 when a line was none. Stop the daemon first.',
  usage: 'FILE|-',
  positionalsMin: 1,
  positionalsMax: 1,
  flags: [acceptClosingFlag],
  takesOptions: true,
  async run(invocation) {
    const options = persistentOptions(invocation, 'import');
    const accepted = acceptedClosing(invocation);
    const source = await openSource(invocation);
    await using core = await openCore(options, systemSurroundings(options.logLevel, 2), accepted);
    const counts: ImportCounts = { stored: 0, known: 0, refused: 0, malformed: 0 };
    const progress = startProgress(invocation, 'import', source.bytes, systemClock);
    const input = watched(addAbortSignal(invocation.signal, source.stream), counts, progress);
    let reasons: RefusalReasons;
    try {
      reasons = await importEvents(input, { admission: core.admission, counts, signal: invocation.signal });
    } finally {
      progress.stop();
    }
    invocation.stdout.write(summary(counts, reasons));
    return counts.malformed === 0 ? 0 : 1;
  },
};

type Source = { readonly stream: Readable; readonly bytes: number | undefined };

async function openSource({ positionals, stdin }: Invocation): Promise<Source> {
  const path = positionals[0] as string;
  if (path === '-') return { stream: stdin, bytes: undefined };
  const { size } = await stat(path);
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

function summary({ stored, known, refused, malformed }: ImportCounts, reasons: RefusalReasons): string {
  const rows = [...reasons].sort(([, a], [, b]) => b - a).map(([reason, count]) => `  ${count} × ${reason}`);
  return [
    `${stored} stored, ${known} known or superseded, ${refused} refused, ${malformed} lines that are no event`,
    ...rows,
    '',
  ].join('\n');
}
