import { resolve } from 'node:path';
import { isIdentifier } from '../config/identifier.js';
import { pubkeyOfNpub } from '../config/nip19.js';
import { npubOf } from '../nostr/keys.js';
import { GitError } from './git-error.js';

const suffix = '.git';

/**
 * `<git data path>/<npub>/<identifier>.git`. Throws `GitError` for an identifier that would lead anywhere else; the
 * policy has refused those before.
 */
export function repositoryPath(gitDataPath: string, pubkey: string, identifier: string): string {
  if (!isIdentifier(identifier)) {
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
  const pubkey = pubkeyOfNpub(npub);
  return pubkey === undefined ? undefined : { pubkey, identifier: folder.slice(0, -suffix.length) };
}
