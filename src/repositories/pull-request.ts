import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { isObjectId } from '../git/object-id.js';
import type { Address } from '../nostr/address.js';
import { firstTagValue, InvalidEventError, type NostrEvent } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';
import { repositoriesOf } from '../nostr/repository.js';

/** A pull request or its update (NIP-34, kinds 1618 and 1619), read: what its `refs/nostr/<id>` follows. */
export type PullRequest = {
  readonly eventId: string;
  readonly author: string;
  /** The commit of its `c` tag. */
  readonly commit: string;
  /** The repositories that its `a` tags name. */
  readonly repositories: readonly Address[];
};

/** The kinds of pull requests and of their updates. */
export const pullRequestKinds: readonly number[] = [kinds.pullRequest, kinds.pullRequestUpdate];

export function isPullRequest(event: Pick<NostrEvent, 'kind'>): boolean {
  return pullRequestKinds.includes(event.kind);
}

/** Reads a pull request. Throws `InvalidEventError` without a commit, or when it names too many repositories. */
export function parsePullRequest(event: NostrEvent): PullRequest {
  const commit = firstTagValue(event, 'c');
  if (commit === undefined) throw new InvalidEventError('missing commit (c tag)');
  if (!isObjectId(commit)) throw new InvalidEventError('the commit (c tag) is not 40 or 64 hex digits');
  const repositories = repositoriesOf(event);
  if (exceeds('pullRequestRepositoriesMax', repositories.length)) {
    throw new InvalidEventError(`names more than ${limits.pullRequestRepositoriesMax} repositories`);
  }
  return { eventId: event.id, author: event.pubkey, commit, repositories };
}
