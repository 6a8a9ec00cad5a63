import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { limits } from '../config/limits.js';
import { syncFolder } from '../lib/disk/sync-folder.js';
import { linesInTurns } from '../lib/turns/lines-in-turns.js';
import { isAbsence, isThere } from './files.js';
import type { Git } from './git-command.js';
import { isObjectId } from './object-id.js';
import type { ObjectFolders } from './objects/object-folders.js';
import { refNameParts } from './ref-name.js';
import type { RefChange, Refs } from './ref-plan.js';

/** The refs below the prefixes, or with exactly these names. */
export async function readRefs(git: Git, gitDir: string, patterns: readonly string[]): Promise<Refs> {
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', '--', ...patterns];
  const refs = new Map<string, string>();
  for await (const some of linesInTurns(await git.run({ gitDir, args }))) {
    for (const line of some) {
      const space = line.indexOf(' ');
      refs.set(line.slice(space + 1), line.slice(0, space));
    }
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
  for await (const some of linesInTurns(output)) {
    for (const line of some) {
      const [objectId = '', type = ''] = line.split(' ');
      if (type !== 'missing') types.set(objectId, type);
    }
  }
  return types;
}

/**
 * Moves refs in one transaction: all of them or, when any is not what it was, none. Many are packed into one file then,
 * where they take less of the disk by far and are read at once. It is on the disk when this resolves.
 */
export async function moveRefs(git: Git, gitDir: string, changes: readonly RefChange[]): Promise<void> {
  const input = ['start', ...changes.map(instruction), 'prepare', 'commit', ''].join('\0');
  const args = ['update-ref', '--no-deref', '--stdin', '-z'];
  if (mostNewFiles(changes) <= limits.gitRefsUnpackedMax) {
    await git.run({ gitDir, args, input });
  } else {
    const many = { gitDir, msMax: limits.gitManyRefsMsMax, party: manyRefsParty };
    await git.run({ ...many, args, input });
    // They have moved, whatever becomes of this; the care of the repository packs them otherwise.
    await git.run({ ...many, args: ['pack-refs', '--all'] }).catch(() => {});
  }
  await syncRefNames(gitDir, changes);
}

/** All moves of many refs together are one party where long commands share places: what is pushed is looked through beside them. */
const manyRefsParty = 'many refs';

/** Git forces what is in the files of refs, and not by which names they are found. */
async function syncRefNames(gitDir: string, changes: readonly RefChange[]): Promise<void> {
  // What is packed is in a file at the top.
  const folders = new Set([gitDir, ...changes.map(({ name }) => dirname(join(gitDir, name)))]);
  for (const folder of folders) {
    // Git removes a folder with its last ref, and what is packed has none.
    for (let at = folder; at.length >= gitDir.length; at = dirname(at)) {
      if (await isSynced(at)) break;
    }
  }
}

/** Forces the names in a folder: false where there is none. */
async function isSynced(folder: string): Promise<boolean> {
  try {
    await syncFolder(folder);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

/** How many files and folders these may add at most. */
function mostNewFiles(changes: readonly RefChange[]): number {
  // `refs` and `heads` are there.
  return changes.reduce((sum, { name }) => sum + refNameParts(name) - 2, 0);
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

/** All refs, from their files where that is possible. */
export async function readAllRefs(git: Git, gitDir: string): Promise<Refs> {
  return (await readRefFiles(gitDir)) ?? (await readRefs(git, gitDir, []));
}

/** Whether there is any ref. */
export async function hasRefs(git: Git, gitDir: string): Promise<boolean> {
  return (await git.run({ gitDir, args: ['for-each-ref', '--count=1'] })) !== '';
}

/**
 * All refs of a repository as its files have them (gitrepository-layout), without a process of git: after a start all
 * repositories are looked at, of which most are as they are to be. `undefined` where git has to be asked: there are very many
 * loose refs, symbolic ones, or refs are kept in another way.
 */
export async function readRefFiles(gitDir: string): Promise<Refs | undefined> {
  if (await isThere(join(gitDir, 'reftable'))) return undefined;
  const loose = await readLoose(gitDir);
  if (loose === undefined) return undefined;
  const refs = await readPacked(gitDir);
  if (refs === undefined) return undefined;
  for (const [name, objectId] of loose) refs.set(name, objectId);
  return refs;
}

/** The names of the refs in one folder, as `refs/nostr`, without a process of git; `undefined` where git has to be asked. */
export async function readRefNames(gitDir: string, folder: string): Promise<Set<string> | undefined> {
  if (await isThere(join(gitDir, 'reftable'))) return undefined;
  const loose = await readdir(join(gitDir, folder)).catch((error: unknown) => {
    if (isAbsence(error)) return [];
    throw error;
  });
  const packed = await readPacked(gitDir);
  if (packed === undefined) return undefined;
  const names = new Set(loose.filter((name) => !name.endsWith('.lock')).map((name) => `${folder}/${name}`));
  for (const name of packed.keys()) if (name.startsWith(`${folder}/`)) names.add(name);
  return names;
}

async function readLoose(gitDir: string): Promise<Map<string, string> | undefined> {
  const refs = new Map<string, string>();
  const entries = await readdir(join(gitDir, 'refs'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory() && !entry.name.endsWith('.lock'));
  if (files.length > limits.looseRefsReadMax) return undefined;
  for (const { name, parentPath } of files) {
    const path = join(parentPath, name);
    const objectId = (await readFile(path, 'utf8')).trimEnd();
    if (!isObjectId(objectId)) return undefined;
    refs.set(relative(gitDir, path), objectId);
  }
  return refs;
}

async function readPacked(gitDir: string): Promise<Map<string, string> | undefined> {
  const refs = new Map<string, string>();
  const text = await readFile(join(gitDir, 'packed-refs'), 'utf8').catch((error: unknown) => {
    if (isAbsence(error)) return '';
    throw error;
  });
  for await (const some of linesInTurns(text)) {
    for (const line of some) {
      // A comment, or what the tag of the line before stands for.
      if (line.startsWith('#') || line.startsWith('^')) continue;
      const space = line.indexOf(' ');
      const objectId = line.slice(0, Math.max(0, space));
      if (!isObjectId(objectId)) return undefined;
      refs.set(line.slice(space + 1), objectId);
    }
  }
  return refs;
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

/**
 * Lets `HEAD` stand for a ref, whose name was checked. Written as git does it, under its lock, but forced to the disk before
 * it has its name: without a `HEAD` that can be read git takes the repository for none.
 */
export async function setHead(gitDir: string, name: string): Promise<void> {
  if ((await readHead(gitDir)) === name) return;
  const path = join(gitDir, 'HEAD');
  const lock = await open(`${path}.lock`, 'wx');
  try {
    await lock.writeFile(`ref: ${name}\n`);
    await lock.sync();
    await rename(`${path}.lock`, path);
  } catch (error) {
    await rm(`${path}.lock`, { force: true });
    throw error;
  } finally {
    await lock.close();
  }
}
