import type {
  Departed,
  NamingPullRequest,
  RepositoryDirectory,
  RepositoryId,
} from '../repositories/repository-directory.js';
import type { Effect } from './decision.js';

/** Where to look after an announcement came or went: its own repository, and those that its author maintains. */
export function alignMaintained(directory: RepositoryDirectory, announced: RepositoryId): Effect[] {
  const { pubkey, identifier } = announced;
  const maintained = directory
    .servedAndMaintainedBy(pubkey, identifier)
    .filter((repository) => repository.pubkey !== pubkey);
  return [{ pubkey, identifier }, ...maintained].map(alignRepository);
}

/** Where to look after a state went: the repositories that it governed. */
function alignGoverned(directory: RepositoryDirectory, state: RepositoryId): Effect[] {
  return directory.servedAndMaintainedBy(state.pubkey, state.identifier).map(alignRepository);
}

/** Where to look after a pull request came or went: the served repositories that it names. */
export function alignNamed(directory: RepositoryDirectory, pullRequest: NamingPullRequest): Effect[] {
  return pullRequest.repositories
    .filter((repository) => directory.isServed(repository))
    .map(({ pubkey, identifier }) => ({
      type: 'align-pull-request',
      eventId: pullRequest.eventId,
      pubkey,
      identifier,
    }));
}

/** Where to look after events left the store. */
export function effectsOfDeparture(directory: RepositoryDirectory, departed: readonly Departed[]): Effect[] {
  return departed.flatMap((entry) => {
    if (entry.type === 'pull-request') return alignNamed(directory, entry.pullRequest);
    return entry.type === 'state' ? alignGoverned(directory, entry) : alignMaintained(directory, entry);
  });
}

/** To look at one repository. */
export function alignRepository({ pubkey, identifier }: RepositoryId): Effect {
  return { type: 'align-repository', pubkey, identifier };
}
