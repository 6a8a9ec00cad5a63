import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { limits } from '../config/limits.js';
import { type Git, type GitVersion, isAtLeast } from '../git/git-command.js';
import type { GitStreams } from '../git/git-streams.js';
import { LooseGrowth } from '../git/objects/loose-growth.js';
import { objectsOf } from '../git/objects/object-folders.js';
import { datePack, linkBitmap, linkPack, type PackFile, packsIn } from '../git/objects/pack-files.js';
import { type PackGrowth, removeUnfinished, unfinishedIn } from '../git/objects/pack-growth.js';
import { isHeadOrTag } from '../git/ref-name.js';
import type { Refs } from '../git/ref-plan.js';
import { readRefs } from '../git/refs.js';
import { secondMs } from '../lib/clock.js';
import { syncFolder } from '../lib/disk/sync-folder.js';
import { markBranchPack, packBranches, tipsOf } from './branch-pack.js';
import { runQuietly, runWatched } from './repack-step.js';

/** The first version that can keep what nothing refers to in a pack of its own, instead of a file for each object. */
const cruftPackVersionMin = [2, 37] as const;

export type RepackParts = {
  readonly git: Git;
  readonly streams: GitStreams;
  /** Gives an empty folder on the file system of the repositories. */
  readonly makeWorkFolder: () => Promise<string>;
  /** The branch pack that repositories with these tips are to have. */
  readonly findBranchPack: (tips: string) => Promise<PackFile | undefined>;
  /** Runs work that nobody else may change the repository beside. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
  /** Told when objects may have been removed, whatever became of the repack. */
  readonly onRemoved: () => void;
};

export type Repack = {
  readonly gitDir: string;
  readonly version: GitVersion;
  readonly nowMs: number;
  /** Whether others may change the repository meanwhile: then everything is kept, for a ref may be set to it right now. */
  readonly isBeside: boolean;
  /** Whether others may want what branches and tags lead to in a pack of its own. */
  readonly isForOthers: boolean;
  /** Whether it is due by itself, and not only because another repository has its branch pack. */
  readonly isDue: boolean;
  /** How much may be written: what was packed as changes of an object that is kept elsewhere now becomes much larger. */
  readonly growth: PackGrowth;
};

/**
 * Repacks a repository: one pack with a bitmap, packed refs, a commit-graph. What nothing refers to is kept for
 * `unreachableObjectsMsMax` since a repack found it. Whole, and not by the size of packs (`--geometric`): what nothing refers
 * to would be taken for new by every such repack, and its bitmap would need git 2.34.
 *
 * Where a repository has a pack of the same branches and tags already, that is linked in, and only the rest is packed. Where
 * others may want such a pack, and there are other refs too, it is made apart from the rest. Answers what was done; nothing
 * where the repository was not due and there is no such pack.
 *
 * Whoever reads meanwhile notices nothing, and no ref changes its value, so what is remembered of refs stands. A repack
 * that is ended half done leaves the repository as it was, or with a pack too many. Rejects with `GitError`,
 * `TimeLimitError`, `PackGrowthError`, or the signal's reason.
 */
export async function repack(
  parts: RepackParts,
  task: Repack,
  signal: AbortSignal,
): Promise<'whole' | 'apart' | 'linked' | 'nothing'> {
  const objects = objectsOf(task.gitDir);
  const unfinished = new Set(await unfinishedIn(objects));
  const work = await parts.makeWorkFolder();
  try {
    return await repackWith(parts, task, work, signal);
  } catch (error) {
    // Git that is ended leaves the pack that it was writing.
    await removeUnfinished(objects, unfinished);
    if (!hasCruftPacks(task.version)) await pruneCopies(parts.streams, task.gitDir);
    throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function repackWith(
  parts: RepackParts,
  task: Repack,
  work: string,
  signal: AbortSignal,
): Promise<'whole' | 'apart' | 'linked' | 'nothing'> {
  const { gitDir, version, nowMs, isBeside, isDue, growth } = task;
  const refs = await readRefs(parts.git, gitDir, []);
  const tips = tipsOf(refs);
  const branches =
    tips === undefined ? undefined : await branchPackFor(parts, task, refs, tips, work, signal);
  if (!isDue && branches?.isLinked !== true) return 'nothing';
  // In seconds since 1970, by our clock and not by git's.
  const expiry = isBeside ? undefined : Math.floor((nowMs - limits.unreachableObjectsMsMax) / secondMs);
  const step = async (args: readonly string[]) => await runQuietly(parts.streams, { gitDir, args }, signal);
  const packs = join(objectsOf(gitDir), 'pack');
  // Loose refs go, which others read one by one.
  await parts.alone(() => step(['pack-refs', '--all', '--prune']));
  // Git takes what nothing refers to for as old as its pack; but refs may have led to it until now. What has been found to be
  // unreachable before has its own time. A branch pack that stays has nothing of either sort.
  const before = await packsIn(packs);
  const dated = before.filter(({ isCruft, name }) => !isCruft && name !== branches?.pack.name);
  for (const pack of dated) await datePack(pack, nowMs);
  const kept = branches === undefined ? [] : [`--keep-pack=${branches.pack.name}.pack`];
  const packing = {
    gitDir,
    args: ['repack', '-d', '-l', '-n', '--quiet', ...keepingUntil(expiry, version), ...kept],
    config: [['repack.writeBitmaps', String(branches === undefined)]],
  } as const;
  // What nothing refers to comes as files of its own.
  const loose = hasCruftPacks(version) ? undefined : await LooseGrowth.since(objectsOf(gitDir));
  const besides = loose && (() => loose.bytes());
  const bytesMade = branches?.isLinked === false ? branches.pack.bytes : 0;
  const growthOfRest = { ...growth, lackAt: (bytes: number) => growth.lackAt(bytesMade + bytes) };
  let isPacked = false;
  try {
    await runWatched(parts.streams, packing, growthOfRest, signal, besides);
    isPacked = true;
    // Now that the bitmap before is gone: git reads one of a repository.
    if (branches !== undefined) await linkBitmap(branches.pack, packs);
    const name = branches?.pack.name ?? (await soleBranchPack(parts.git, gitDir, packs, refs));
    if (tips !== undefined && name !== undefined) await markBranchPack(gitDir, { tips, name });
    // Loose objects, which a repack does not look at the age of.
    if (expiry !== undefined) await step(['prune', `--expire=${expiry}`]);
  } finally {
    // A repack that was ended before it removed any pack has removed nothing: what gives way does so mostly before.
    if (expiry !== undefined && (isPacked || (await isAnyGone(before, packs)))) parts.onRemoved();
  }
  await step(['commit-graph', 'write', '--reachable', '--no-progress']);
  if (branches === undefined) return 'whole';
  return branches.isLinked ? 'linked' : 'apart';
}

function hasCruftPacks(version: GitVersion): boolean {
  return isAtLeast(version, cruftPackVersionMin);
}

/** Removes objects in files of their own that are in packs as well, also where the repack is to give way. */
async function pruneCopies(streams: GitStreams, gitDir: string): Promise<void> {
  const { signal } = new AbortController();
  // Why the repack ended says more; the next one removes them.
  await runQuietly(streams, { gitDir, args: ['prune-packed', '--quiet'] }, signal).catch(() => {});
}

async function isAnyGone(before: readonly PackFile[], folder: string): Promise<boolean> {
  const names = new Set((await packsIn(folder)).map(({ name }) => name));
  return before.some(({ name }) => !names.has(name));
}

/** How git keeps what nothing refers to: what is younger than that time, in seconds since 1970, or all of it. */
function keepingUntil(expiry: number | undefined, version: GitVersion): string[] {
  if (hasCruftPacks(version))
    return expiry === undefined ? ['--cruft'] : ['--cruft', `--cruft-expiration=${expiry}`];
  return expiry === undefined ? ['-A'] : ['-A', `--unpack-unreachable=${expiry}`];
}

/** Brings the pack of what branches and tags lead to into a repository; its bitmap waits in the work folder. */
async function branchPackFor(
  { streams, findBranchPack }: RepackParts,
  { gitDir, isForOthers, isDue, growth }: Repack,
  refs: Refs,
  tips: string,
  work: string,
  signal: AbortSignal,
): Promise<{ readonly pack: PackFile; readonly isLinked: boolean } | undefined> {
  const packs = join(objectsOf(gitDir), 'pack');
  const bringIn = async (pack: PackFile | undefined): Promise<boolean> => {
    if (pack === undefined || !(await linkPack(pack, packs))) return false;
    await syncFolder(packs);
    return true;
  };
  const found = await findBranchPack(tips);
  // Anybody may have the same tips, packed badly: a repository is not to take more by that.
  const own = (await packsIn(packs)).filter(({ isCruft }) => !isCruft);
  const bytesMax = own.reduce((sum, { bytes }) => sum + bytes, 0);
  if (found !== undefined && found.bytes <= bytesMax && (await linkPack(found, work))) {
    await linkBitmap(found, work);
    const [pack] = await packsIn(work);
    if (pack?.hasBitmap === true && (await bringIn(pack))) return { pack, isLinked: true };
  }
  if (!isDue || !isForOthers || [...refs.keys()].every(isHeadOrTag)) return undefined;
  const pack = await packBranches(streams, gitDir, refs, work, growth, signal);
  return pack !== undefined && (await bringIn(pack)) ? { pack, isLinked: false } : undefined;
}

/** The name of the one pack with a bitmap, where it has what branches and tags lead to and nothing else. */
async function soleBranchPack(
  git: Git,
  gitDir: string,
  packs: string,
  refs: Refs,
): Promise<string | undefined> {
  if (![...refs.keys()].every(isHeadOrTag)) return undefined;
  const [pack, ...others] = (await packsIn(packs)).filter(({ hasBitmap }) => hasBitmap);
  if (others.length > 0) return undefined;
  // Nothing came in between.
  return isDeepStrictEqual(await readRefs(git, gitDir, []), refs) ? pack?.name : undefined;
}
