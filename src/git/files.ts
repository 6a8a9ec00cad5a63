import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { limits } from '../config/limits.js';
import { errorCode } from '../lib/errors.js';

/** Whether a file or folder is there; rejects when that cannot be told. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

/** Whether the error says that a file or folder is not there. */
export function isAbsence(error: unknown): boolean {
  return errorCode(error) === 'ENOENT';
}

/** Renames a folder to a place that may not be there yet; answers `false` when somebody else was first. */
export async function moveInto(aside: string, path: string): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await mkdir(dirname(path), { recursive: true });
      await rename(aside, path);
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      // The parent may be deleted between the two steps.
      if (!isAbsence(error) || attempt >= limits.gitMoveAttemptsMax) throw error;
    }
  }
}
