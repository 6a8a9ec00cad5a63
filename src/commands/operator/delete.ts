import { createInterface } from 'node:readline/promises';
import { eventIdOf, pubkeyOfNpub } from '../../config/nip19.js';
import type { DeleteCount, DeleteReport, DeleteRequest } from '../../control/reports.js';
import { isHex32 } from '../../lib/bytes.js';
import { systemClock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import { type Filter, parseFilter } from '../../nostr/filter.js';
import { type Command, type Invocation, textFlag, UsageError } from '../command.js';
import { startProgress } from '../progress.js';
import { ask, askOnce, exitCodes, jsonFlag, wantsJson } from './ask.js';
import { reasonFlag } from './ban.js';

const idsMax = 1_000;

const switchFlag = (name: string, about: string) => ({
  name,
  placeholder: undefined,
  about,
  isSwitch: true,
  isList: false,
});

/** Has the running daemon delete events. */
export const deleteCommand: Command = {
  name: 'delete',
  summary: 'Delete events of the running daemon: by id, by author or by filter; asks first',
  details:
    'Sync does not bring back what is deleted for as long as --rejected-cold-index-expiry-secs says (a week); after that, ' +
    'and from clients, it may come again. With --ban it does not: each id is banned, until `graspd unban`. To keep all of an ' +
    'author away, also what is still to come, use `graspd ban`. The repository of a deleted announcement is closed, and its ' +
    'git data removed after --repository-grace-days. Where there is no terminal to ask on, --yes is needed. The exit code ' +
    `is 1 where the answer was no. ${exitCodes}`,
  usage: '[ID…]',
  positionalsMin: 0,
  positionalsMax: idsMax,
  flags: [
    {
      name: 'author',
      placeholder: 'NPUB,…',
      about: 'All events of these authors',
      isSwitch: false,
      isList: true,
    },
    {
      name: 'filter',
      placeholder: 'JSON',
      about: 'All events that match a NIP-01 filter',
      isSwitch: false,
      isList: false,
    },
    switchFlag('ban', 'Ban the ids as well'),
    reasonFlag,
    switchFlag('yes', 'Do not ask'),
    jsonFlag,
  ],
  takesOptions: true,
  async run(invocation) {
    const filters = [filterOf(invocation)];
    const isBan = invocation.flags.get('ban') === 'true';
    const counted = { path: '/delete/count', body: { filters } };
    const { events } = await askOnce<DeleteCount>(invocation, 'delete', counted);
    if (events > 0 && !(await isMeant(invocation, events, isBan))) return 1;
    const request: DeleteRequest & { reason: string } = {
      filters,
      isBan,
      reason: textFlag(invocation, reasonFlag.name) ?? '',
    };
    const removed = events === 0 ? 0 : await deleteAll(invocation, request, events);
    const words = `${removed} events deleted`;
    invocation.stdout.write(wantsJson(invocation) ? `${JSON.stringify({ removed })}\n` : `${words}\n`);
    return 0;
  },
};

async function deleteAll(invocation: Invocation, body: DeleteRequest, events: number): Promise<number> {
  const progress = startProgress(invocation, 'deleted', events, systemClock);
  let removed = 0;
  try {
    for await (const report of ask<DeleteReport>(invocation, 'delete', { path: '/delete', body })) {
      removed = report.removed;
      progress.update(removed, `${removed} of ${events} events`);
    }
  } finally {
    progress.stop();
  }
  return removed;
}

/** Asks on the terminal. Throws `UsageError` where there is none. */
async function isMeant(invocation: Invocation, events: number, isBan: boolean): Promise<boolean> {
  const { flags, stdin, stderr, signal } = invocation;
  if (flags.get('yes') === 'true') return true;
  if (stdin.isTTY !== true || stderr.isTTY !== true)
    throw new UsageError(
      `delete would delete ${events} events; give --yes where there is no terminal to ask on`,
    );
  if (!isBan) stderr.write('Other relays, and clients, may bring them back later; --ban keeps them away.\n');
  const terminal = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await terminal.question(`Delete ${events} events? [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** What is to be deleted, said in one way. Throws `UsageError`. */
function filterOf(invocation: Invocation): Filter {
  const { positionals, flags } = invocation;
  const authors = flags.get('author');
  const filter = textFlag(invocation, 'filter');
  const ways = [positionals.length > 0, authors !== undefined, filter !== undefined];
  if (ways.filter(Boolean).length !== 1)
    throw new UsageError('delete takes ids, --author or --filter: one of them');
  if (filter !== undefined) return parsedFilter(filter);
  if (authors === undefined) return { ids: positionals.map(idOf) };
  const texts = typeof authors === 'string' ? authors.split(',') : authors;
  return { authors: texts.map((text) => authorOf(text.trim())) };
}

function idOf(text: string): string {
  const id = isHex32(text) ? text : eventIdOf(text);
  if (id === undefined) throw new UsageError(`'${text}' is no id of an event: 64 hex digits, note or nevent`);
  return id;
}

function authorOf(text: string): string {
  const pubkey = isHex32(text) ? text : pubkeyOfNpub(text);
  if (pubkey === undefined) throw new UsageError(`--author takes npubs; '${text}' is none`);
  return pubkey;
}

function parsedFilter(text: string): Filter {
  let filter: Filter;
  try {
    filter = parseFilter(JSON.parse(text));
  } catch (error) {
    throw new UsageError(
      `--filter takes a NIP-01 filter as JSON, such as '{"kinds":[1621]}': ${errorMessage(error)}`,
    );
  }
  if (filter.limit !== undefined)
    throw new UsageError('--filter takes no limit: all that matches is deleted');
  if (Object.keys(filter).length === 0)
    throw new UsageError('--filter takes a condition at least: {} is everything');
  return filter;
}
