import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { limits } from '../../config/limits.js';
import { readableNames } from '../../lib/disk/readable-names.js';
import type { Git } from '../git-command.js';
import { objectsOf } from './object-folders.js';
import type { Quarantine } from './quarantine.js';

const inflated = promisify(inflate);

/**
 * Takes from a damaged repository what is whole into a quarantine, empty and of a repository without objects: packs that git can
 * read, and single objects that are what their names say; and of these only what those of `tips` lead to whose objects are all
 * there, so that nothing leads to what is missing. Answers the other tips.
 */
export async function salvageObjects(
  git: Git,
  fromDir: string,
  quarantine: Quarantine,
  tips: readonly string[],
): Promise<string[]> {
  const folder = quarantine.folders.write;
  await copyPacks(git, join(objectsOf(fromDir), 'pack'), quarantine.gitDir, join(folder, 'pack'));
  await copySingle(objectsOf(fromDir), folder);
  const whole = new Set(await wholeOf(git, quarantine, tips));
  if (whole.size > 0) await quarantine.keepOnly(git, [...whole], limits.restoreGitMsMax);
  return tips.filter((tip) => !whole.has(tip));
}

/** Those of which all objects are there: together, and where some lack theirs, by halves. */
async function wholeOf(
  git: Git,
  quarantine: Quarantine,
  tips: readonly string[],
): Promise<readonly string[]> {
  if (tips.length === 0 || (await quarantine.isConnected(git, tips, limits.restoreGitMsMax))) return tips;
  if (tips.length === 1) return [];
  const half = Math.ceil(tips.length / 2);
  const first = await wholeOf(git, quarantine, tips.slice(0, half));
  return [...first, ...(await wholeOf(git, quarantine, tips.slice(half)))];
}

/** Copies the packs that git can read; it makes their indexes anew. */
async function copyPacks(git: Git, from: string, gitDir: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of (await readableNames(from)).filter((file) => file.endsWith('.pack'))) {
    const path = join(to, name);
    try {
      await copyFile(join(from, name), path);
      await git.run({ gitDir, args: ['index-pack', path], msMax: limits.restoreGitMsMax });
    } catch {
      for (const suffix of ['.pack', '.idx', '.rev'])
        await rm(path.replace(/\.pack$/, suffix), { recursive: true, force: true });
    }
  }
}

/** Copies the objects that stand in files of their own and are what they are named after. */
async function copySingle(from: string, to: string): Promise<void> {
  for (const folder of (await readableNames(from)).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
    for (const name of await readableNames(join(from, folder))) {
      const path = join(to, folder, name);
      if (!(await isObject(join(from, folder, name), `${folder}${name}`))) continue;
      await mkdir(dirname(path), { recursive: true });
      await copyFile(join(from, folder, name), path);
    }
  }
}

async function isObject(path: string, id: string): Promise<boolean> {
  try {
    const content = await inflated(await readFile(path), { maxOutputLength: limits.gitOutputBytesMax });
    const algorithm = id.length === 40 ? 'sha1' : 'sha256';
    return createHash(algorithm).update(content).digest('hex') === id;
  } catch {
    return false;
  }
}
