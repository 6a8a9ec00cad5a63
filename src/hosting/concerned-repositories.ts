import type { NostrEvent } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';
import { isPullRequest, parsePullRequest } from '../repositories/pull-request.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import { checkedIdentifier } from '../repositories/repository-identifier.js';

/** The served repositories whose git data an event is about: that which it announces, governs, or proposes a change to. */
export function concernedRepositories(
  directory: Pick<RepositoryDirectory, 'isServed' | 'servedAndMaintainedBy'>,
  event: NostrEvent,
): RepositoryId[] {
  const { kind, pubkey } = event;
  if (isPullRequest(event)) {
    return parsePullRequest(event).repositories.filter((repository) => directory.isServed(repository));
  }
  if (kind === kinds.repositoryAnnouncement) return [{ pubkey, identifier: checkedIdentifier(event) }];
  if (kind === kinds.repositoryState)
    return directory.servedAndMaintainedBy(pubkey, checkedIdentifier(event));
  return [];
}
