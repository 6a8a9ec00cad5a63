import { link, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../../lib/errors.js';
import { isAbsence } from '../files.js';

/** A pack in the folder of packs of a repository. */
export type PackFile = {
  /** The folder that it is in. */
  readonly folder: string;
  /** `pack-<hash of what it has>`: packs of one name are the same, wherever they are. */
  readonly name: string;
  /** Of its `.pack`. */
  readonly bytes: number;
  /** Which file on the disk its `.pack` is: two packs with the same are one file with two names. */
  readonly file: string;
  readonly hasBitmap: boolean;
  /** Whether it is of what nothing refers to, each with its own time. */
  readonly isCruft: boolean;
  /** Whether it is neither that, nor of a partial clone. */
  readonly isPlain: boolean;
};

/** The packs in a folder that have their index. */
export async function packsIn(folder: string): Promise<PackFile[]> {
  const names = new Set(await readdir(folder).catch(absent));
  const packs: PackFile[] = [];
  for (const fileName of names) {
    if (!fileName.endsWith('.idx')) continue;
    const name = fileName.slice(0, -'.idx'.length);
    // A repack may remove it meanwhile.
    const found = await stat(join(folder, `${name}.pack`)).catch(() => undefined);
    if (found === undefined) continue;
    const hasBitmap = names.has(`${name}.bitmap`);
    const isCruft = names.has(`${name}.mtimes`);
    const isPlain = !isCruft && !names.has(`${name}.promisor`);
    packs.push({ folder, name, bytes: found.size, file: fileKey(found), hasBitmap, isCruft, isPlain });
  }
  return packs;
}

/** Which file on the disk that is. The number of one that is gone is used again, hardly with the same size. */
export function fileKey(found: {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
}): string {
  return `${found.dev}:${found.ino}:${found.size}`;
}

/**
 * Gives the files of a pack, which are never changed, a second name in another folder; the index last, for git looks for
 * that. Answers whether that was possible: it is not between file systems, on those without hard links, with files of
 * another owner, above a number of names, nor when the pack goes meanwhile. `isNew`: it counts as new then, like one that is
 * written, so that what nothing refers to yet is kept for its time.
 */
export async function linkPack({ folder, name }: PackFile, to: string, isNew = false): Promise<boolean> {
  const made: string[] = [];
  const linkOne = async (suffix: string) => {
    const path = join(to, `${name}${suffix}`);
    if (await linkFile(join(folder, `${name}${suffix}`), path)) made.push(path);
  };
  try {
    await linkOne('.pack');
    if (isNew) {
      const { mtime } = await stat(to);
      await utimes(join(to, `${name}.pack`), mtime, mtime);
    }
    await linkOne('.rev').catch(absent);
    await linkOne('.idx');
    return true;
  } catch {
    for (const path of made) await rm(path, { force: true });
    return false;
  }
}

/** Has a pack count as written at a time, in milliseconds since 1970, wherever it has a name; not where it is somebody else's. */
export async function datePack({ folder, name }: PackFile, nowMs: number): Promise<void> {
  const date = new Date(nowMs);
  await utimes(join(folder, `${name}.pack`), date, date).catch(() => {});
}

/** Gives the bitmap of a pack that was linked a second name as well, if it has one and that is possible. */
export async function linkBitmap({ folder, name }: PackFile, to: string): Promise<void> {
  await linkFile(join(folder, `${name}.bitmap`), join(to, `${name}.bitmap`)).catch(() => {});
}

/** Whether the second name is new. A copy that has the name already gives way, where it is the same to the last byte. */
async function linkFile(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  const [ours, theirs] = await Promise.all([identify(from), identify(to)]);
  if (ours.ino === theirs.ino || ours.size !== theirs.size || ours.checksum !== theirs.checksum) return false;
  // As git names what it has not finished, so that it goes when it is left behind.
  const aside = join(dirname(to), `tmp_link_${basename(to)}`);
  await rm(aside, { force: true });
  await link(from, aside);
  await rename(aside, to);
  return false;
}

/** What tells a file apart: those of packs end with a checksum of all that is before it. */
async function identify(path: string) {
  const file = await open(path);
  try {
    const { ino, size } = await file.stat();
    const checksum = Buffer.alloc(checksumBytes);
    await file.read(checksum, 0, checksumBytes, Math.max(0, size - checksumBytes));
    return { ino, size, checksum: checksum.toString('hex') };
  } finally {
    await file.close();
  }
}

const checksumBytes = 20;

function absent(error: unknown): string[] {
  if (isAbsence(error)) return [];
  throw error;
}
