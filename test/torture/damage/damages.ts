import { mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { type Random, randomInteger } from '../../../src/lib/random.js';

/** What can happen to a file; each is done to a file that is there. */
export const damages: Readonly<Record<string, (path: string, random: Random) => Promise<void>>> = {
  emptied: (path) => truncate(path),
  'cut in half': async (path) => truncate(path, (await readFile(path)).length >>> 1),
  'without its last byte': async (path) => truncate(path, Math.max(0, (await readFile(path)).length - 1)),
  'with a bit flipped': flipBit,
  'with another bit flipped': flipBit,
  removed: (path) => rm(path),
  'full of noise': async (path, random) => {
    const bytes = Buffer.from(await readFile(path)).map(() => randomInteger(random, 256));
    await writeFile(path, bytes);
  },
  'replaced by a folder': async (path) => {
    await rm(path);
    await mkdir(path);
  },
  // Not even the superuser can read what leads to itself.
  unreadable: async (path) => {
    await rm(path);
    await symlink(path, path);
  },
};

async function flipBit(path: string, random: Random): Promise<void> {
  const bytes = await readFile(path);
  if (bytes.length === 0) return;
  const at = randomInteger(random, bytes.length);
  bytes[at] = bytes[at]! ^ (1 << randomInteger(random, 8));
  await writeFile(path, bytes);
}
