import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Git } from './git-command.js';

/**
 * Settings of every repository: clients may ask for any object that is reachable, for the commits of pull requests
 * by their id, and for partial clones (GRASP-01).
 */
export const repositorySettings: readonly (readonly [key: string, value: string])[] = [
  ['uploadpack.allowTipSHA1InWant', 'true'],
  ['uploadpack.allowReachableSHA1InWant', 'true'],
  ['uploadpack.allowFilter', 'true'],
];

/** A new bare repository as git makes it: its folders, and its files with their content. */
export type Skeleton = {
  readonly folders: readonly string[];
  readonly files: readonly (readonly [path: string, content: Buffer])[];
};

/** Lets git make one bare repository below `workPath`, sets it up, reads it and removes it again. */
export async function readSkeleton(git: Git, workPath: string): Promise<Skeleton> {
  const gitDir = await mkdtemp(join(workPath, 'skeleton-'));
  try {
    await git.run({ gitDir, args: ['init', '--quiet', '--bare', '--template=', '--initial-branch=main'] });
    await applySettings(git, gitDir);
    const entries = await readdir(gitDir, { recursive: true, withFileTypes: true });
    const pathOf = (entry: (typeof entries)[number]) => relative(gitDir, join(entry.parentPath, entry.name));
    const files = entries.filter((entry) => entry.isFile()).map(pathOf);
    return {
      folders: entries.filter((entry) => entry.isDirectory()).map(pathOf),
      files: await Promise.all(
        files.map(async (path) => [path, await readFile(join(gitDir, path))] as const),
      ),
    };
  } finally {
    await rm(gitDir, { recursive: true, force: true });
  }
}

/** Writes the skeleton into an empty folder, forced to the disk: git takes a folder with an empty `HEAD` for no repository. */
export async function writeSkeleton(skeleton: Skeleton, gitDir: string): Promise<void> {
  for (const folder of skeleton.folders) await mkdir(join(gitDir, folder), { recursive: true });
  await Promise.all(
    skeleton.files.map(([path, content]) => writeFile(join(gitDir, path), content, { flush: true })),
  );
}

/** Gives a repository its settings. */
export async function applySettings(git: Git, gitDir: string): Promise<void> {
  for (const [key, value] of repositorySettings) await git.run({ gitDir, args: ['config', key, value] });
}

/** The names of the settings that a repository lacks. */
export async function missingSettings(git: Git, gitDir: string): Promise<string[]> {
  const listed = await git.run({ gitDir, args: ['config', '--local', '--list', '-z'] });
  // Git gives names in lower case, a line break before the value and NUL after it.
  const has = new Set(listed.split('\0'));
  return repositorySettings
    .filter(([key, value]) => !has.has(`${key.toLowerCase()}\n${value}`))
    .map(([key]) => key);
}
