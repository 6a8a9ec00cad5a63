import { heapGrowth } from '../../support/heap-counts.js';
import type { PartRun } from '../part.js';
import type { Counts, RestState } from './rest-state.js';

const bytesPerMegabyte = 1_000_000;
/** What memory may grow by: a share, some bytes, and some for each row that is kept. */
const growth = { share: 1.1, bytes: 12_000_000, rowBytes: 600 };
/** Handles come and go by one or two, as the next ping or sweep is due. */
const handlesMore = 2;
/** Less than one for each of so many connections is no leak of a connection; and so many are chance. */
const objectsMore = { perConnection: 0.05, chance: 300 };
const shownMax = 20;

/** Tells what became more between two looks at a daemon at rest, with many connections in between. */
export function judgeRest(
  run: PartRun,
  before: RestState,
  after: RestState,
  { connections, isWhole }: { readonly connections: number; readonly isWhole: boolean },
): void {
  const rows = Math.max(0, after.rows - before.rows);
  run.tried('flat-memory', connections);
  run.figure('flat-memory', 'connections', connections.toLocaleString('en'));
  run.figure('flat-memory', 'rows at rest', pair(before.rows, after.rows));
  judgeMemory(run, before.memory, after.memory, rows, isWhole);
  judgeCounts(run, 'handles', before.handles, after.handles);
  judgeCounts(run, 'gauges', before.gauges, after.gauges);
  for (const file of after.leftFiles) run.broken('flat-memory', `${file} was left`);
  const allowed = objectsMore.chance + connections * objectsMore.perConnection + rows;
  run.figure('flat-memory', 'entries of maps and sets', pair(before.entries, after.entries));
  if (after.entries - before.entries > allowed)
    run.broken('flat-memory', `entries of maps and sets: ${pair(before.entries, after.entries)}`);
  const grown = heapGrowth(before.objects, after.objects, objectsMore.chance);
  for (const { what, ...counts } of grown.slice(0, shownMax))
    run.progress(`more of ${what}: ${pair(counts.before, counts.after)}`);
  for (const { what, ...counts } of heapGrowth(before.objects, after.objects, allowed))
    run.broken('flat-memory', `${what}: ${pair(counts.before, counts.after)} objects`);
}

function judgeMemory(run: PartRun, before: Counts, after: Counts, rows: number, isWhole: boolean): void {
  for (const [kind, bytes] of after) {
    const first = before.get(kind) ?? 0;
    run.figure('flat-memory', `${kind} at rest`, `${megabytes(first)}, ${megabytes(bytes)}`);
    if (isWhole && bytes > first * growth.share + growth.bytes + rows * growth.rowBytes)
      run.broken('flat-memory', `${kind} at rest: ${megabytes(first)}, then ${megabytes(bytes)}`);
  }
}

function judgeCounts(run: PartRun, name: string, before: Counts, after: Counts): void {
  const sum = (counts: Counts) => [...counts.values()].reduce((total, count) => total + count, 0);
  run.figure('flat-memory', `${name} at rest`, pair(sum(before), sum(after)));
  for (const [what, count] of after) {
    // Files of the database have a limit of their own.
    if (what === 'descriptor database') continue;
    const first = before.get(what) ?? 0;
    if (count > first + handlesMore) run.broken('flat-memory', `${what} at rest: ${pair(first, count)}`);
  }
}

function pair(before: number, after: number): string {
  return `${before.toLocaleString('en')}, ${after.toLocaleString('en')}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / bytesPerMegabyte).toFixed(1)} MB`;
}
