import { escapeHtml } from '../http/pages/html.js';

/** What a cell of a table shows: text, or HTML that is escaped already. */
export type Cell = string | { readonly html: string };

export type TableParts = {
  readonly caption: string;
  readonly columns: readonly string[];
  /** The rows, from `tableRows`. */
  readonly rows: string;
  /** The id of the rows, by which they are found when they are shown anew. */
  readonly rowsId: string;
};

/** A table that scrolls by itself where the window is too narrow for it, also by the keyboard. */
export function table({ caption, columns, rows, rowsId }: TableParts): string {
  const label = escapeHtml(caption);
  const heads = columns.map((column) => `<th scope="col">${escapeHtml(column)}</th>`).join('');
  return `<div class="scroll" role="region" aria-label="${label}" tabindex="0">
<table>
<caption>${label}</caption>
<thead><tr>${heads}</tr></thead>
<tbody id="${rowsId}">
${rows}
</tbody>
</table>
</div>`;
}

/** Rows whose first cell is their head; `none` is said where there are none. */
export function tableRows(rows: readonly (readonly Cell[])[], columns: number, none: string): string {
  if (rows.length === 0) return `<tr><td colspan="${columns}">${escapeHtml(none)}</td></tr>`;
  return rows
    .map(([head = '', ...cells]) => {
      const rest = cells.map((cell) => `<td>${htmlOf(cell)}</td>`).join('');
      return `<tr><th scope="row">${htmlOf(head)}</th>${rest}</tr>`;
    })
    .join('\n');
}

/** Terms with what is said of each. */
export function termList(entries: readonly (readonly [term: string, value: Cell])[]): string {
  return entries
    .map(([term, value]) => `<div><dt>${escapeHtml(term)}</dt><dd>${htmlOf(value)}</dd></div>`)
    .join('\n');
}

function htmlOf(cell: Cell): string {
  return typeof cell === 'string' ? escapeHtml(cell) : cell.html;
}
