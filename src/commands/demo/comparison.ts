import { largest } from '../../lib/collections/lists.js';
import { eventJson, type NostrEvent } from '../../nostr/event.js';
import { kinds } from '../../nostr/kinds.js';

/** What one relay holds at the end. */
export type Holding = { readonly name: string; readonly events: readonly NostrEvent[] };

/** The result of comparing what relays hold. */
export type Comparison = {
  /** A table by kind, one column a relay; lines without a line break. */
  readonly table: readonly string[];
  /** Whether all hold the same events, every field the same, and as many as were published. */
  readonly agrees: boolean;
};

const namesOfKinds: Readonly<Record<number, string>> = {
  [kinds.repositoryAnnouncement]: 'repositories',
  [kinds.repositoryState]: 'states',
  [kinds.issue]: 'issues',
  [kinds.patch]: 'patches',
  [kinds.pullRequest]: 'pull requests',
  [kinds.pullRequestUpdate]: 'pull request updates',
  1111: 'comments',
  1631: 'statuses',
};

/** Compares what each relay holds with what was published. */
export function compareHoldings(published: readonly NostrEvent[], holdings: readonly Holding[]): Comparison {
  const expected = fingerprint(published);
  const kindsSeen = [...new Set(published.map(({ kind }) => kind))].sort((a, b) => b - a);
  const header = ['', 'published', ...holdings.map(({ name }) => name)];
  const columns = [published, ...holdings.map(({ events }) => events)];
  const rows = kindsSeen.map((kind) => [
    namesOfKinds[kind] ?? `kind ${kind}`,
    ...columns.map((events) => String(events.filter((event) => event.kind === kind).length)),
  ]);
  const total = ['all', ...columns.map((events) => String(events.length))];
  const agrees = holdings.every(({ events }) => fingerprint(events) === expected);
  return { table: alignColumns([header, ...rows, total]), agrees };
}

/** Equal exactly when the events are, in whatever order. */
function fingerprint(events: readonly NostrEvent[]): string {
  return events.map(eventJson).sort().join('\n');
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => largest(rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   '),
  );
}
