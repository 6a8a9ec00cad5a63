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
 * What a ratio of times may lose before it counts as worse: so much between machines, and so many times what its lower
 * quartile strayed in the runs that the baseline is drawn from; for a check measures again what came out worse.
 * Figures depend on nothing but the work.
 */
const timeToleranceMin = 0.5;
const timeToleranceMax = 0.8;
const strayFactor = 2;
const figureTolerance = 0.05;

export function readBaseline(): BaselineEntry[] {
  return JSON.parse(readFileSync(path, 'utf8')) as BaselineEntry[];
}

/** Replaces the entries of the works that were measured, each in several runs, by the medians of their ratios. */
export function writeBaseline(runs: readonly (readonly Result[])[]): void {
  const measured = baselineOf(runs);
  const keys = new Set(measured.map(keyOf));
  const entries = [...readBaseline().filter((entry) => !keys.has(keyOf(entry))), ...measured];
  entries.sort((a, b) => keyOf(a).localeCompare(keyOf(b), 'en', { numeric: true }));
  writeFileSync(path, `[\n${entries.map((entry) => `  ${JSON.stringify(entry)}`).join(',\n')}\n]\n`);
}

/** The entries that several runs of the same works make. */
export function baselineOf(runs: readonly (readonly Result[])[]): BaselineEntry[] {
  const entries = new Map<string, BaselineEntry[]>();
  for (const entry of runs.flatMap(entriesOf)) {
    entries.set(keyOf(entry), [...(entries.get(keyOf(entry)) ?? []), entry]);
  }
  return [...entries.values()].map((same) => {
    same.sort((a, b) => a.ratio - b.ratio);
    const median = same[same.length >> 1]!;
    const stray = 1 - same[same.length >> 2]!.ratio / median.ratio;
    const tolerance = Math.min(timeToleranceMin + strayFactor * stray, timeToleranceMax);
    return median.of === 'time' ? { ...median, tolerance: Number(tolerance.toFixed(2)) } : median;
  });
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
  return [entry('time', other.minNs / candidate.minNs, timeToleranceMax), ...figures];
}
