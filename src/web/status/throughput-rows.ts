import { hourMs, secondMs } from '../../lib/clock.js';
import { type Cell, tableRows } from '../html-table.js';
import type { ThroughputName, ThroughputReport } from './status-report.js';
import { bytes, figure } from './words.js';

/** A chart, and the series in it. */
export type Chart = {
  readonly title: string;
  readonly unit: 'events' | 'bytes';
  readonly series: readonly { readonly name: ThroughputName; readonly label: string }[];
};

export const charts: readonly Chart[] = [
  {
    title: 'Events stored a minute',
    unit: 'events',
    series: [
      { name: 'published', label: 'published here' },
      { name: 'live', label: 'live from relays' },
      { name: 'catchup', label: 'by catch-up' },
    ],
  },
  {
    title: 'Live events sent a minute',
    unit: 'events',
    series: [{ name: 'delivered', label: 'to clients' }],
  },
  {
    title: 'Bytes of clients a minute',
    unit: 'bytes',
    series: [
      { name: 'clientsIn', label: 'received' },
      { name: 'clientsOut', label: 'sent' },
    ],
  },
  {
    title: 'Bytes of git a minute',
    unit: 'bytes',
    series: [
      { name: 'gitSent', label: 'cloned and fetched' },
      { name: 'gitPushed', label: 'pushed' },
      { name: 'gitFetched', label: 'from other servers' },
    ],
  },
];

export const throughputColumns = ['What', 'Last hour', 'Last day'];

/** What went through, summed: what the charts say, in figures. */
export function throughputRows({ stepSeconds, series }: ThroughputReport): string {
  const perHour = hourMs / secondMs / stepSeconds;
  const valuesOf = new Map(series.map(({ name, values }) => [name, values]));
  const rows = charts.flatMap(({ title, unit, series: shown }) =>
    shown.map(({ name, label }): Cell[] => {
      const values = valuesOf.get(name) ?? [];
      const say = unit === 'bytes' ? bytes : figure;
      const what = `${title.replace(' a minute', '')}: ${label}`;
      return [what, say(sumOf(values.slice(-perHour))), say(sumOf(values))];
    }),
  );
  return tableRows(rows, throughputColumns.length, '');
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
