import { readdir } from 'node:fs/promises';

/** The names in a folder, for those who save what can be read; none where it is not there or cannot be read. */
export async function readableNames(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
