import { stat } from 'node:fs/promises';
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
