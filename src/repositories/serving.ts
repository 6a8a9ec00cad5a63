import type { RepositoryPattern } from '../config/repository-pattern.js';
import type { AnnouncedKey, PrsRepository } from '../git/bare-repositories.js';
import type { NostrEvent } from '../nostr/event.js';
import { NamedService, type OwnService } from '../nostr/relay-url.js';
import { type Announcement, repositoriesOf } from '../nostr/repository.js';
import { prsRepositoriesOf } from './prs-repositories.js';

/** What the operator decided about repositories (docs/configuration.md): whitelist, blacklist, archive settings. */
export type ServingRules = {
  readonly ownService: OwnService;
  /** Empty: every repository that lists our service is allowed. */
  readonly repositoryWhitelist: readonly RepositoryPattern[];
  readonly repositoryBlacklist: readonly RepositoryPattern[];
  readonly archiveAll: boolean;
  readonly archiveWhitelist: readonly RepositoryPattern[];
  /** Domains: an announcement of which one `clone` URL names one of these services is archived. */
  readonly archiveGraspServices: readonly string[];
  /**
   * A mirror only: that an announcement lists our service is no reason to serve it. Events about what is archived are
   * taken from clients as from relays: they would come by sync all the same.
   */
  readonly archiveReadOnly: boolean;
  /** What is archived waits for its git data as what is hosted does. */
  readonly archiveHoldUntilGitData: boolean;
  /** Pull requests of people who have no repository here are taken (GRASP-06). */
  readonly grasp06Enable: boolean;
};

/**
 * How we stand to a repository. `hosted`: its announcement lists our service. `archived`: the archive settings admit
 * it. Both are served: they have a repository on disk, and sync asks for all about them. `refused` says why not.
 */
export type Serving =
  | { readonly type: 'hosted' | 'archived' }
  | { readonly type: 'blacklisted' | 'refused'; readonly reason: string };

/** Why an announcement is refused by the rules alone. */
const refusals = {
  blacklisted: 'blocked: this repository is on the blacklist',
  readOnly: 'blocked: this is a read-only archive, of other repositories',
  unlisted: 'blocked: this repository is not on the whitelist',
  elsewhere: 'blocked: the announcement does not list this service in both clone and relays',
} as const;

const allRefusals: ReadonlySet<string> = new Set(Object.values(refusals));

/** Whether that is a reason of `RepositoryServing`, which other rules may not have. */
export function isServingRefusal(reason: string): boolean {
  return allRefusals.has(reason);
}

/** Decides by an announcement alone, without looking at anything stored, whether we serve the repository. */
export class RepositoryServing {
  #rules: ServingRules;
  #archivedServices: readonly NamedService[];

  constructor(rules: ServingRules) {
    this.#rules = rules;
    this.#archivedServices = archivedServicesOf(rules);
  }

  /** Takes other rules from now on. What was decided before is for the caller to judge anew. */
  change(rules: ServingRules): void {
    this.#rules = rules;
    this.#archivedServices = archivedServicesOf(rules);
  }

  /** Whether a URL, of whatever protocol, leads to our own service. */
  isOwnService(url: string): boolean {
    return this.#rules.ownService.isNamedBy(url);
  }

  /** Whether there is to be a repository for this announcement. */
  serves(announcement: Announcement): boolean {
    const { type } = this.of(announcement);
    return type === 'hosted' || type === 'archived';
  }

  /** Whether what is new of the repository of this announcement is served only when its git data is here. */
  awaitsGitData(announcement: Announcement): boolean {
    const { type } = this.of(announcement);
    return type === 'hosted' || (type === 'archived' && this.#rules.archiveHoldUntilGitData);
  }

  /**
   * The repositories of its signer here in which a pull request has its ref (GRASP-06). None that the operator blocked, nor for
   * a repository that is blocked.
   */
  prsRepositoriesOf(event: NostrEvent): readonly PrsRepository[] {
    const { grasp06Enable, repositoryBlacklist } = this.#rules;
    if (!grasp06Enable) return [];
    const named = prsRepositoriesOf(event, (url) => this.isOwnService(url));
    if (named.length === 0) return [];
    const isAllowed = (repository: AnnouncedKey) => !isListed(repository, repositoryBlacklist);
    const targets = new Set(
      repositoriesOf(event)
        .filter(isAllowed)
        .map(({ identifier }) => identifier),
    );
    return named.filter(
      ({ signer, identifier }) => targets.has(identifier) && isAllowed({ pubkey: signer, identifier }),
    );
  }

  /** The rules of docs/policy.md for kind 30617, in their order, up to the maintainer exception. */
  of(announcement: Announcement): Serving {
    const rules = this.#rules;
    if (isListed(announcement, rules.repositoryBlacklist)) {
      return { type: 'blacklisted', reason: refusals.blacklisted };
    }
    const listsUs = lists(announcement, rules.ownService);
    const isWanted =
      rules.repositoryWhitelist.length === 0 || isListed(announcement, rules.repositoryWhitelist);
    if (listsUs && isWanted && !rules.archiveReadOnly) return { type: 'hosted' };
    if (this.#isArchived(announcement)) return { type: 'archived' };
    if (rules.archiveReadOnly) {
      return { type: 'refused', reason: refusals.readOnly };
    }
    if (listsUs) return { type: 'refused', reason: refusals.unlisted };
    return {
      type: 'refused',
      reason: refusals.elsewhere,
    };
  }

  #isArchived(announcement: Announcement): boolean {
    const rules = this.#rules;
    return (
      rules.archiveAll ||
      isListed(announcement, rules.archiveWhitelist) ||
      this.#archivedServices.some((service) => announcement.clone.some((url) => service.isNamedBy(url)))
    );
  }
}

function archivedServicesOf({ archiveGraspServices }: ServingRules): NamedService[] {
  return archiveGraspServices.map((domain) => new NamedService(domain));
}

/** Whether a `clone` URL and a relay of the announcement name the service. */
function lists(announcement: Announcement, service: Pick<OwnService, 'isNamedBy'>): boolean {
  const isNamed = (url: string) => service.isNamedBy(url);
  return announcement.clone.some(isNamed) && announcement.relays.some(isNamed);
}

function isListed(repository: AnnouncedKey, patterns: readonly RepositoryPattern[]): boolean {
  return patterns.some(
    ({ pubkey, identifier }) =>
      (pubkey === undefined || pubkey === repository.pubkey) &&
      (identifier === undefined || identifier === repository.identifier),
  );
}
