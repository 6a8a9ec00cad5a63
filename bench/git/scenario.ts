import type { Figure } from '../system/scenario.js';
import type { GitWorld } from './world.js';

/** A figure that is to be reached: the value that it must be at least, or at most. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export type GitFigure = Figure & { readonly goal?: Goal };

/** A piece of work that is measured at both servers in one run: listed in `scenarios.ts`. */
export type GitScenario = {
  readonly name: string;
  readonly about: string;
  run(world: GitWorld): Promise<readonly GitFigure[]>;
};

export function isMet({ value, goal }: GitFigure): boolean {
  if (goal === undefined) return true;
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}
