import { availableParallelism, cpus } from 'node:os';
import { largest } from '../../src/lib/collections/lists.js';
import { formatFigure } from '../system/report.js';
import { type GitFigure, isMet } from './scenario.js';

export type GitResult = {
  readonly scenario: string;
  readonly about: string;
  readonly figures: readonly GitFigure[];
};

/** A run as JSON, with the machine that it is of. */
export function formatJson(results: readonly GitResult[]): string {
  const machine = { processor: cpus()[0]?.model ?? '', cores: availableParallelism(), node: process.version };
  return `${JSON.stringify({ machine, results }, null, 2)}\n`;
}

/** A result as lines of a table: the figures, each with its goal. */
export function formatResult({ scenario, about, figures }: GitResult): string {
  const nameWidth = largest(figures.map(({ name }) => name.length));
  const rows = figures.map(
    (figure) => `  ${figure.name.padEnd(nameWidth)}  ${formatFigure(figure)}${formatGoal(figure)}`,
  );
  return [`${scenario}: ${about}`, ...rows].join('\n');
}

function formatGoal(figure: GitFigure): string {
  const { goal } = figure;
  if (goal === undefined) return '';
  const text = 'atLeast' in goal ? `at least ${goal.atLeast}` : `at most ${goal.atMost}`;
  return `  (goal: ${text}; ${isMet(figure) ? 'met' : 'missed'})`;
}
