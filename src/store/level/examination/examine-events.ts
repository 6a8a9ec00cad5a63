import { limits } from '../../../config/limits.js';
import { eventBytes, eventHash, expirationOf, type NostrEvent, nameOfEvent } from '../../../nostr/event.js';
import type { EventIndex } from '../../index/event-index.js';
import { rowState } from '../../index/rows/row-table.js';
import { TermList } from '../../index/terms.js';
import { LazyBody } from '../../log/bodies/body-codec.js';
import { breachOf } from '../../rules.js';
import { readBodies } from '../body-reader.js';
import type { Database } from '../database.js';
import { bodiesEnd, bodiesStart, bodySequence } from '../keys.js';
import { isCorruption } from '../segment-entries.js';
import type { StoreFinding } from './store-finding.js';

/** Tells of events whether their signatures are right, in their order. */
export type VerifySignatures = (events: readonly NostrEvent[]) => Promise<readonly boolean[]>;

/** Compares every stored row of the index with the event on disk, and finds events that no row is of. */
export async function* examineEvents(
  db: Database,
  index: EventIndex,
  verify: VerifySignatures | undefined,
): AsyncGenerator<StoreFinding> {
  const rows = storedRows(index);
  const expirations = timesOf(index);
  const terms = new TermList(index.hasher);
  for (let from = 0; from < rows.length; from += limits.storeReadEventsMax) {
    const some = rows.subarray(from, from + limits.storeReadEventsMax);
    const sequences = Array.from(some, (row) => index.rows.sequence(row));
    const bodies = await readBodies(db, sequences);
    const whole: NostrEvent[] = [];
    for (const [at, body] of bodies.entries()) {
      const row = some[at]!;
      const event = typeof body === 'string' ? undefined : eventIn(body, sequences[at]!);
      if (event === undefined) {
        yield { what: typeof body === 'string' ? body : 'damaged', about: nameOfRow(index, row) };
        continue;
      }
      whole.push(event);
      for (const wrong of differences(index, row, event, terms, expirations.get(sequences[at]!) ?? 0))
        yield { what: 'index', about: `${nameOfRow(index, row)}: ${wrong}` };
      const breach = breachOf(index, event, row);
      if (breach !== undefined) yield { what: breach, about: nameOfRow(index, row) };
    }
    const verdicts = (await verify?.(whole)) ?? [];
    for (const [at, isRight] of verdicts.entries())
      if (!isRight) yield { what: 'unsigned', about: nameOfEvent(whole[at]!) };
  }
  yield* strayEvents(db, index, rows);
}

/** The rows of stored events in the order of their sequences, which is that of the disk. */
function storedRows({ rows }: EventIndex): Uint32Array {
  const stored: number[] = [];
  for (let row = 0; row < rows.end; row += 1) if (rows.state(row) === rowState.stored) stored.push(row);
  return Uint32Array.from(stored).sort((a, b) => rows.sequence(a) - rows.sequence(b));
}

/** When stored rows expire, by sequence. */
function timesOf(index: EventIndex): Map<number, number> {
  const { times, sequences, rows } = index.expirations.dump();
  const found = new Map<number, number>();
  for (const [at, time] of times.entries()) {
    if (index.isCurrent(rows[at]!, sequences[at]!, (state) => state === rowState.stored))
      found.set(sequences[at]!, time);
  }
  return found;
}

/** The event of a body whose checksum is right; `undefined` where it is not what its id says all the same. */
function eventIn(body: Uint8Array, sequence: number): NostrEvent | undefined {
  try {
    const { event } = new LazyBody(sequence, body);
    return eventHash(event) === event.id ? event : undefined;
  } catch {
    return undefined;
  }
}

/** How a row of the index differs from its event. */
function* differences(
  { rows, authors, lists, terms: table, all }: EventIndex,
  row: number,
  event: NostrEvent,
  terms: TermList,
  expiresAt: number,
): Generator<string> {
  if (rows.idHex(row) !== event.id) yield `its event is ${event.id}`;
  if (authors.hex(rows.author(row)) !== event.pubkey) yield 'another author';
  if (rows.kind(row) !== event.kind) yield 'another kind';
  if (rows.createdAt(row) !== event.created_at) yield 'another time';
  if (rows.sizeLog(row) !== Math.ceil(Math.log2(eventBytes(event)))) yield 'another size';
  if ((expirationOf(event) ?? 0) !== expiresAt) yield 'another time at which it expires';
  terms.setEvent(event);
  const address = terms.addressOf(event.kind);
  if (rows.address(row).some((word, at) => word !== address[at])) yield 'another address';
  if (!lists.contains(all, row)) yield 'not among all';
  for (let at = 0; at < terms.count; at += 1) {
    const list = table.get(terms.words[at * 2]!, terms.words[at * 2 + 1]!);
    if (!lists.contains(list, row)) yield `not found by its term ${at}`;
  }
}

/** Events on disk that no stored row is of. */
async function* strayEvents(
  db: Database,
  { rows }: EventIndex,
  stored: Uint32Array,
): AsyncGenerator<StoreFinding> {
  // Both are in the order of their sequences.
  let next = 0;
  try {
    for await (const key of db.keys({ gte: bodiesStart, lt: bodiesEnd })) {
      const sequence = bodySequence(key);
      while (next < stored.length && rows.sequence(stored[next]!) < sequence) next += 1;
      if (next < stored.length && rows.sequence(stored[next]!) === sequence) continue;
      const [body] = await readBodies(db, [sequence]);
      const event = body === undefined || typeof body === 'string' ? undefined : eventIn(body, sequence);
      yield { what: 'stray', about: event === undefined ? `body ${sequence}, damaged` : nameOfEvent(event) };
    }
  } catch (error) {
    // What lies in a block that cannot be read was told of.
    if (!isCorruption(error)) throw error;
  }
}

function nameOfRow(index: EventIndex, row: number): string {
  return nameOfEvent(index.removedEvent(row));
}
