import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../config/limits.js';
import { isAbsence } from '../git/files.js';
import { fileKey } from '../git/objects/pack-files.js';
import { branchPackMark, readBranchPack } from './branch-pack.js';
import type { HeldBranchPack } from './branch-packs.js';
import type { CountedFile } from './shared-files.js';

/** In a repository: when it was last repacked, in milliseconds since 1970. */
const careMark = 'graspd-cared';
/** What a repack writes says nothing of when the repository was changed. */
const marks: ReadonlySet<string> = new Set([careMark, branchPackMark]);

/** What a repository looks like on disk. */
export type RepositorySurvey = {
  /** What all its files and folders take on the disk. */
  readonly bytes: number;
  /** Packs that have what refs lead to, as far as one can tell from outside. */
  readonly packs: number;
  /** Bytes of the packs with a bitmap, and of those without that came since the last repack: it leaves what no bitmap can cover. */
  readonly coveredBytes: number;
  readonly uncoveredBytes: number;
  readonly looseObjects: number;
  /** Refs in files of their own, and the folders that they lie in, of which a deep name has many. */
  readonly looseRefs: number;
  /** Whether the last repack found objects that nothing refers to, and kept them. */
  readonly hasUnreachable: boolean;
  /** When something in it was changed last, in milliseconds since 1970. */
  readonly changedAtMs: number;
  /** When it was last repacked; `undefined` when it never was. */
  readonly caredAtMs: number | undefined;
  /** When it was made, about. */
  readonly madeAtMs: number;
  /** Temporary files and locks below `objects` that a process left behind when it was killed. */
  readonly leftovers: readonly string[];
  /** Files of packs that it may have in common with other repositories. */
  readonly packFiles: readonly CountedFile[];
  /** Its branch pack, if it is worth sharing. */
  readonly branchPack: HeldBranchPack | undefined;
};

type FoundFile = {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly changedAtMs: number;
};

/** Walks over the files of a repository, one at a time. What disappears meanwhile is left out. */
export async function surveyRepository(
  gitDir: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<RepositorySurvey> {
  const packFiles = new Map<string, FoundFile>();
  const leftovers: string[] = [];
  const largeFiles: CountedFile[] = [];
  let bytes = bytesOnDisk(await lstat(gitDir).catch(absent));
  let [looseObjects, looseRefs, changedAtMs, madeAtMs] = [0, 0, 0, nowMs];
  for await (const { path, parts, entry } of walk(gitDir, [])) {
    signal.throwIfAborted();
    const found = await lstat(path).catch(absent);
    bytes += bytesOnDisk(found);
    if (found === undefined || marks.has(entry.name)) continue;
    changedAtMs = Math.max(changedAtMs, found.mtimeMs);
    const isOld = nowMs - found.mtimeMs >= limits.leftoverAgeMsMax;
    const [top, folder = ''] = parts;
    if (top === 'objects' && isOld && isTemporary(entry)) leftovers.push(path);
    // `heads`, `tags` and their like are always there.
    if (top === 'refs' && (entry.isFile() || parts.length > 1)) looseRefs += 1;
    if (!entry.isFile()) continue;
    if (parts.length === 0 && entry.name === 'config') madeAtMs = found.mtimeMs;
    if (top !== 'objects' || isTemporary(entry)) continue;
    if (folder === 'pack') {
      const { size, mtimeMs } = found;
      const file = fileKey(found);
      packFiles.set(entry.name, { name: entry.name, file, bytes: size, changedAtMs: mtimeMs });
      if (size >= limits.sharedPackBytesMin) largeFiles.push({ file, bytes: bytesOnDisk(found) });
    } else if (/^[0-9a-f]{2}$/.test(folder)) looseObjects += 1;
  }
  const caredAtMs = await readCareMark(gitDir);
  return {
    bytes,
    looseObjects,
    looseRefs,
    changedAtMs,
    caredAtMs,
    madeAtMs,
    leftovers,
    packFiles: largeFiles,
    branchPack: await branchPackOf(gitDir, packFiles),
    ...packsOf(packFiles, looseObjects, caredAtMs ?? 0),
  };
}

/** Remembers in the repository that it was repacked; what is changed from now on counts as changed since. */
export async function writeCareMark(gitDir: string, nowMs: number): Promise<void> {
  await writeFile(join(gitDir, careMark), String(nowMs));
}

/** Removes what was left behind. */
export async function removeLeftovers({ leftovers }: RepositorySurvey): Promise<void> {
  for (const path of leftovers) await rm(path, { recursive: true, force: true });
}

const blockBytes = 512;

function bytesOnDisk(found: Pick<Stats, 'blocks'> | undefined): number {
  return (found?.blocks ?? 0) * blockBytes;
}

/** The packs by what is beside them: `.bitmap`; `.mtimes` of those with what nothing refers to (cruft packs). */
function packsOf(files: ReadonlyMap<string, FoundFile>, looseObjects: number, caredAtMs: number) {
  let [packs, coveredBytes, uncoveredBytes] = [0, 0, 0];
  let hasUnreachable = looseObjects > 0;
  for (const { name, bytes, changedAtMs } of files.values()) {
    if (!name.endsWith('.pack')) continue;
    const stem = name.slice(0, -'.pack'.length);
    if (files.has(`${stem}.mtimes`)) {
      hasUnreachable = true;
      continue;
    }
    packs += 1;
    if (files.has(`${stem}.bitmap`)) coveredBytes += bytes;
    else if (changedAtMs > caredAtMs) uncoveredBytes += bytes;
  }
  return { packs, coveredBytes, uncoveredBytes, hasUnreachable };
}

/** The branch pack that a repack left, as long as it is there, with its bitmap. */
async function branchPackOf(
  gitDir: string,
  files: ReadonlyMap<string, FoundFile>,
): Promise<HeldBranchPack | undefined> {
  const marked = await readBranchPack(gitDir);
  if (marked === undefined || !files.has(`${marked.name}.bitmap`)) return undefined;
  const pack = files.get(`${marked.name}.pack`);
  if (pack === undefined || pack.bytes < limits.sharedPackBytesMin) return undefined;
  return { ...marked, file: pack.file, bytes: pack.bytes };
}

/** As git names what it has not finished: packs, loose objects, folders of what is being pushed, locks. */
function isTemporary({ name }: Dirent): boolean {
  return name.startsWith('tmp_') || name.startsWith('.tmp-') || name.endsWith('.lock');
}

type Found = { readonly path: string; readonly parts: readonly string[]; readonly entry: Dirent };

/** All files and folders below a folder; `parts` are the folders between the two. */
async function* walk(folder: string, parts: readonly string[]): AsyncGenerator<Found> {
  for (const entry of (await readdir(folder, { withFileTypes: true }).catch(absent)) ?? []) {
    const path = join(folder, entry.name);
    yield { path, parts, entry };
    if (entry.isDirectory()) yield* walk(path, [...parts, entry.name]);
  }
}

async function readCareMark(gitDir: string): Promise<number | undefined> {
  const text = await readFile(join(gitDir, careMark), 'utf8').catch(absent);
  const ms = Number(text);
  return ms > 0 ? ms : undefined;
}

function absent(error: unknown): undefined {
  if (isAbsence(error)) return undefined;
  throw error;
}
