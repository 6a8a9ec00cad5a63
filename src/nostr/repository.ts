import { isIdentifier } from '../config/identifier.js';
import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { isHex32 } from '../lib/bytes.js';
import { type Address, formatAddress, parseAddress } from './address.js';
import { firstTagValue, InvalidEventError, type NostrEvent, tagValues } from './event.js';
import { kinds } from './kinds.js';
import { tryNormaliseRelayUrl } from './relay-url.js';

/** A repository announcement (NIP-34, kind 30617), read. */
export type Announcement = {
  readonly pubkey: string;
  readonly identifier: string;
  readonly address: string;
  /** What people read, of whatever length; empty where there is none. */
  readonly name: string;
  readonly description: string;
  /** The URLs of the `clone` tags. */
  readonly clone: readonly string[];
  /** The normalised relay URLs of the `relays` tags; what is no relay URL is left out. */
  readonly relays: readonly string[];
  /** The public keys of the `maintainers` tags, or of the role tags `M` and `m` where there are any, without the author. */
  readonly maintainers: readonly string[];
  /** Whether it has role tags (`M`, `m`, `o`): then it only invites, and who accepts names its author in turn. */
  readonly hasRoles: boolean;
};

/**
 * Reads an announcement. Several tags of one name are one list with all their values. Throws `InvalidEventError` when
 * the identifier is missing or unfit for a path, or when there are more values than anyone needs (docs/policy.md).
 */
export function parseAnnouncement(event: NostrEvent): Announcement {
  const identifier = repositoryIdentifier(event);
  const clone = allTagValues(event, 'clone');
  const relayValues = allTagValues(event, 'relays');
  const roles = roleTags(event);
  const maintainerValues =
    roles.length === 0
      ? allTagValues(event, 'maintainers')
      : roles.flatMap(([role, key]) => (role === 'o' ? [] : [key]));
  if (exceeds('announcementValuesMax', Math.max(clone.length, relayValues.length)))
    throw new InvalidEventError(`more than ${limits.announcementValuesMax} clone URLs or relays`);
  if (exceeds('announcementMaintainersMax', maintainerValues.length))
    throw new InvalidEventError(`more than ${limits.announcementMaintainersMax} maintainers`);
  const relays = relayValues.flatMap((value) => tryNormaliseRelayUrl(value) ?? []);
  const maintainers = maintainerValues.filter((key) => isHex32(key) && key !== event.pubkey);
  return {
    pubkey: event.pubkey,
    identifier,
    address: repositoryAddress(event.pubkey, identifier),
    name: firstTagValue(event, 'name') ?? '',
    description: firstTagValue(event, 'description') ?? '',
    clone,
    relays: [...new Set(relays)],
    maintainers: [...new Set(maintainers)],
    hasRoles: roles.length > 0,
  };
}

/** `30617:<pubkey>:<identifier>`. */
export function repositoryAddress(pubkey: string, identifier: string): string {
  return formatAddress({ kind: kinds.repositoryAnnouncement, pubkey, identifier });
}

/**
 * The `d` value of an announcement or state, checked: not empty, not `.` or `..`, without `/`, `\` and NUL.
 * Throws `InvalidEventError`.
 */
export function repositoryIdentifier(event: NostrEvent): string {
  const identifier = firstTagValue(event, 'd');
  if (identifier === undefined || identifier === '')
    throw new InvalidEventError('missing identifier (d tag)');
  if (!isIdentifier(identifier)) throw new InvalidEventError('identifier is not fit for a path');
  return identifier;
}

/** Who has which role: `M` and `m` maintain, `o` has no say about the state of the repository. */
function roleTags(event: NostrEvent): (readonly [role: string, key: string])[] {
  const isRole = (name: string | undefined): boolean => name === 'M' || name === 'm' || name === 'o';
  return event.tags
    .filter(([name]) => isRole(name))
    .flatMap(([name = '', key = '']) => (isHex32(key) ? [[name, key] as const] : []));
}

/** All values after the name, of all tags with that name. */
function allTagValues(event: NostrEvent, name: string): string[] {
  // Filtered first: no array is made for each of the thousands of others that an event may have.
  return event.tags.filter((tag) => tag[0] === name).flatMap((tag) => tag.slice(1));
}

/** What an event refers to by `a`, `A`, `q` (addresses) and by `e`, `E`, `q` (ids): its way to a repository. */
export type References = { readonly ids: readonly string[]; readonly addresses: readonly string[] };

export function referencesOf(event: NostrEvent): References {
  const ids = new Set<string>();
  const addresses = new Set<string>();
  for (const [name, value] of event.tags) {
    if (value === undefined) continue;
    if ((name === 'e' || name === 'E' || name === 'q') && isHex32(value)) ids.add(value);
    else if ((name === 'a' || name === 'A' || name === 'q') && parseAddress(value) !== undefined) {
      addresses.add(value);
    }
  }
  return { ids: [...ids], addresses: [...addresses] };
}

/** The addresses of the repositories that an event's `a` tags name. */
export function repositoriesOf(event: NostrEvent): Address[] {
  return tagValues(event, 'a').flatMap((value) => {
    const address = parseAddress(value);
    return address?.kind === kinds.repositoryAnnouncement ? [address] : [];
  });
}

/** The addresses of the repositories that an event announces, tells the state of, or refers to. */
export function eventRepositories(event: NostrEvent): readonly string[] {
  if (event.kind === kinds.repositoryAnnouncement || event.kind === kinds.repositoryState) {
    return [repositoryAddress(event.pubkey, firstTagValue(event, 'd') ?? '')];
  }
  return referencesOf(event).addresses;
}
