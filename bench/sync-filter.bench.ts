import type { NostrEvent } from '../src/nostr/event.js';
import { OwnService } from '../src/nostr/relay-url.js';
import { parseAnnouncement } from '../src/nostr/repository.js';
import { Discovery } from '../src/sync/topics/discovery.js';
import { FilterService } from '../src/sync/topics/filter.js';
import { contender, type Scale, type Topic, type Work } from './topic.js';

const owner = 'a'.repeat(64);
/** Repositories that one run adds, each with a root. */
const added = 10;

/** What a new repository and its first root cost sync when there are n already: the filters of all relays follow. */
export const syncFilterTopic: Topic = {
  name: 'sync-filter',
  *works(scale: Scale) {
    for (const n of scale === 'full' ? [10, 100, 1_000, 10_000] : [10, 1_000]) yield growWork(n);
  },
};

function growWork(n: number): Work {
  const filters = serviceWith(n);
  return {
    name: 'add a repository and a root',
    n,
    units: added,
    contenders: [
      contender({
        name: 'incremental',
        role: 'candidate',
        run: () => {
          for (let number = n; number < n + added; number += 1) add(filters, number);
          const changes = filters.takeChanges();
          for (let number = n; number < n + added; number += 1) {
            filters.remove(eventId(number, 'a'));
            filters.remove(eventId(number, 'b'));
          }
          filters.takeChanges();
          return changes;
        },
      }),
      contender({
        name: 'rebuilt from all that is stored',
        role: 'reference',
        slow: n >= 1_000,
        run: () => {
          let changes: unknown;
          for (let count = 1; count <= added; count += 1) changes = serviceWith(n + count).takeChanges();
          return changes;
        },
      }),
    ],
  };
}

function serviceWith(repositories: number): FilterService {
  const discovery = new Discovery({
    ownService: new OwnService('grasp.example', '127.0.0.1:7334'),
    bootstrapRelays: ['wss://bootstrap.example'],
    relaysMax: 2_000,
    relaysPerAnnouncementMax: 100,
  });
  const filters = new FilterService({ discovery, serves: () => true });
  for (let number = 0; number < repositories; number += 1) add(filters, number);
  return filters;
}

function add(filters: FilterService, number: number): void {
  const announcement = event(number, 'a', 30617, [
    ['d', `repository-${number}`],
    ['relays', `wss://relay-${number % 50}.example`, `wss://relay-${(number + 7) % 50}.example`],
  ]);
  filters.addAnnouncement(announcement, parseAnnouncement(announcement));
  filters.addRoot(event(number, 'b', 1621, [['a', `30617:${owner}:repository-${number}`]]));
}

function event(number: number, letter: string, kind: number, tags: string[][]): NostrEvent {
  return { id: eventId(number, letter), pubkey: owner, created_at: 0, kind, tags, content: '', sig: '' };
}

function eventId(number: number, letter: string): string {
  return number.toString(16).padStart(64, letter);
}
