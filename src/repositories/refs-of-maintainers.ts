import { isOfPrs, type RepositoryKey } from '../git/bare-repositories.js';
import { pullRequestRef } from '../git/ref-name.js';
import type { PullRequest } from './pull-request.js';
import type { RepositoryDirectory } from './repository-directory.js';

/** The refs of those pull requests whose authors maintain the repository; one of pull requests is its signer's (GRASP-06). */
export function refsOfMaintainers(
  directory: Pick<RepositoryDirectory, 'maintainersAmong'>,
  repository: RepositoryKey,
  pullRequests: readonly Pick<PullRequest, 'eventId' | 'author'>[],
): Set<string> {
  const authors = new Set(pullRequests.map(({ author }) => author));
  const maintainers = isOfPrs(repository)
    ? new Set([repository.signer])
    : directory.maintainersAmong(repository, authors);
  const ofMaintainers = pullRequests.filter(({ author }) => maintainers.has(author));
  return new Set(ofMaintainers.map(({ eventId }) => pullRequestRef(eventId)));
}
