import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { limits } from '../../config/limits.js';
import { isObjectId } from '../object-id.js';

/**
 * Removes what a git process left behind when it was killed or the machine stopped, and for which a repository would refuse
 * every later change: lock files that are older than any git process lives, or than the machine runs, and refs that a power
 * failure left empty or torn. Answers how many.
 */
export async function removeBlockers(
  gitDir: string,
  nowMs: number,
  machineStartedMs = nowMs - uptime() * 1_000,
): Promise<number> {
  const newestMs = Math.max(nowMs - limits.gitLockAgeMsMax, machineStartedMs);
  const atTop = (await readdir(gitDir)).filter(isLock);
  const inRefs = await filesBelow(gitDir, 'refs');
  let removed = 0;
  for (const name of [...atTop, ...inRefs]) {
    const path = join(gitDir, name);
    if (!(isLock(name) ? await isOldFile(path, newestMs) : await isBroken(path))) continue;
    await rm(path, { force: true });
    removed += 1;
  }
  return removed;
}

function isLock(name: string): boolean {
  return name.endsWith('.lock');
}

async function isOldFile(path: string, newestMs: number): Promise<boolean> {
  const made = await stat(path).catch(() => undefined);
  return made?.isFile() === true && made.mtimeMs <= newestMs;
}

/** Whether the file of a ref says nothing. Git writes a ref to another file first, so it is no ref that is being written. */
async function isBroken(path: string): Promise<boolean> {
  const text = await readFile(path, 'latin1').catch(() => undefined);
  return text !== undefined && !isObjectId(text.trimEnd()) && !text.startsWith('ref: ');
}

async function filesBelow(gitDir: string, folder: string): Promise<string[]> {
  const options = { recursive: true, withFileTypes: true } as const;
  const entries = await readdir(join(gitDir, folder), options).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath.slice(gitDir.length + 1), name));
}
