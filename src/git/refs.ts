import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../config/limits.js';
import { isAbsence, isThere } from './files.js';
import type { Git } from './git-command.js';
import type { ObjectFolders } from './objects/object-folders.js';
import type { RefChange, Refs } from './ref-plan.js';

/** The refs below the prefixes, or with exactly these names. */
export async function readRefs(git: Git, gitDir: string, patterns: readonly string[]): Promise<Refs> {
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', '--', ...patterns];
  const refs = new Map<string, string>();
  for (const line of lines(await git.run({ gitDir, args }))) {
    const space = line.indexOf(' ');
    refs.set(line.slice(space + 1), line.slice(0, space));
  }
  return refs;
}

/** The types of those objects that are in the repository, by object id. */
export async function readObjectTypes(
  git: Git,
  gitDir: string,
  objectIds: readonly string[],
  objects?: ObjectFolders,
): Promise<ReadonlyMap<string, string>> {
  const types = new Map<string, string>();
  if (objectIds.length === 0) return types;
  const output = await git.run({
    gitDir,
    args: ['cat-file', '--buffer', '--batch-check=%(objectname) %(objecttype)'],
    input: `${objectIds.join('\n')}\n`,
    ...(objects === undefined ? {} : { objects }),
  });
  for (const line of lines(output)) {
    const [objectId = '', type = ''] = line.split(' ');
    if (type !== 'missing') types.set(objectId, type);
  }
  return types;
}

/**
 * Moves refs in one transaction: all of them or, when any is not what it was, none. Many are packed into one file then,
 * where they take less of the disk by far and are read at once.
 */
export async function moveRefs(git: Git, gitDir: string, changes: readonly RefChange[]): Promise<void> {
  const input = ['start', ...changes.map(instruction), 'prepare', 'commit', ''].join('\0');
  const args = ['update-ref', '--no-deref', '--stdin', '-z'];
  if (changes.length <= limits.gitRefsUnpackedMax) {
    await git.run({ gitDir, args, input });
    return;
  }
  const msMax = limits.gitManyRefsMsMax;
  await git.run({ gitDir, args, input, msMax });
  // They have moved, whatever becomes of this; the care of the repository packs them otherwise.
  await git.run({ gitDir, args: ['pack-refs', '--all'], msMax }).catch(() => {});
}

function instruction(change: RefChange): string {
  switch (change.type) {
    case 'create':
      return `create ${change.name}\0${change.to}`;
    case 'update':
      return `update ${change.name}\0${change.to}\0${change.from}`;
    case 'delete':
      return `delete ${change.name}\0${change.from}`;
  }
}

/** Whether the repository holds no object at all: then it has no refs either, and none can be set. */
export async function isEmpty(gitDir: string): Promise<boolean> {
  const objects = join(gitDir, 'objects');
  const names = await readdir(objects);
  if (names.some((name) => name !== 'info' && name !== 'pack')) return false;
  const packs = await readdir(join(objects, 'pack')).catch(() => []);
  if (packs.length > 0) return false;
  return !(await isThere(join(objects, 'info', 'alternates')));
}

/** Whether the repository has no refs, as far as its files tell; `false` where that is not sure. */
export async function isWithoutRefs(gitDir: string): Promise<boolean> {
  if (await isThere(join(gitDir, 'packed-refs'))) return false;
  const refs = join(gitDir, 'refs');
  const folders = await readdir(refs);
  const contents = await Promise.all(folders.map((name) => readdir(join(refs, name)).catch(() => [name])));
  return contents.every((names) => names.length === 0);
}

/** The ref that `HEAD` stands for; `undefined` when it stands for none. */
export async function readHead(gitDir: string): Promise<string | undefined> {
  try {
    return /^ref: (.+)\n?$/.exec(await readFile(join(gitDir, 'HEAD'), 'utf8'))?.[1];
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Lets `HEAD` stand for a ref; git is not asked where it does. */
export async function setHead(git: Git, gitDir: string, name: string): Promise<void> {
  if ((await readHead(gitDir)) === name) return;
  await git.run({ gitDir, args: ['symbolic-ref', 'HEAD', name] });
}

function lines(output: string): string[] {
  return output.split('\n').filter((line) => line !== '');
}
