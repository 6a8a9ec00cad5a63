import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsence } from '../git/files.js';
import type { GitStreams } from '../git/git-streams.js';
import { objectsOf } from '../git/objects/object-folders.js';
import { type PackFile, packsIn } from '../git/objects/pack-files.js';
import type { PackGrowth } from '../git/objects/pack-growth.js';
import { isHeadOrTag } from '../git/ref-name.js';
import type { Refs } from '../git/ref-plan.js';
import { runWatched } from './repack-step.js';

/**
 * A pack with a bitmap that has what the branches and tags of a repository lead to, and nothing else; so a repository
 * with the same tips, of another maintainer, may have the same file.
 */
export type BranchPack = {
  /** Of which branches and tags. */
  readonly tips: string;
  /** The name of the pack. */
  readonly name: string;
};

/** In a repository: its branch pack, as the last repack left it. */
export const branchPackMark = 'graspd-branches';

/**
 * What the branches and tags of a repository are, in short: two that have the same have the same objects below them.
 * `undefined` where there are none.
 */
export function tipsOf(refs: Refs): string | undefined {
  const ids = new Set([...refs].filter(([name]) => isHeadOrTag(name)).map(([, id]) => id));
  if (ids.size === 0) return undefined;
  return createHash('sha256')
    .update([...ids].sort().join('\n'))
    .digest('hex');
}

export async function readBranchPack(gitDir: string): Promise<BranchPack | undefined> {
  const text = await readFile(join(gitDir, branchPackMark), 'utf8').catch((error: unknown) => {
    if (isAbsence(error)) return '';
    throw error;
  });
  const [tips = '', name = ''] = text.split(' ');
  return /^pack-[0-9a-f]+$/.test(name) ? { tips, name } : undefined;
}

/** Remembers in the repository which pack that is. */
export async function markBranchPack(gitDir: string, { tips, name }: BranchPack): Promise<void> {
  await writeFile(join(gitDir, branchPackMark), `${tips} ${name}`);
}

/**
 * Packs what branches and tags lead to, into an empty folder, with a bitmap. Git makes those of all refs only: a repository
 * beside the real one has no refs but these, and its objects. `undefined` where git makes no bitmap, as with objects that
 * the repository borrows. Rejects with `PackGrowthError` where it becomes larger than it may.
 */
export async function packBranches(
  streams: GitStreams,
  gitDir: string,
  refs: Refs,
  folder: string,
  growth: PackGrowth,
  signal: AbortSignal,
): Promise<PackFile | undefined> {
  const lines = [...refs].filter(([name]) => isHeadOrTag(name)).map(([name, id]) => `${id} ${name}\n`);
  const packs = join(folder, 'packs');
  for (const path of [packs, join(folder, 'refs')]) await mkdir(path);
  await writeFile(join(folder, 'packed-refs'), lines.join(''));
  await writeFile(join(folder, 'HEAD'), 'ref: refs/heads/none\n');
  const options = [
    '--all',
    '--write-bitmap-index',
    '--delta-base-offset',
    '--local',
    '--non-empty',
    '--quiet',
  ];
  await runWatched(
    streams,
    {
      gitDir: folder,
      args: ['pack-objects', ...options, join(packs, 'pack')],
      objects: { write: objectsOf(gitDir), read: [] },
    },
    growth,
    signal,
  );
  return (await packsIn(packs)).find(({ hasBitmap }) => hasBitmap);
}
