import { rm } from 'node:fs/promises';
import { smallest } from '../../src/lib/collections/lists.js';
import { machineMs } from '../system/statistics.js';
import { type RunOptions, runGit } from './git.js';
import type { GitWorld } from './world.js';

/** The least time of each: what else the machine does can only add to a time. */
export type LeastTimes = { readonly oursMs: number; readonly rivalsMs: number };

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = machineMs();
  await work();
  return machineMs() - begin;
}

/** Measures both by turns, so that a busy moment meets both. */
export async function byTurns(
  rounds: number,
  ours: () => Promise<unknown>,
  rivals: () => Promise<unknown>,
): Promise<LeastTimes> {
  const times: { ours: number[]; rivals: number[] } = { ours: [], rivals: [] };
  for (let round = 0; round < rounds; round += 1) {
    times.ours.push(await timed(ours));
    times.rivals.push(await timed(rivals));
  }
  return { oursMs: smallest(times.ours), rivalsMs: smallest(times.rivals) };
}

/** Clones a repository into a folder that goes again. */
export async function clone(world: GitWorld, url: string, options: RunOptions = {}): Promise<void> {
  const folder = world.emptyFolder();
  await runGit(['clone', '--quiet', '--bare', url, folder], options);
  await rm(folder, { recursive: true });
}
