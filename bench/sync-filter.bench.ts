import type { NostrEvent } from '../src/nostr/event.js';
import { OwnService } from '../src/nostr/relay-url.js';
import { repositoryAddress } from '../src/nostr/repository.js';
import { RepositoryDirectory } from '../src/repositories/repository-directory.js';
import { Discovery } from '../src/sync/topics/discovery.js';
import { FilterService } from '../src/sync/topics/filter-service.js';
import { contender, type Scale, type Topic, type Work } from './topic.js';

const owner = 'a'.repeat(64);
/** Repositories that one run adds, each with a root. */
const added = 10;
/** Each run has as much of a turn as it takes. */
const turns = { isOver: false, next: async () => {}, spend: () => {} };

/** What a new repository and its first root cost sync when there are n already: the filters of all relays follow. */
export const syncFilterTopic: Topic = {
  name: 'sync-filter',
  *works(scale: Scale) {
    for (const n of scale === 'full' ? [10, 100, 1_000, 10_000] : [10, 1_000]) yield growWork(n);
  },
};

function growWork(n: number): Work {
  const service = followed(n);
  return {
    name: 'add a repository and a root',
    n,
    units: added,
    contenders: [
      contender({
        name: 'incremental',
        role: 'candidate',
        run: () => {
          for (let number = n; number < n + added; number += 1) add(service, number);
          const changes = [...service.filters.takeChanges()];
          for (let number = n; number < n + added; number += 1) remove(service, number);
          for (const _ of service.filters.takeChanges());
          return changes;
        },
      }),
      contender({
        name: 'rebuilt from all that is stored',
        role: 'reference',
        slow: n >= 1_000,
        run: () => {
          let changes: unknown;
          for (let count = 1; count <= added; count += 1)
            changes = [...followed(n + count).filters.takeChanges()];
          return changes;
        },
      }),
    ],
  };
}

type Followed = { readonly filters: FilterService; readonly directory: RepositoryDirectory };

function followed(repositories: number): Followed {
  const discovery = new Discovery({
    ownService: new OwnService('grasp.example', '127.0.0.1:7334'),
    bootstrapRelays: ['wss://bootstrap.example'],
    relaysMax: 2_000,
  });
  const directory = new RepositoryDirectory({
    serves: () => true,
    awaitsGitData: () => false,
    isOwnService: () => false,
  });
  const filters = new FilterService({ discovery, directory, turns });
  for (let number = 0; number < repositories; number += 1) add({ filters, directory }, number);
  return { filters, directory };
}

function add({ filters, directory }: Followed, number: number): void {
  const announcement = event(number, 'a', 30617, [
    ['d', `repository-${number}`],
    ['relays', `wss://relay-${number % 50}.example`, `wss://relay-${(number + 7) % 50}.example`],
  ]);
  directory.onStored(announcement);
  filters.follow(repositoryAddress(owner, `repository-${number}`));
  filters.roots.addRoot(event(number, 'b', 1621, [['a', `30617:${owner}:repository-${number}`]]));
}

function remove({ filters, directory }: Followed, number: number): void {
  const announcement = event(number, 'a', 30617, []);
  directory.onRemoved([{ ...announcement, bytes: 0 }]);
  filters.remove(announcement.id);
  filters.remove(eventId(number, 'b'));
}

function event(number: number, letter: string, kind: number, tags: string[][]): NostrEvent {
  return { id: eventId(number, letter), pubkey: owner, created_at: 0, kind, tags, content: '', sig: '' };
}

function eventId(number: number, letter: string): string {
  return number.toString(16).padStart(64, letter);
}
