import { join } from 'node:path';

/** Where a git command writes new objects, and where it finds others, instead of in its repository alone. */
export type ObjectFolders = { readonly write: string; readonly read: readonly string[] };

/** The folder in which a repository keeps its objects. */
export function objectsOf(gitDir: string): string {
  return join(gitDir, 'objects');
}

/**
 * The environment of a command with these folders. `GIT_QUARANTINE_PATH` keeps it from changing refs, which could come
 * to name what is thrown away.
 */
export function objectsEnvironment(folders: ObjectFolders | undefined): NodeJS.ProcessEnv {
  if (folders === undefined) return {};
  return {
    GIT_OBJECT_DIRECTORY: folders.write,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: folders.read.map(quoted).join(':'),
    GIT_QUARANTINE_PATH: folders.write,
  };
}

/** In quotes as in C, for identifiers may have colons, which part the folders. */
function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&')}"`;
}
