import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../config/limits.js';

/**
 * Removes the lock files that a git process left behind when it was killed or the machine stopped: those that are
 * older than any git process lives. Without this a repository would refuse every later change. Answers how many.
 */
export async function removeStaleLocks(gitDir: string, nowMs: number): Promise<number> {
  const atTop = (await readdir(gitDir)).filter((name) => name.endsWith('.lock'));
  const inRefs = (await readdir(join(gitDir, 'refs'), { recursive: true }).catch(() => []))
    .filter((name) => name.endsWith('.lock'))
    .map((name) => join('refs', name));
  let removed = 0;
  for (const name of [...atTop, ...inRefs]) {
    const path = join(gitDir, name);
    const made = await stat(path).catch(() => undefined);
    if (made === undefined || !made.isFile() || nowMs - made.mtimeMs < limits.gitLockAgeMsMax) continue;
    await rm(path, { force: true });
    removed += 1;
  }
  return removed;
}
