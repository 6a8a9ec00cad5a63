import { limits } from '../config/limits.js';
import { parseAddress } from '../nostr/address.js';
import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import { kinds } from '../nostr/kinds.js';
import { parseAnnouncement, referencesOf } from '../nostr/repository.js';
import { makesNothingAcceptable, referringFilters } from './stored-relations.js';
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

/** What the event refers to: being referred to by something accepted makes it acceptable. */
function referredFilters(event: NostrEvent): Filter[] {
  const { ids, addresses } = referencesOf(event);
  const filters: Filter[] = ids.length > 0 ? [{ ids: [...ids] }] : [];
  for (const text of addresses.slice(0, limits.addressLookupsMax)) {
    const address = parseAddress(text);
    if (address === undefined) continue;
    const { kind, pubkey, identifier } = address;
    const filter: Filter = { kinds: [kind], authors: [pubkey] };
    if (identifier !== '') filter['#d'] = [identifier];
    filters.push(filter);
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
