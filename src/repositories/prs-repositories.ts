import { isIdentifier } from '../config/identifier.js';
import { exceeds, noteUse } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { pubkeyOfNpub } from '../config/nip19.js';
import { urlOf } from '../config/url.js';
import { isSameRepository, type PrsRepository } from '../git/bare-repositories.js';
import { utf8Length } from '../lib/bytes.js';
import type { NostrEvent } from '../nostr/event.js';
import { npubOf } from '../nostr/keys.js';
import { repositoriesOf } from '../nostr/repository.js';
import { isPullRequest } from './pull-request.js';

/** What every path of a repository of pull requests begins with (GRASP-06). */
export const prsPathStart = '/prs/npub1';

const suffix = '.git';

/**
 * Reads `/prs/<npub>/<identifier>.git[/<rest>]`. The identifier is one segment of the path, percent-decoded once; the npub is
 * as NIP-19 writes it; `rest` is as it was sent. `undefined` for every other path.
 */
export function prsTarget(
  path: string,
): { readonly repository: PrsRepository; readonly rest: string } | undefined {
  if (!path.startsWith(prsPathStart)) return undefined;
  const [, , npub = '', folder = '', ...rest] = path.split('/');
  const name = decoded(folder);
  if (name?.endsWith(suffix) !== true) return undefined;
  const identifier = name.slice(0, -suffix.length);
  if (!isIdentifier(identifier) || exceeds('identifierBytesMax', utf8Length(identifier))) return undefined;
  const signer = pubkeyOfNpub(npub);
  if (signer === undefined || npubOf(signer) !== npub) return undefined;
  return { repository: { signer, identifier }, rest: rest.join('/') };
}

/**
 * The repositories of its signer at our service that a pull request, or its update, says it is to be had from: by a `clone`
 * value, and an `a` tag with the identifier. None for any other event.
 */
export function prsRepositoriesOf(
  event: NostrEvent,
  isOwnService: (url: string) => boolean,
): PrsRepository[] {
  if (!isPullRequest(event)) return [];
  const identifiers = new Set(repositoriesOf(event).map(({ identifier }) => identifier));
  const named = prsRepositoriesAt(event, isOwnService);
  return named.filter(({ signer, identifier }) => signer === event.pubkey && identifiers.has(identifier));
}

/** Why an event, whatever its commit, has no ref in a repository, in words for who pushes; `undefined` where it has. */
export function whyNotIn(
  event: NostrEvent,
  repository: PrsRepository,
  isOwnService: (url: string) => boolean,
): string | undefined {
  if (!isPullRequest(event)) return 'that event is no pull request';
  if (event.pubkey !== repository.signer)
    return 'that pull request is signed by another key: push to /prs/<npub of its signer>/<identifier>.git';
  if (!repositoriesOf(event).some(({ identifier }) => identifier === repository.identifier))
    return 'that pull request is for no repository of this identifier (its a tags)';
  if (!prsRepositoriesAt(event, isOwnService).some((named) => isSameRepository(named, repository)))
    return 'that pull request does not name this address in its clone tag';
  return undefined;
}

function prsRepositoriesAt({ tags }: NostrEvent, isOwnService: (url: string) => boolean): PrsRepository[] {
  const urls = tags.flatMap(([name, ...values]) => (name === 'clone' ? values : []));
  noteUse('prsCloneUrlsMax', urls.length);
  const found: PrsRepository[] = [];
  for (const url of urls.slice(0, limits.prsCloneUrlsMax)) {
    const repository = repositoryAt(url);
    if (repository === undefined || !isOwnService(url)) continue;
    if (!found.some((known) => isSameRepository(known, repository))) found.push(repository);
  }
  return found;
}

/** The repository that a clone URL names by its path, whosever host it is of. */
function repositoryAt(url: string): PrsRepository | undefined {
  if (exceeds('urlCharsMax', url.length) || !url.includes(prsPathStart)) return undefined;
  const { protocol, pathname = '', search } = urlOf(url) ?? {};
  if ((protocol !== 'http:' && protocol !== 'https:') || search !== '') return undefined;
  const target = prsTarget(pathname);
  return target?.rest === '' ? target.repository : undefined;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
