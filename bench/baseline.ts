import { readFileSync, writeFileSync } from 'node:fs';
import type { Result } from './measure.js';
import { ratioOf } from './report.js';

/**
 * How many times as long as the candidate another contender takes, as it was when it was written down. The check
 * fails when the ratio fell below `ratio · (1 − tolerance)`.
 */
export type BaselineEntry = {
  readonly topic: string;
  readonly work: string;
  readonly n: number;
  readonly against: string;
  readonly ratio: number;
  readonly tolerance: number;
};

const path = new URL('./baseline.json', import.meta.url);

/** What a ratio may lose before it counts as worse: machines differ, and other work runs beside the bench. */
const defaultTolerance = 0.6;

export function readBaseline(): BaselineEntry[] {
  return JSON.parse(readFileSync(path, 'utf8')) as BaselineEntry[];
}

/** Replaces the entries of the works that were measured; tolerances set by hand stay. */
export function writeBaseline(results: readonly Result[]): void {
  const before = readBaseline();
  const measured = entriesOf(results).map((entry) => ({
    ...entry,
    tolerance: before.find((each) => keyOf(each) === keyOf(entry))?.tolerance ?? entry.tolerance,
  }));
  const keys = new Set(measured.map(keyOf));
  const entries = [...before.filter((entry) => !keys.has(keyOf(entry))), ...measured];
  entries.sort((a, b) => keyOf(a).localeCompare(keyOf(b), 'en', { numeric: true }));
  writeFileSync(path, `[\n${entries.map((entry) => `  ${JSON.stringify(entry)}`).join(',\n')}\n]\n`);
}

/** One line for each ratio of these results that is worse than the baseline allows. */
export function findRegressions(results: readonly Result[], baseline: readonly BaselineEntry[]): string[] {
  const allowed = new Map(baseline.map((entry) => [keyOf(entry), entry]));
  return entriesOf(results).flatMap((measured) => {
    const entry = allowed.get(keyOf(measured));
    if (entry === undefined) return [];
    const least = entry.ratio * (1 - entry.tolerance);
    if (measured.ratio >= least) return [];
    return [
      `${keyOf(entry)}: ${measured.ratio.toFixed(2)} ×, was ${entry.ratio} ×, at least ${least.toFixed(2)} × allowed`,
    ];
  });
}

const keyOf = ({ topic, work, n, against }: BaselineEntry): string =>
  `${topic}: ${work}, n = ${n}, against ${against}`;

function entriesOf(results: readonly Result[]): BaselineEntry[] {
  const candidates = new Map<string, Result>();
  const workOf = ({ topic, work, n }: Result): string => `${topic}: ${work}, n = ${n}`;
  for (const result of results) if (result.role === 'candidate') candidates.set(workOf(result), result);
  return results.flatMap((result) => {
    const candidate = candidates.get(workOf(result));
    if (candidate === undefined || result === candidate) return [];
    const { topic, work, n, contender: against } = result;
    const ratio = Number(ratioOf(result, candidate).toPrecision(3));
    return [{ topic, work, n, against, ratio, tolerance: defaultTolerance }];
  });
}
