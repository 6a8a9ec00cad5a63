import { readFileSync, writeFileSync } from 'node:fs';
import type { Result } from './measure.js';

/**
 * How many times as much as the candidate another contender takes, as it was when it was written down: `of` time, or
 * of a figure, such as the bytes of a reconciliation. The check fails when the ratio fell below
 * `ratio · (1 − tolerance)`.
 */
export type BaselineEntry = {
  readonly topic: string;
  readonly work: string;
  readonly n: number;
  readonly candidate: string;
  readonly against: string;
  readonly of: string;
  readonly ratio: number;
  readonly tolerance: number;
};

const path = new URL('./baseline.json', import.meta.url);

/**
 * What a ratio of times may lose before it counts as worse: machines differ, and other work runs beside the bench.
 * Figures depend on nothing but the work.
 */
const timeTolerance = 0.8;
const figureTolerance = 0.05;

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

const keyOf = ({ topic, work, n, candidate, against, of }: BaselineEntry): string =>
  `${topic}: ${work}, n = ${n}, ${candidate} against ${against}, ${of}`;

/**
 * The ratios of all candidates to the others at the same work. The least times are compared, for what else the machine
 * does can only add to a time. Floors are left out: at small sizes they are shorter than the clock's steps.
 */
function entriesOf(results: readonly Result[]): BaselineEntry[] {
  const candidates = results.filter(({ role }) => role === 'candidate');
  const others = results.filter(({ role }) => role === 'reference' || role === 'rival');
  const workOf = ({ topic, work, n }: Result): string => `${topic}: ${work}, n = ${n}`;
  return candidates.flatMap((candidate) =>
    others
      .filter((other) => workOf(other) === workOf(candidate))
      .flatMap((other) => ratiosOf(candidate, other)),
  );
}

function ratiosOf(candidate: Result, other: Result): BaselineEntry[] {
  const { topic, work, n } = candidate;
  const entry = (of: string, ratio: number, tolerance: number): BaselineEntry => ({
    topic,
    work,
    n,
    candidate: candidate.contender,
    against: other.contender,
    of,
    ratio: Number(ratio.toPrecision(3)),
    tolerance,
  });
  const figures = Object.entries(candidate.figures ?? {}).flatMap(([name, value]) => {
    const theirs = other.figures?.[name];
    return theirs === undefined ? [] : [entry(name, theirs / value, figureTolerance)];
  });
  return [entry('time', other.minNs / candidate.minNs, timeTolerance), ...figures];
}
