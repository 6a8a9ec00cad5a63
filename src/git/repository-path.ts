import { resolve } from 'node:path';
import { npubOf, pubkeyOfNpub } from '../nostr/keys.js';
import { GitError } from './git-error.js';

const suffix = '.git';

/**
 * `<git data path>/<npub>/<identifier>.git`. Throws `GitError` for an identifier that would lead anywhere else; the
 * policy has refused those before.
 */
export function repositoryPath(gitDataPath: string, pubkey: string, identifier: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL ends a path for the operating system.
  if (identifier === '' || identifier === '.' || identifier === '..' || /[/\\\u0000]/.test(identifier)) {
    throw new GitError('unfit_identifier', 'the identifier does not fit a path', { retryable: false });
  }
  return resolve(gitDataPath, npubOf(pubkey), `${identifier}${suffix}`);
}

/** The repository that a folder name below an author's folder stands for, if it stands for one. */
export function repositoryOfFolders(
  npub: string,
  folder: string,
): { readonly pubkey: string; readonly identifier: string } | undefined {
  if (!npub.startsWith('npub1') || !folder.endsWith(suffix) || folder === suffix) return undefined;
  try {
    return { pubkey: pubkeyOfNpub(npub), identifier: folder.slice(0, -suffix.length) };
  } catch {
    return undefined;
  }
}
