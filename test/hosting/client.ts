import { git, scratchFolder, writeCommit } from '../git/scratch.js';
import { packOf } from './hosting-world.js';

/** A repository of the person who pushes. */
export function client() {
  const folder = scratchFolder();
  git(folder.path, ['init', '-q', '--bare']);
  return {
    path: folder.path,
    commit: (message: string) => writeCommit(folder.path, message),
    pack: (ids: readonly string[], without: readonly string[] = []) => packOf(folder.path, ids, without),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** Whether the repository has an object. */
export function has(gitDir: string, objectId: string): boolean {
  try {
    git(gitDir, ['cat-file', '-e', objectId]);
    return true;
  } catch {
    return false;
  }
}
