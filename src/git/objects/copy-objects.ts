import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git-command.js';
import { objectsOf } from './object-folders.js';

/**
 * Copies these objects, and all that they lead to, from one repository on this disk to another; both names are ours.
 * Nothing is copied that the other has. Gives the bytes by which the other grew.
 */
export async function copyObjects(
  git: Git,
  fromDir: string,
  toDir: string,
  objectIds: readonly string[],
  msMax: number,
): Promise<number> {
  if (objectIds.length === 0) return 0;
  const bytesBefore = await packBytes(objectsOf(toDir));
  await git.run({
    gitDir: toDir,
    args: [
      ...['-c', 'protocol.allow=never', '-c', 'protocol.file.allow=always', '-c', 'fetch.unpackLimit=1'],
      ...['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-gc', '--stdin', fromDir],
    ],
    input: `${objectIds.join('\n')}\n`,
    msMax,
  });
  return Math.max(0, (await packBytes(objectsOf(toDir))) - bytesBefore);
}

/** Bytes of the packs in a folder of objects. */
export async function packBytes(objects: string): Promise<number> {
  const folder = join(objects, 'pack');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.pack'));
  // A repack may remove some of them meanwhile.
  const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => ({ size: 0 }))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
