import { reaches } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { type Address, addressOf, formatAddress, parseAddress } from '../nostr/address.js';
import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import { isAddressableKind, isEphemeralKind, isReplaceableKind, kinds } from '../nostr/kinds.js';
import { referencesOf } from '../nostr/repository.js';
import { accept, type Decision, type Effect, hold, reject } from './decision.js';
import type { PolicyContext } from './policy-context.js';

/** The reason for events that hang on nothing accepted. */
export const notRelated = 'blocked: the event neither refers to an accepted event nor is referred to by one';

/** Anybody may store events of these kinds, so they make no other event acceptable. */
const unrelatedKinds: readonly number[] = [kinds.deletion, kinds.userGraspList];

/**
 * How events are related to what is stored. Announcements are accepted for their own sake; everything else has to refer
 * to, or be referred to by, something that is stored and is related to one of them in turn.
 */
export class StoredRelations {
  readonly #context: Pick<PolicyContext, 'store' | 'directory' | 'purgatory'>;

  constructor(context: Pick<PolicyContext, 'store' | 'directory' | 'purgatory'>) {
    this.#context = context;
  }

  /** Accepts an event that is related to something stored; one that is related to held events alone is held with them. */
  decide(event: NostrEvent, effects: readonly Effect[] = []): Decision {
    if (this.isRelatedToStored(event)) return accept(effects);
    const parents = isEphemeralKind(event.kind) ? [] : (this.#context.purgatory?.relativesOf(event) ?? []);
    return parents.length > 0 ? hold(effects, parents, notRelated) : reject(notRelated);
  }

  /** Whether the event refers to something stored, or something stored to it. */
  isRelatedToStored(event: NostrEvent): boolean {
    return this.#refersToStored(event) || this.#isReferredTo(event);
  }

  #refersToStored(event: NostrEvent): boolean {
    const { ids, addresses } = referencesOf(event);
    if (ids.some((id) => this.#isStoredRelation(id))) return true;
    const lookedUp = new Set<string>();
    for (const text of addresses) {
      const place = placeOf(text);
      if (place?.kind === kinds.repositoryAnnouncement) {
        if (this.#context.directory.isAnnounced(place)) return true;
      } else if (place !== undefined && !unrelatedKinds.includes(place.kind)) {
        const name = formatAddress(place);
        if (lookedUp.has(name)) continue;
        if (this.#context.store.hasAt(place)) return true;
        lookedUp.add(name);
        if (reaches('addressLookupsMax', lookedUp.size)) return false;
      }
    }
    return false;
  }

  #isStoredRelation(id: string): boolean {
    const kind = this.#context.store.kindOf(id);
    return kind !== undefined && !unrelatedKinds.includes(kind);
  }

  /** As far as it is looked for: whoever wants to can have very much refer to an event, all of it refused. */
  #isReferredTo(event: NostrEvent): boolean {
    const look = { besides: unrelatedKinds, budget: { visits: limits.referringRowsMax } };
    return referringFilters(event).some((filter) => this.#context.store.some(filter, look));
  }
}

/** Where an event stands that is named by its address, if events of that kind have one: that of a replaceable one has no identifier. */
export function placeOf(text: string): Address | undefined {
  const address = parseAddress(text);
  if (address === undefined || isAddressableKind(address.kind)) return address;
  return isReplaceableKind(address.kind) ? { ...address, identifier: '' } : undefined;
}

/** Filters for the events that refer to this one: by id, and by address when it has one. */
export function referringFilters(event: NostrEvent): Filter[] {
  const byId: Filter[] = [{ '#e': [event.id] }, { '#E': [event.id] }, { '#q': [event.id] }];
  const address = addressOf(event);
  if (address === undefined) return byId;
  const text = formatAddress(address);
  return [...byId, { '#a': [text] }, { '#A': [text] }, { '#q': [text] }];
}

/** Whether nothing becomes acceptable by this event, whatever refers to it. */
export function makesNothingAcceptable(event: Pick<NostrEvent, 'kind'>): boolean {
  return unrelatedKinds.includes(event.kind);
}
