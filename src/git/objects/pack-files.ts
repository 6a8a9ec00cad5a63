import { link, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
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
  /** Whether it is neither of what nothing refers to (a cruft pack), nor of a partial clone. */
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
    const isPlain = !names.has(`${name}.mtimes`) && !names.has(`${name}.promisor`);
    packs.push({ folder, name, bytes: found.size, file: fileKey(found), hasBitmap, isPlain });
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
 * another owner, above a number of names, nor when the pack goes meanwhile. The pack counts as new then, like one that is
 * written: what nothing refers to yet is kept for its time.
 */
export async function linkPack({ folder, name }: PackFile, to: string): Promise<boolean> {
  const made: string[] = [];
  const linkOne = async (suffix: string) => {
    const path = join(to, `${name}${suffix}`);
    if (await linkFile(join(folder, `${name}${suffix}`), path)) made.push(path);
  };
  try {
    await linkOne('.pack');
    const { mtime } = await stat(to);
    await utimes(join(to, `${name}.pack`), mtime, mtime);
    await linkOne('.rev').catch(absent);
    await linkOne('.idx');
    return true;
  } catch {
    for (const path of made) await rm(path, { force: true });
    return false;
  }
}

/** Gives the bitmap of a pack that was linked a second name as well, if it has one and that is possible. */
export async function linkBitmap({ folder, name }: PackFile, to: string): Promise<void> {
  await linkFile(join(folder, `${name}.bitmap`), join(to, `${name}.bitmap`)).catch(() => {});
}

/** Whether the second name is new: what has it already is the same. */
async function linkFile(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function absent(error: unknown): string[] {
  if (isAbsence(error)) return [];
  throw error;
}
