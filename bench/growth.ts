import { largest, smallest } from '../src/lib/collections/lists.js';
import type { Result } from './measure.js';
import { formatTime } from './report.js';

/** How the time of one contender grows with n. */
export type Line = {
  readonly contender: string;
  readonly points: readonly { readonly n: number; readonly ns: number }[];
};
export type Chart = { readonly title: string; readonly lines: readonly Line[] };

/** A chart needs this many sizes to show growth. */
const sizesMin = 3;

/** One chart for each work that was done at several sizes; floors are left out, they differ in bytes. */
export function chartsOf(results: readonly Result[]): Chart[] {
  const charts = groupBy(results, ({ topic, work }) => `${topic}: ${work}`);
  return [...charts].flatMap(([title, all]) => {
    if (new Set(all.map(({ n }) => n)).size < sizesMin) return [];
    const contenders = groupBy(
      all.filter(({ role }) => role !== 'floor'),
      ({ contender }) => contender,
    );
    const lines = [...contenders].map(([contender, some]) => ({
      contender,
      points: some.map(({ n, medianNs }) => ({ n, ns: medianNs })),
    }));
    return [{ title, lines }];
  });
}

function groupBy<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const key = keyOf(each);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return groups;
}

/** Both axes are logarithmic: a straight line is a power of n. */
export type Axes = {
  readonly decadesN: readonly number[];
  readonly decadesNs: readonly number[];
  /** Where a point lies, from 0 to 1 on each axis. */
  readonly place: (n: number, ns: number) => readonly [number, number];
};

export function axesOf({ lines }: Chart): Axes {
  const points = lines.flatMap((line) => line.points);
  const decadesN = decades(points.map(({ n }) => n));
  const decadesNs = decades(points.map(({ ns }) => ns));
  const share = (value: number, all: readonly number[]): number => {
    const [first, last] = [Math.log10(all[0]!), Math.log10(all.at(-1)!)];
    return (Math.log10(value) - first) / (last - first);
  };
  return { decadesN, decadesNs, place: (n, ns) => [share(n, decadesN), share(ns, decadesNs)] };
}

/** The powers of ten around the values, at least two. */
function decades(values: readonly number[]): number[] {
  const first = Math.floor(Math.log10(smallest(values)));
  const last = Math.max(Math.ceil(Math.log10(largest(values))), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}

const plotColumns = 60;
const rowsPerDecade = 2;

/** The chart in characters: each contender is its first letter. */
export function plot(chart: Chart): string {
  const { decadesN, decadesNs, place } = axesOf(chart);
  const height = (decadesNs.length - 1) * rowsPerDecade + 1;
  const grid = Array.from({ length: height }, () => Array<string>(plotColumns + 1).fill(' '));
  for (const { contender, points } of chart.lines) {
    for (const { n, ns } of points) {
      const [x, y] = place(n, ns);
      grid[height - 1 - Math.round(y * (height - 1))]![Math.round(x * plotColumns)] = contender[0]!;
    }
  }
  const rows = grid.map((cells, row) => {
    const fromBottom = height - 1 - row;
    const label = fromBottom % rowsPerDecade === 0 ? formatTime(decadesNs[fromBottom / rowsPerDecade]!) : '';
    return `${label.padStart(10)} │${cells.join('').trimEnd()}`;
  });
  const gap = plotColumns / (decadesN.length - 1);
  const names = decadesN.reduce((text, n, i) => text.padEnd(Math.round(i * gap)) + n.toExponential(0), '');
  const legend = chart.lines.map(({ contender }) => `${contender[0]} ${contender}`).join(', ');
  return [
    `${chart.title} (${legend})`,
    ...rows,
    `${' '.repeat(11)}└${'─'.repeat(plotColumns)} n`,
    `${' '.repeat(12)}${names}`,
  ].join('\n');
}
