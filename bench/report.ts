import { largest } from '../src/lib/collections/lists.js';
import type { Result } from './measure.js';
import type { Figures } from './topic.js';

/** How many times as long as the candidate the contender took; below 1 it was faster. */
export function ratioOf(result: Result, candidate: Result): number {
  return result.medianNs / candidate.medianNs;
}

const units = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
  ['ns', 1],
] as const;

const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

export function formatTime(ns: number): string {
  const [unit, size] = units.find(([, each]) => ns >= each) ?? (['ns', 1] as const);
  return `${digits(ns / size)} ${unit}`;
}

const formatFigures = (figures: Figures = {}): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${value.toLocaleString('en')}`)
    .join(', ');

/** The results of one work as lines of a table. */
export function formatWork(results: readonly Result[]): string {
  const [candidate] = results;
  if (candidate === undefined) return '';
  const rows = results.map((result) => [
    result.contender,
    result.role,
    formatTime(result.medianNs),
    `${formatTime(result.p25Ns)} – ${formatTime(result.p75Ns)}`,
    result === candidate ? '1' : `${digits(ratioOf(result, candidate))} ×`,
    formatFigures(result.figures),
  ]);
  const title = `${candidate.topic}: ${candidate.work}, n = ${candidate.n.toLocaleString('en')}`;
  return `${title}\n${alignColumns([['', '', 'median', 'p25 – p75', 'time', ''], ...rows])}`;
}

/** Lines with columns of one width each; the first two are set left, the others right. */
function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => largest(rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join('\n');
}
