import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { deletionTargets } from '../nostr/deletion.js';
import { eventBytes, type NostrEvent } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';
import { accept, type Decision, reject } from './decision.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import type { StoredRelations } from './stored-relations.js';
import type { Reading } from './structure.js';

/**
 * All kinds without a rule of their own: accepted when they hang on something accepted. Two kinds are accepted
 * without: the list of an author's GRASP services (10317), and deletion requests (5).
 *
 * A deletion request may arrive before what it deletes, which must then not come back; so it is kept whether or not
 * its targets are known. A list of services hangs on nothing at all. Anyone may store such events, so they have to be
 * small, and smaller still from strangers, of whom nothing is stored; a stranger's larger one is tried again when
 * something of its author was accepted.
 */
export class RelatedEventPolicy implements SubPolicy<undefined> {
  readonly #context: PolicyContext;
  readonly #relations: StoredRelations;

  constructor(context: PolicyContext, relations: StoredRelations) {
    this.#context = context;
    this.#relations = relations;
  }

  read(event: NostrEvent): Reading<undefined> {
    if (event.kind !== kinds.deletion) return { value: undefined };
    const { ids, addresses } = deletionTargets(event);
    if (ids.length + addresses.length > 0) return { value: undefined };
    return { reason: 'invalid: the deletion request names no event or address of its author' };
  }

  decide(event: NostrEvent): Decision {
    if (event.kind === kinds.userGraspList || event.kind === kinds.deletion)
      return this.#decideUnrelated(event);
    return this.#relations.decide(event);
  }

  #decideUnrelated(event: NostrEvent): Decision {
    const bytes = eventBytes(event);
    if (exceeds('unrelatedEventBytesMax', bytes))
      return reject('invalid: this event is too large for its kind');
    if (bytes <= limits.strangerEventBytesMax) return accept();
    const look = { budget: { visits: limits.referringRowsMax } };
    return this.#context.store.some({ authors: [event.pubkey] }, look)
      ? accept()
      : reject('blocked: nothing of the author of this event is kept here');
  }
}
