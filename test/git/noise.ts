import { createHash } from 'node:crypto';
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { git, gitBytes } from './scratch.js';

/** Bytes that do not compress, the same for the same word. */
export function noise(word: string, bytes: number): Buffer {
  const hashes = Array.from({ length: Math.ceil(bytes / 64) }, (_, n) =>
    createHash('sha512').update(`${word} ${n}`).digest(),
  );
  return Buffer.concat(hashes);
}

/** Writes a commit of one file with so much noise. */
export function writeNoise(
  gitDir: string,
  word: string,
  bytes: number,
  parents: readonly string[] = [],
): string {
  const blob = gitBytes(gitDir, ['hash-object', '-w', '--stdin'], noise(word, bytes)).toString().trim();
  const tree = git(gitDir, ['mktree'], `100644 blob ${blob}\t${word}\n`);
  return git(gitDir, ['commit-tree', tree, '-m', word, ...parents.flatMap((id) => ['-p', id])]);
}

/** Bytes of the packs of some repositories on the disk, each file once, however many names it has. */
export function packBytesOnDisk(gitDirs: readonly string[]): number {
  const files = new Map<number, number>();
  for (const gitDir of gitDirs) {
    const folder = join(gitDir, 'objects/pack');
    for (const name of readdirSync(folder)) {
      const { ino, size } = lstatSync(join(folder, name));
      files.set(ino, size);
    }
  }
  return [...files.values()].reduce((sum, size) => sum + size, 0);
}
