import { isIdentifier } from './identifier.js';
import { pubkeyOfNpub } from './nip19.js';

/**
 * An entry of a repository list: `npub` (all of an author), `npub/identifier` (one repository) or `identifier`
 * (repositories of that name, whoever announces them). At least one of the two is there; `pubkey` is hex.
 */
export type RepositoryPattern = {
  readonly pubkey: string | undefined;
  readonly identifier: string | undefined;
};

/**
 * Reads an entry; `undefined` when it is none, as when no repository can have such an identifier. What begins with
 * `npub1` is always read as a public key.
 */
export function parseRepositoryPattern(text: string): RepositoryPattern | undefined {
  if (!text.startsWith('npub1')) {
    return isIdentifier(text) ? { pubkey: undefined, identifier: text } : undefined;
  }
  const slash = text.indexOf('/');
  const pubkey = pubkeyOfNpub(slash < 0 ? text : text.slice(0, slash));
  if (pubkey === undefined) return undefined;
  if (slash < 0) return { pubkey, identifier: undefined };
  const identifier = text.slice(slash + 1);
  return isIdentifier(identifier) ? { pubkey, identifier } : undefined;
}
