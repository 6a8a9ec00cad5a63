import { largest } from '../../lib/collections/lists.js';
import { printable } from '../../lib/text/printable.js';

/** What stands in the place of a value that there is not. */
const none = '-';

/** Rows of text, of strangers too, as columns that line up, below their names. */
export function table(names: readonly string[], rows: readonly (readonly (string | undefined)[])[]): string {
  const lines = [names, ...rows.map((row) => row.map((cell) => printable(cell ?? none)))];
  const widths = names.map((_, column) => largest(lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
