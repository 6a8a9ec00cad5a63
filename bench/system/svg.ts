import { largest } from '../../src/lib/collections/lists.js';
import { formatFigure, type Result } from './report.js';
import type { Figure } from './scenario.js';

const width = 720;
const rowHeight = 22;
const labelWidth = 320;
const barWidthMax = 260;

/**
 * The results as a picture: a bar for each figure, as long as its share of the largest of the same name and unit; with
 * several sizes, the bars of one figure stand under each other and show how it grows.
 */
export function formatSvg(results: readonly Result[]): string {
  const groups = groupRows(results);
  const rows = [...groups.values()].reduce((sum, group) => sum + group.length, 0);
  const height = (rows + groups.size + 1) * rowHeight;
  const parts: string[] = [];
  let y = rowHeight;
  for (const [key, group] of groups) {
    parts.push(text(8, y, key, 'bold'));
    y += rowHeight;
    const most = largest(group.map(({ figure }) => figure.value));
    for (const { result, figure } of group) {
      const length = most > 0 ? (figure.value / most) * barWidthMax : 0;
      const label = `n = ${result.events.toLocaleString('en')}, ${result.signatures}`;
      parts.push(text(24, y, label, 'normal'));
      parts.push(
        `<rect x="${labelWidth}" y="${y - 12}" width="${length.toFixed(1)}" height="14" fill="#3b6ea5"/>`,
      );
      parts.push(text(labelWidth + length + 6, y, formatFigure(figure), 'normal'));
      y += rowHeight;
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">\n${parts.join('\n')}\n</svg>\n`;
}

type Row = { readonly result: Result; readonly figure: Figure };

/** The rows of each figure, of whatever size, under its name. */
function groupRows(results: readonly Result[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const result of results) {
    for (const figure of result.figures) {
      const key = `${result.scenario}: ${figure.name}`;
      groups.set(key, [...(groups.get(key) ?? []), { result, figure }]);
    }
  }
  return groups;
}

function text(x: number, y: number, content: string, weight: 'bold' | 'normal'): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" font-weight="${weight}">${escaped}</text>`;
}
