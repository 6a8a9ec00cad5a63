import { resolve } from 'node:path';
import { isIdentifier } from '../config/identifier.js';
import { pubkeyOfNpub } from '../config/nip19.js';
import { isHex32 } from '../lib/bytes.js';
import { npubOf } from '../nostr/keys.js';
import { GitError } from './git-error.js';

const suffix = '.git';
/** The folder of what is not announced; no author has that name. */
const prsFolder = 'prs';

/**
 * `<git data path>/<npub>/<identifier>.git`. Throws `GitError` for an identifier that would lead anywhere else; the
 * policy has refused those before.
 */
export function repositoryPath(gitDataPath: string, pubkey: string, identifier: string): string {
  return resolve(gitDataPath, npubOf(pubkey), folderOf(identifier));
}

/** `<git data path>/prs/<hex>/<identifier>.git` (GRASP-06). Throws as `repositoryPath`, also for a signer that is no key. */
export function prsRepositoryPath(gitDataPath: string, signer: string, identifier: string): string {
  if (!isHex32(signer)) throw new GitError('unfit_key', 'the key does not fit a path', { retryable: false });
  return resolve(prsPath(gitDataPath), signer, folderOf(identifier));
}

/** Where the repositories of pull requests are, each in the folder of its signer. */
export function prsPath(gitDataPath: string): string {
  return resolve(gitDataPath, prsFolder);
}

function folderOf(identifier: string): string {
  if (!isIdentifier(identifier)) {
    throw new GitError('unfit_identifier', 'the identifier does not fit a path', { retryable: false });
  }
  return `${identifier}${suffix}`;
}

/** The repository that a folder name below an author's folder stands for, if it stands for one. */
export function repositoryOfFolders(
  npub: string,
  folder: string,
): { readonly pubkey: string; readonly identifier: string } | undefined {
  const identifier = npub.startsWith('npub1') ? identifierOfFolder(folder) : undefined;
  const pubkey = identifier === undefined ? undefined : pubkeyOfNpub(npub);
  return pubkey === undefined || identifier === undefined ? undefined : { pubkey, identifier };
}

/** The same for a folder below that of a signer. */
export function prsRepositoryOfFolders(
  signer: string,
  folder: string,
): { readonly signer: string; readonly identifier: string } | undefined {
  const identifier = isHex32(signer) ? identifierOfFolder(folder) : undefined;
  return identifier === undefined ? undefined : { signer, identifier };
}

function identifierOfFolder(folder: string): string | undefined {
  return folder.endsWith(suffix) && folder !== suffix ? folder.slice(0, -suffix.length) : undefined;
}
