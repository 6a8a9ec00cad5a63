import { firstTagValue, type NostrEvent } from '../../nostr/event.js';
import { kinds } from '../../nostr/kinds.js';
import { referencesOf, repositoryAddress } from '../../nostr/repository.js';

/** The addresses of the repositories that an event announces, tells the state of, or refers to. */
export function eventRepositories(event: NostrEvent): readonly string[] {
  if (event.kind === kinds.repositoryAnnouncement || event.kind === kinds.repositoryState) {
    return [repositoryAddress(event.pubkey, firstTagValue(event, 'd') ?? '')];
  }
  return referencesOf(event).addresses;
}
