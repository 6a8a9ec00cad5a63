import { limits } from '../../config/limits.js';
import { BadControlRequest, type ControlRoute } from '../../control/control-server.js';
import type {
  BanEntry,
  BanReport,
  BanTarget,
  DeleteCount,
  DeleteReport,
  ModerationCounts,
  UnbanReport,
} from '../../control/reports.js';
import { isHex32 } from '../../lib/bytes.js';
import { type Clock, secondMs } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import { AddressError } from '../../moderation/blocked-addresses.js';
import { ListFullError, type ListName, type ModerationLists } from '../../moderation/lists.js';
import { type Moderation, ProtectedKeyError, type Taking } from '../../moderation/moderation.js';
import { type Filter, parseFilter } from '../../nostr/filter.js';
import type { EventStore } from '../../store/event-store.js';
import { isoTime } from './reports.js';

export type ModerationRouteParts = {
  readonly store: Pick<EventStore, 'countInTurns'>;
  readonly moderation: Moderation;
  readonly clock: Pick<Clock, 'sleep'>;
};

/** Who bans by a command, in the log. */
const by = 'the operator';

/** `/bans`, `/ban`, `/unban`, and `/delete` with `/delete/count`. */
export function moderationRoutes({ store, moderation, clock }: ModerationRouteParts): ControlRoute[] {
  return [
    { method: 'GET', path: '/bans', answer: () => entriesOf(moderation.lists) },
    {
      method: 'POST',
      path: '/ban',
      async *answer(body) {
        // All bans hold before the first report: whoever stops reading has them nevertheless.
        const held = await banAll(moderation, targetsIn(body), reasonIn(body));
        for (const [target, taking] of held) yield* reportsOf(target, taking, clock);
      },
    },
    {
      method: 'POST',
      path: '/unban',
      async *answer(body) {
        for (const target of targetsIn(body)) {
          const wasBanned = await readably(() => unban(moderation, target));
          yield { ...target, wasBanned } satisfies UnbanReport;
        }
      },
    },
    {
      method: 'POST',
      path: '/delete/count',
      async answer(body): Promise<DeleteCount> {
        return { events: await store.countInTurns(filtersIn(body)) };
      },
    },
    {
      method: 'POST',
      path: '/delete',
      async *answer(body) {
        const isBan = field(body, 'isBan') === true;
        const removals = moderation.delete(filtersIn(body), isBan, { by, reason: reasonIn(body) });
        let removed = 0;
        for await (const count of readablyAll(removals)) {
          removed += count;
          yield { removed } satisfies DeleteReport;
        }
      },
    },
  ];
}

export function moderationCounts(lists: ModerationLists): ModerationCounts {
  const count = (list: ListName) => lists.entries(list).size;
  return {
    bannedPubkeys: count('banned-pubkey'),
    bannedEvents: count('banned-event'),
    blockedAddresses: count('blocked-address'),
    allowedPubkeys: count('allowed-pubkey'),
  };
}

async function banAll(
  moderation: Moderation,
  targets: readonly BanTarget[],
  reason: string,
): Promise<[BanTarget, Taking | undefined][]> {
  const held: [BanTarget, Taking | undefined][] = [];
  for (const target of targets) {
    try {
      held.push([target, await readably(() => ban(moderation, target, reason))]);
    } catch (error) {
      if (!(error instanceof BadControlRequest) || held.length === 0) throw error;
      throw new BadControlRequest(`${error.message}; what was named before it is banned`);
    }
  }
  return held;
}

async function ban(
  moderation: Moderation,
  { type, value }: BanTarget,
  reason: string,
): Promise<Taking | undefined> {
  const wording = { by, reason };
  if (type === 'pubkey') return await moderation.banPubkey(value, wording);
  if (type === 'event') return await moderation.banEvent(value, wording);
  await moderation.blockAddress(value, wording);
  return undefined;
}

async function unban(moderation: Moderation, { type, value }: BanTarget): Promise<boolean> {
  if (type === 'pubkey') return await moderation.unbanPubkey(value, by);
  if (type === 'event') return await moderation.unbanEvent(value, by);
  return await moderation.unblockAddress(value, by);
}

/** That the ban holds, then how far the taking away is until it ends; that goes on also where nobody reads. */
async function* reportsOf(
  target: BanTarget,
  taking: Taking | undefined,
  clock: Pick<Clock, 'sleep'>,
): AsyncGenerator<BanReport> {
  let isDone = taking === undefined;
  const ended = taking?.ended.then(() => {
    isDone = true;
  });
  const report = (): BanReport => ({
    ...target,
    events: taking?.total ?? 0,
    removed: taking?.removed ?? 0,
    isDone,
  });
  yield report();
  while (!isDone) {
    await Promise.race([ended, clock.sleep(limits.takenAwayReportMs)]);
    yield report();
  }
}

async function* entriesOf(lists: ModerationLists): AsyncGenerator<BanEntry> {
  const types: readonly [ListName, BanEntry['type']][] = [
    ['banned-pubkey', 'pubkey'],
    ['banned-event', 'event'],
    ['blocked-address', 'address'],
    ['allowed-pubkey', 'allowed-pubkey'],
  ];
  for (const [list, type] of types)
    for (const [value, { reason, sinceSeconds }] of lists.entries(list))
      yield { type, value, since: isoTime(sinceSeconds * secondMs), reason };
}

/** What the operator can do something about is told as such. */
async function readably<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw readable(error);
  }
}

async function* readablyAll<T>(values: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* values;
  } catch (error) {
    throw readable(error);
  }
}

function readable(error: unknown): unknown {
  const isTold =
    error instanceof AddressError || error instanceof ListFullError || error instanceof ProtectedKeyError;
  return isTold ? new BadControlRequest(error.message) : error;
}

function field(body: unknown, name: string): unknown {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return undefined;
  return (body as Readonly<Record<string, unknown>>)[name];
}

function reasonIn(body: unknown): string {
  const reason = field(body, 'reason');
  return typeof reason === 'string' ? reason : '';
}

function targetsIn(body: unknown): BanTarget[] {
  const targets = field(body, 'targets');
  if (!Array.isArray(targets)) throw new BadControlRequest('there is nothing to ban');
  return targets.map((target: unknown) => {
    const [type, value] = [field(target, 'type'), field(target, 'value')];
    const isId = (type === 'pubkey' || type === 'event') && typeof value === 'string' && isHex32(value);
    if (isId || (type === 'address' && typeof value === 'string')) return { type, value } as BanTarget;
    throw new BadControlRequest('what is banned is a public key, an event or an address');
  });
}

/** A filter without a condition would be everything, and a limit would leave what nobody chose. */
function filtersIn(body: unknown): Filter[] {
  const filters = field(body, 'filters');
  if (!Array.isArray(filters)) throw new BadControlRequest('there is nothing to delete');
  return filters.map((value: unknown) => {
    let filter: Filter;
    try {
      filter = parseFilter(value);
    } catch (error) {
      throw new BadControlRequest(`what is deleted is said by NIP-01 filters: ${errorMessage(error)}`);
    }
    if (filter.limit !== undefined) throw new BadControlRequest('a filter to delete by has no limit');
    if (Object.keys(filter).length === 0)
      throw new BadControlRequest('a filter to delete by has a condition at least: {} is everything');
    return filter;
  });
}
