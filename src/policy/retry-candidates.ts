import { limits } from '../config/limits.js';
import type { Address } from '../nostr/address.js';
import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import { kinds } from '../nostr/kinds.js';
import { parseAnnouncement, referencesOf } from '../nostr/repository.js';
import { makesNothingAcceptable, placeOf, referringFilters } from './stored-relations.js';
import { reading } from './structure.js';

/**
 * Filters over refused events: those that may be acceptable now that `event` is stored. They may match others too;
 * each match is decided anew.
 */
export function retryCandidates(event: NostrEvent): Filter[] {
  if (makesNothingAcceptable(event)) return [];
  return [
    ...referringFilters(event),
    { kinds: [kinds.deletion, kinds.userGraspList], authors: [event.pubkey] },
    ...referredFilters(event),
    ...maintenanceFilters(event),
  ];
}

/**
 * What the event refers to: being referred to by something accepted makes it acceptable. One filter for each kind and author: all
 * together they look at no refused event twice, however many addresses there are.
 */
function referredFilters(event: NostrEvent): Filter[] {
  const { ids, addresses } = referencesOf(event);
  const places = new Map<string, { readonly named: Address; readonly identifiers: string[] }>();
  for (const text of addresses.slice(0, limits.addressLookupsMax)) {
    const place = placeOf(text);
    if (place === undefined) continue;
    const name = `${place.kind}:${place.pubkey}`;
    const known = places.get(name);
    if (known === undefined) places.set(name, { named: place, identifiers: [place.identifier] });
    else known.identifiers.push(place.identifier);
  }
  const filters: Filter[] = ids.length > 0 ? [{ ids: [...ids] }] : [];
  for (const { named, identifiers } of places.values()) {
    const filter = { kinds: [named.kind], authors: [named.pubkey] };
    // Where it has no identifier, an event need not have the tag.
    filters.push(identifiers.includes('') ? filter : { ...filter, '#d': identifiers });
  }
  return filters;
}

/** States of a repository that is announced now, and announcements of those that it names as maintainers. */
function maintenanceFilters(event: NostrEvent): Filter[] {
  if (event.kind !== kinds.repositoryAnnouncement) return [];
  const read = reading(() => parseAnnouncement(event));
  if ('reason' in read) return [];
  const { pubkey, identifier, maintainers } = read.value;
  return [
    { kinds: [kinds.repositoryState], '#d': [identifier] },
    { kinds: [kinds.repositoryAnnouncement], authors: [pubkey, ...maintainers], '#d': [identifier] },
  ];
}
