import { secondMs } from '../../../../src/lib/clock.js';
import type { Row } from '../../../../src/store/postgres/database.js';
import { type LeaseRow, sortedKeys, type Tables } from './tables.js';

/** What a statement does with the tables; `nowMs` is the time of the database. */
type Statement = (tables: Tables, values: readonly unknown[], nowMs: number) => readonly Row[];

/** The statements of `src/store/postgres`, each by words that no other one has. */
const statements: readonly (readonly [words: string, run: Statement])[] = [
  ['WITH held AS', write],
  ['AS before', piece],
  ['AS headers', sizeThrough],
  ['WHERE sequence = ANY', bodiesOf],
  ['FROM graspd_bodies WHERE sequence >=', bodiesFrom],
  ['FROM graspd_log WHERE position >=', segmentsFrom],
  ['SELECT name, value FROM graspd_journal', journal],
  ['INSERT INTO graspd_leases', takeLease],
  ['RETURNING fence', renewLease],
  ['UPDATE graspd_leases SET ends_at = now() WHERE', endLease],
  ['UPDATE graspd_leases SET turn', nextTurn],
  ['SELECT holder, url, secret', holder],
  ['to_regclass', () => [{ is_there: true }]],
  ["WHERE name = 'schema'", ({ meta }) => [{ value: meta.get('schema') ?? null }]],
  ['SELECT name, value FROM graspd_meta', ({ meta }) => [...meta].map(([name, value]) => ({ name, value }))],
  ['SET LOCAL', () => []],
  ['SELECT 1 FROM graspd_meta', () => [{ '?column?': 1 }]],
];

export const statementWords: readonly string[] = statements.map(([words]) => words);

/** Whether a statement writes to the log. */
export function isWrite(text: string): boolean {
  return text.includes('WITH held AS');
}

/** Runs a statement of ours as PostgreSQL does. Throws at one that is not known here. */
export function runStatement(
  tables: Tables,
  text: string,
  values: readonly unknown[],
  nowMs: number,
): readonly Row[] {
  const found = statements.find(([words]) => text.includes(words));
  if (found === undefined) throw new TypeError(`the simulated database does not know: ${text}`);
  return found[1](tables, values, nowMs);
}

function write({ leases, log, bodies, journal, meta }: Tables, values: readonly unknown[]): readonly Row[] {
  const [name, fence] = values as [string, number];
  const lease = leases.get(name);
  if (lease?.fence !== fence || lease.turn !== values[19]) return [{ held: 0 }];
  for (const [position, segment] of piecesOf<number>(values, 2)) log.set(position, segment);
  for (const position of values[6] as number[]) log.delete(position);
  for (const [sequence, body] of piecesOf<number>(values, 7))
    if (!bodies.has(sequence)) bodies.set(sequence, body);
  for (const sequence of values[11] as number[]) bodies.delete(sequence);
  for (const [key, value] of piecesOf<string>(values, 12)) journal.set(key, value);
  for (const key of values[16] as string[]) journal.delete(key);
  const [metaNames, metaValues] = values.slice(17) as [string[], string[]];
  for (const [at, key] of metaNames.entries()) meta.set(key, metaValues[at] as string);
  return [{ held: 1 }];
}

/** The rows that come as one piece of bytes: keys, where each begins (from 1), the bytes, and how many each has. */
function piecesOf<K>(values: readonly unknown[], at: number): [key: K, bytes: Buffer][] {
  const [keys, starts, bytes, lengths] = values.slice(at) as [K[], number[], Buffer, number[]];
  return keys.map((key, of) => {
    const start = (starts[of] as number) - 1;
    return [key, Buffer.from(bytes.subarray(start, start + (lengths[of] as number)))];
  });
}

function piece({ log, meta }: Tables, values: readonly unknown[]): readonly Row[] {
  const [after, segmentsMax, bytesMax] = values as [number, number, number];
  const positions = sortedKeys(log);
  const rows: Row[] = [];
  let bytes = 0;
  for (const position of positions.filter((each) => each > after).slice(0, segmentsMax)) {
    if (bytes >= bytesMax) break;
    const segment = log.get(position) as Buffer;
    bytes += segment.length;
    rows.push({ position, segment, name: null, value: null });
  }
  const end = positions.at(-1) ?? null;
  for (const name of ['compaction', 'database_id', 'schema']) {
    const value = meta.get(name);
    if (value !== undefined) rows.push({ position: end, segment: null, name, value });
  }
  return rows;
}

function sizeThrough({ log }: Tables, [through]: readonly unknown[]): readonly Row[] {
  const headers = [...log]
    .filter(([position, { length }]) => position <= (through as number) && length >= 20)
    .map(([, segment]) => segment);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  return [
    {
      segments: headers.length,
      bytes: sum(headers.map(({ length }) => length)),
      records: sum(headers.map((segment) => segment.readUInt32LE(16))),
    },
  ];
}

function bodiesOf({ bodies }: Tables, [sequences]: readonly unknown[]): readonly Row[] {
  return (sequences as number[]).flatMap((sequence) => {
    const body = bodies.get(sequence);
    return body === undefined ? [] : [{ sequence, body }];
  });
}

function bodiesFrom({ bodies }: Tables, [first, max]: readonly unknown[]): readonly Row[] {
  return rowsFrom(bodies, first as number, max as number).map(([sequence, body]) => ({ sequence, body }));
}

function segmentsFrom({ log }: Tables, [first, max]: readonly unknown[]): readonly Row[] {
  return rowsFrom(log, first as number, max as number).map(([position, segment]) => ({ position, segment }));
}

function rowsFrom(table: ReadonlyMap<number, Buffer>, first: number, max: number): [number, Buffer][] {
  const keys = sortedKeys(table).filter((key) => key >= first);
  return keys.slice(0, max).map((key) => [key, table.get(key) as Buffer]);
}

function journal({ journal: records }: Tables): readonly Row[] {
  return [...records.keys()].sort().map((name) => ({ name, value: records.get(name) as Buffer }));
}

function takeLease({ leases }: Tables, values: readonly unknown[], nowMs: number): readonly Row[] {
  const [name, who, seconds, url, secret] = values as [string, string, number, string | null, string | null];
  const current = leases.get(name);
  if (current !== undefined && current.endsAtMs > nowMs) return [];
  const fence = (current?.fence ?? 0) + 1;
  leases.set(name, { holder: who, fence, turn: 0, endsAtMs: nowMs + seconds * secondMs, url, secret });
  return [{ fence }];
}

function renewLease(tables: Tables, values: readonly unknown[], nowMs: number): readonly Row[] {
  const lease = ownLease(tables, values);
  if (lease === undefined) return [];
  const [name, fence, seconds] = values as [string, number, number];
  tables.leases.set(name, { ...lease, endsAtMs: nowMs + seconds * secondMs });
  return [{ fence }];
}

function endLease(tables: Tables, values: readonly unknown[], nowMs: number): readonly Row[] {
  const lease = ownLease(tables, values);
  if (lease !== undefined) tables.leases.set(values[0] as string, { ...lease, endsAtMs: nowMs });
  return [];
}

function nextTurn(tables: Tables, values: readonly unknown[]): readonly Row[] {
  const lease = ownLease(tables, values);
  const [name, , turn] = values as [string, number, number];
  if (lease !== undefined && lease.turn < turn) tables.leases.set(name, { ...lease, turn });
  return [];
}

function ownLease({ leases }: Tables, [name, fence]: readonly unknown[]): LeaseRow | undefined {
  const lease = leases.get(name as string);
  return lease?.fence === fence ? lease : undefined;
}

function holder({ leases }: Tables, [name]: readonly unknown[], nowMs: number): readonly Row[] {
  const lease = leases.get(name as string);
  if (lease === undefined) return [];
  const { holder: who, url, secret, endsAtMs } = lease;
  return [{ holder: who, url, secret, remaining: (endsAtMs - nowMs) / secondMs }];
}
