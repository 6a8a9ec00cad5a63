import { availableParallelism, cpus } from 'node:os';
import { largest } from '../../src/lib/collections/lists.js';
import type { Usage } from './process-usage.js';
import type { SignatureLibrary } from './relay-process.js';
import type { Figure, Measurement } from './scenario.js';

/** One scenario at one size. */
export type Result = Measurement & {
  readonly scenario: string;
  readonly about: string;
  readonly events: number;
  readonly signatures: SignatureLibrary;
  readonly url: string | undefined;
};

/** A run as JSON, with the machine that it is of. */
export function formatJson(results: readonly Result[]): string {
  const machine = { processor: cpus()[0]?.model ?? '', cores: availableParallelism(), node: process.version };
  return `${JSON.stringify({ machine, results }, null, 2)}\n`;
}

/** A result as lines of a table: the figures, then what each process used. */
export function formatResult({ scenario, about, events, signatures, figures, usage }: Result): string {
  const title = `${scenario}: ${about}, n = ${count(events)}, signatures by ${signatures}`;
  const nameWidth = largest(figures.map(({ name }) => name.length));
  const rows = figures.map((figure) => `  ${figure.name.padEnd(nameWidth)}  ${formatFigure(figure)}`);
  return [title, ...rows, ...usage.map((each) => `  · ${formatUsage(each)}`)].join('\n');
}

export function formatFigure({ value, unit }: Figure): string {
  const digits = unit === 'ms' && value < 100 ? 2 : unit === 's' || unit === '×' ? 2 : 0;
  return `${value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })} ${unit}`;
}

function formatUsage({
  process,
  cpuSeconds,
  childCpuSeconds,
  residentBytes,
  residentBytesPeak,
}: Usage): string {
  const children = childCpuSeconds > 0 ? ` and ${childCpuSeconds.toFixed(1)} s in children` : '';
  const megabytes = (bytes: number) => count(Math.round(bytes / 1e6));
  return `${process}: ${cpuSeconds.toFixed(1)} s CPU${children}, ${megabytes(residentBytes)} MB resident, at most ${megabytes(residentBytesPeak)} MB`;
}

const count = (value: number): string => value.toLocaleString('en');
