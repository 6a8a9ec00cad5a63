import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What folders take on the disk, in bytes: a file with several names counted once, and once for each name. */
export type DiskBytes = { readonly once: number; readonly eachName: number };

const blockBytes = 512;

export async function diskBytesOf(folders: readonly string[]): Promise<DiskBytes> {
  const seen = new Set<string>();
  let [once, eachName] = [0, 0];
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const { dev, ino, blocks } = await lstat(join(entry.parentPath, entry.name));
      const bytes = blocks * blockBytes;
      eachName += bytes;
      if (!seen.has(`${dev}:${ino}`)) once += bytes;
      seen.add(`${dev}:${ino}`);
    }
  }
  return { once, eachName };
}
