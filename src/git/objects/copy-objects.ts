import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import { linesInTurns } from '../../lib/turns/lines-in-turns.js';
import { isAbsence } from '../files.js';
import type { Git } from '../git-command.js';
import { readObjectTypes } from '../refs.js';
import { knownTips } from './known-tips.js';
import { objectsOf } from './object-folders.js';
import { linkBitmap, linkPack, type PackFile, packsIn } from './pack-files.js';
import { type PackGrowth, watchGrowth } from './pack-growth.js';
import { countObjects, objectIdsOf } from './pack-names.js';
import type { Quarantine } from './quarantine.js';

/** What one repository is to have from another. */
export type ObjectsWanted = {
  readonly fromDir: string;
  readonly objectIds: readonly string[];
  /** Most time of all steps. */
  readonly msMax: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** How large a pack of the rest may become. */
  readonly growth?: PackGrowth;
};

/**
 * Brings into the quarantine, whose source `fromDir` is, what these objects lead to and its repository lacks. Packs of which
 * the repository is to have every object come by a second name of the same files (hard links); they are answered. The rest
 * comes in a pack of its own; rejects with `PackGrowthError` where that becomes larger than it may. So nothing comes along that is not wanted: git serves any object to who knows its id.
 *
 * A second name, and not `objects/info/alternates`: each repository has all of its objects itself, whatever becomes of
 * others, and nobody has to know who borrows.
 */
export async function copyObjects(
  git: Git,
  quarantine: Quarantine,
  { fromDir, objectIds, msMax, clock, growth }: ObjectsWanted,
): Promise<readonly PackFile[]> {
  const { gitDir, folders } = quarantine;
  const untilMs = clock.monotonic() + msMax;
  const to = join(folders.write, 'pack');
  await mkdir(to, { recursive: true });
  const known = await knownTips(git, gitDir);
  const input = `${[...objectIds, ...known.lines].join('\n')}\n`;
  const run = async (args: readonly string[], signal?: AbortSignal): Promise<string> => {
    const msLeft = Math.max(1, untilMs - clock.monotonic());
    return await git.run({ gitDir, args, input, objects: folders, msMax: msLeft }, signal);
  };
  const packRest = async (linked: readonly PackFile[]): Promise<void> => {
    const kept = linked.map(({ name }) => `--keep-pack=${name}.pack`);
    const args = ['pack-objects', '--quiet', '--non-empty', '--revs', ...kept, join(to, 'pack')];
    if (growth === undefined) await run(args);
    else await watchGrowth(growth, folders.write, (signal) => run(args, signal));
  };
  const there = await packsIn(join(objectsOf(gitDir), 'pack'));
  const candidates = await candidatesOf(fromDir, there);
  if (candidates.length === 0) {
    await packRest([]);
    return [];
  }
  const listing = ['rev-list', '--objects', '--no-object-names', '--stdin'];
  const wanted = await setOf(await run(listing));
  const linked: PackFile[] = [];
  const covered = new Set<string>();
  let hasBitmap = there.some((pack) => pack.hasBitmap);
  for (const candidate of candidates) {
    // A repack of the source may take it away meanwhile.
    const isWhole = await isWantedWhole(git, gitDir, candidate, wanted).catch(absent);
    if (isWhole !== true || !(await linkPack(candidate, to, true))) continue;
    // Git reads one bitmap of a repository.
    if (candidate.hasBitmap && !hasBitmap) {
      await linkBitmap(candidate, to);
      hasBitmap = true;
    }
    linked.push(candidate);
    for await (const ids of idsOf({ ...candidate, folder: to }))
      for (const id of ids) if (wanted.has(id)) covered.add(id);
  }
  if (covered.size < wanted.size) await packRest(linked);
  return linked;
}

type Candidate = PackFile & { readonly objects: number };

/** Packs that may be worth a link; none where there are too many objects for comparing each. */
async function candidatesOf(fromDir: string, there: readonly PackFile[]): Promise<Candidate[]> {
  const namesThere = new Set(there.map(({ name }) => name));
  const isCandidate = ({ name, bytes, isPlain }: PackFile) =>
    isPlain && bytes >= limits.sharedPackBytesMin && !namesThere.has(name);
  const packs = await packsIn(join(objectsOf(fromDir), 'pack'));
  if (!packs.some(isCandidate)) return [];
  const counted: Candidate[] = [];
  let all = 0;
  for (const pack of packs) {
    const objects = await countObjects(indexOf(pack)).catch(() => undefined);
    if (objects === undefined) continue;
    all += objects;
    counted.push({ ...pack, objects });
  }
  return all > limits.sharedObjectsMax ? [] : counted.filter(isCandidate);
}

/**
 * Whether every object of a pack is wanted, or in the repository already. Not where that holds for less than half of them
 * by being wanted: such a pack brings less than it repeats.
 */
async function isWantedWhole(
  git: Git,
  gitDir: string,
  candidate: Candidate,
  wanted: ReadonlySet<string>,
): Promise<boolean> {
  const unwantedMax = candidate.objects / 2;
  if (candidate.objects - wanted.size > unwantedMax) return false;
  const unwanted: string[] = [];
  for await (const ids of idsOf(candidate)) {
    for (const id of ids) if (!wanted.has(id)) unwanted.push(id);
    if (unwanted.length > unwantedMax) return false;
  }
  for (let at = 0; at < unwanted.length; at += idsPerQuestion) {
    const some = unwanted.slice(at, at + idsPerQuestion);
    if ((await readObjectTypes(git, gitDir, some)).size < some.length) return false;
  }
  return true;
}

/** The lines of a text, read in turns. */
async function setOf(text: string): Promise<Set<string>> {
  const lines = new Set<string>();
  for await (const some of linesInTurns(text)) for (const line of some) lines.add(line);
  return lines;
}

function idsOf(candidate: Candidate): AsyncGenerator<string[]> {
  return objectIdsOf(indexOf(candidate), candidate.objects);
}

function indexOf({ folder, name }: PackFile): string {
  return join(folder, `${name}.idx`);
}

function absent(error: unknown): undefined {
  if (isAbsence(error)) return undefined;
  throw error;
}

/** Object ids that git is asked about at once. */
const idsPerQuestion = 10_000;
