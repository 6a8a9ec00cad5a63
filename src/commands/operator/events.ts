import { once } from 'node:events';
import { errorMessage } from '../../lib/errors.js';
import type { NostrEvent } from '../../nostr/event.js';
import { parseFilter } from '../../nostr/filter.js';
import { type Command, UsageError } from '../command.js';
import { ask, exitCodes } from './ask.js';

/** Writes events of the running daemon as JSON lines. */
export const events: Command = {
  name: 'events',
  summary: 'Write events that the running daemon has, one JSON line each, newest first',
  details: exitCodes,
  usage: 'FILTER',
  positionalsMin: 1,
  positionalsMax: 1,
  flags: [],
  takesOptions: true,
  async run(invocation) {
    const { stdout, signal } = invocation;
    const body = filterIn(invocation.positionals[0] ?? '');
    for await (const event of ask<NostrEvent>(invocation, 'events', { path: '/events', body })) {
      if (!stdout.write(`${JSON.stringify(event)}\n`)) await once(stdout, 'drain', { signal });
    }
    return 0;
  },
};

function filterIn(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    parseFilter(value);
    return value;
  } catch (error) {
    throw new UsageError(
      `events takes a NIP-01 filter as JSON, such as '{"kinds":[30617]}': ${errorMessage(error)}`,
    );
  }
}
