import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { git } from '../git/scratch.js';

/** That many bytes (a multiple of four) which nothing compresses; the same in every run. */
export function noise(bytes: number): Buffer {
  const made = Buffer.alloc(bytes);
  for (let at = 0, value = 1; at < bytes; at += 4) {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
    made.writeInt32LE(value ^ (value >>> 13), at);
  }
  return made;
}

/** Puts a file that nothing compresses on `main`, so that a clone is of that many bytes; gives its commit. */
export function commitNoise(gitDir: string, bytes: number): string {
  const file = join(gitDir, 'noise');
  writeFileSync(file, noise(bytes));
  const blob = git(gitDir, [
    '-c',
    'core.looseCompression=0',
    '-c',
    'core.compression=0',
    'hash-object',
    '-w',
    file,
  ]);
  rmSync(file);
  const tree = git(gitDir, ['mktree'], `100644 blob ${blob}\tnoise\n`);
  const commit = git(gitDir, ['commit-tree', tree, '-m', 'noise']);
  git(gitDir, ['update-ref', 'refs/heads/main', commit]);
  git(gitDir, ['config', 'pack.compression', '0']);
  return commit;
}
