import { once } from 'node:events';
import { openStore } from '../daemon/core.js';
import { systemClock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import { type Filter, parseFilter } from '../nostr/filter.js';
import type { EventStore } from '../store/event-store.js';
import type { FaultyEvent } from '../store/faulty-rows.js';
import { type Command, type Invocation, textFlag, UsageError } from './command.js';
import { existingStoreOptions } from './store-options.js';

/** Writes stored events as JSON lines, newest first, as `graspd import` reads them. */
export const exportCommand: Command = {
  name: 'export',
  summary: 'Write stored events to standard output, one JSON line each, newest first',
  details:
    'The exit code is 0 also when nothing matches, and 1 when an event is damaged and left out. Stop the daemon first.',
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
    let code = 0;
    const onFault = ({ id, fault }: FaultyEvent): void => {
      invocation.stderr.write(`event ${id} is left out: ${fault}\n`);
      code = 1;
    };
    await using store = (await openStore(options, systemClock, { onFault, keepsFaulty: true })).store;
    await writeEvents(store, filters, invocation);
    return code;
  },
};

function readFilters(text: string): Filter[] {
  try {
    const value: unknown = JSON.parse(text);
    return (Array.isArray(value) ? value : [value]).map(parseFilter);
  } catch (error) {
    throw new UsageError(`--filter takes a NIP-01 filter as JSON: ${errorMessage(error)}`);
  }
}

/** Waits for the reader whenever the output is full. */
async function writeEvents(
  store: Pick<EventStore, 'query'>,
  filters: readonly Filter[],
  { stdout, signal }: Invocation,
): Promise<void> {
  for await (const events of store.query(filters)) {
    signal.throwIfAborted();
    const hasRoom = stdout.write(events.map(({ json }) => `${json}\n`).join(''));
    if (!hasRoom) await once(stdout, 'drain', { signal });
  }
}
