import { once } from 'node:events';
import { exportLines } from '../backup/export.js';
import { checkNotBrokenOff } from '../backup/restore/restore-mark.js';
import { backgroundTurns } from '../config/background-turns.js';
import { limits } from '../config/limits.js';
import type { Options } from '../config/options.js';
import { askDaemonForBytes } from '../control/control-client.js';
import { ControlError } from '../control/control-socket.js';
import { openStore } from '../daemon/store/open-store.js';
import { systemClock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import { splitLines } from '../nostr/event-lines.js';
import { type Filter, parseFilter } from '../nostr/filter.js';
import type { FaultyEvent } from '../store/faulty-rows.js';
import { type Command, type Invocation, textFlag, UsageError } from './command.js';
import { runningDaemon } from './operator/running-daemon.js';
import { existingStoreOptions } from './store-options.js';

/** Writes stored events as JSON lines, as `graspd import` reads them: those of a running daemon, or of the folder of one. */
export const exportCommand: Command = {
  name: 'export',
  summary: 'Write stored events, as they are at one moment, to standard output, one JSON line each',
  details:
    'They come in the order in which they were stored; where the filter has a limit, newest first. The daemon goes on meanwhile;\nwhere none runs, the data folder is read. The exit code is 0 also when nothing matches, and 1 when an event is damaged\nand left out.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [
    {
      name: 'filter',
      placeholder: 'JSON',
      about: 'Only events that match this NIP-01 filter, or any of a JSON list of filters',
      isSwitch: false,
      isList: false,
    },
  ],
  takesOptions: true,
  async run(invocation) {
    const options = existingStoreOptions(invocation, 'export');
    const filters = readFilters(textFlag(invocation, 'filter') ?? '{}');
    const socket = await runningDaemon(options);
    const leftOut =
      socket === undefined
        ? await exportHere(options, filters, invocation)
        : await exportThere(socket, filters, invocation);
    if (leftOut > 0) invocation.stderr.write(`${leftOut} damaged events are left out (see graspd doctor)\n`);
    return leftOut === 0 ? 0 : 1;
  },
};

/** Opens the store, which no daemon has open; answers how many events are damaged. */
async function exportHere(options: Options, filters: readonly Filter[], to: Invocation): Promise<number> {
  let faults = 0;
  const onFault = ({ id, fault }: FaultyEvent): void => {
    to.stderr.write(`event ${id} is left out: ${fault}\n`);
    faults += 1;
  };
  const { store, image, journal } = await openStore(options, systemClock, { onFault, keepsFaulty: true });
  await using _ = store;
  await checkNotBrokenOff(journal);
  if (image === undefined) return 0;
  const turns = backgroundTurns(systemClock, 'care');
  const lines = exportLines({ store, image, turns }, filters, to.signal);
  for (;;) {
    const { value, done } = await lines.next();
    if (done === true) return faults + value.damaged;
    await write(value, to);
  }
}

/** Has the daemon give the lines; the last one says how many events are damaged, and that no other lacks. */
async function exportThere(socket: string, filters: readonly Filter[], to: Invocation): Promise<number> {
  const chunks = askDaemonForBytes(socket, { path: '/export', body: filters }, to.signal);
  let last = '';
  for await (const lines of splitLines(chunks, limits.importLineBytesMax)) {
    const ended = [...(last === '' ? [] : [last]), ...lines.slice(0, -1)];
    last = lines.at(-1) ?? '';
    if (ended.length > 0) await write(`${ended.join('\n')}\n`, to);
  }
  const { end } = JSON.parse(last === '' ? '{}' : last) as { readonly end?: { readonly damaged: number } };
  if (end === undefined) throw new ControlError('daemon_gone', 'the answer of the daemon broke off');
  return end.damaged;
}

/** Waits for the reader whenever the output is full. */
async function write(text: string | Uint8Array, { stdout, signal }: Invocation): Promise<void> {
  if (!stdout.write(text)) await once(stdout, 'drain', { signal });
}

function readFilters(text: string): Filter[] {
  try {
    const value: unknown = JSON.parse(text);
    return (Array.isArray(value) ? value : [value]).map(parseFilter);
  } catch (error) {
    throw new UsageError(`--filter takes a NIP-01 filter as JSON: ${errorMessage(error)}`);
  }
}
