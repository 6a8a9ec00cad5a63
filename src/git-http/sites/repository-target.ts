import { isIdentifier } from '../../config/identifier.js';
import { pubkeyOfNpub } from '../../config/nip19.js';
import { npubOf } from '../../nostr/keys.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';

/** What a path asks for: the repository, what stands behind it, and whether it was named with `.git`. */
export type RepositoryTarget = {
  readonly repository: RepositoryId;
  readonly hasSuffix: boolean;
  /** As it was sent; `''` for the repository itself. */
  readonly rest: string;
};

const suffix = '.git';

/** What every path of a repository begins with. */
export const repositoryPathStart = '/npub1';

/**
 * Reads `/<npub>/<identifier>[.git][/<rest>]`. The identifier is one segment of the path, percent-decoded once; the npub
 * is as NIP-19 writes it. `undefined` for every other path.
 */
export function repositoryTarget(path: string): RepositoryTarget | undefined {
  const [before, npub = '', folder = '', ...rest] = path.split('/');
  if (before !== '' || !npub.startsWith('npub1')) return undefined;
  const name = decoded(folder);
  if (name === undefined) return undefined;
  const hasSuffix = name.endsWith(suffix);
  const identifier = hasSuffix ? name.slice(0, -suffix.length) : name;
  if (!isIdentifier(identifier)) return undefined;
  const pubkey = pubkeyOfNpub(npub);
  if (pubkey === undefined || npubOf(pubkey) !== npub) return undefined;
  return { repository: { pubkey, identifier }, hasSuffix, rest: rest.join('/') };
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
