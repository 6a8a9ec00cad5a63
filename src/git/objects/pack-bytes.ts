import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of the packs in a folder of objects. */
export async function packBytes(objects: string): Promise<number> {
  const folder = join(objects, 'pack');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.pack'));
  // A repack may remove some of them meanwhile.
  const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => ({ size: 0 }))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
