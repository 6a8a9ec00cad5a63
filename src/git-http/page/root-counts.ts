import { limits } from '../../config/limits.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import { kinds } from '../../nostr/kinds.js';
import type { EventStore } from '../../store/event-store.js';

/** How many are in each status (NIP-34). */
export type StatusCounts = {
  readonly open: number;
  /** Of patches and pull requests; issues are resolved. */
  readonly applied: number;
  readonly closed: number;
  readonly draft: number;
};

export type RootCounts = {
  readonly issues: StatusCounts;
  readonly patches: StatusCounts;
  readonly pullRequests: StatusCounts;
  /** Whether there are more than were looked at. */
  readonly isPartial: boolean;
};

type Source = Pick<EventStore, 'idsInTurns' | 'authorOf' | 'query'>;
type Status = keyof StatusCounts;

/** NIP-34: open, applied or resolved, closed, draft. */
const statusOfKind: ReadonlyMap<number, Status> = new Map([
  [kinds.statusOpen, 'open'],
  [kinds.statusOpen + 1, 'applied'],
  [kinds.statusOpen + 2, 'closed'],
  [kinds.statusOpen + 3, 'draft'],
]);

/**
 * Counts the roots that name a repository, by the newest status that their author or a maintainer gave them; of a series of
 * patches the first is one. Looks at a bounded number of the newest.
 */
export async function countRoots(
  store: Source,
  address: string,
  maintainers: ReadonlySet<string>,
): Promise<RootCounts> {
  const count = (filter: Filter) => countByStatus(store, { ...filter, '#a': [address] }, maintainers);
  const issues = await count({ kinds: [kinds.issue] });
  const patches = await count({ kinds: [kinds.patch], '#t': ['root'] });
  const pullRequests = await count({ kinds: [kinds.pullRequest] });
  const all = [issues, patches, pullRequests];
  return {
    issues: issues.counts,
    patches: patches.counts,
    pullRequests: pullRequests.counts,
    isPartial: all.some(({ isPartial }) => isPartial),
  };
}

async function countByStatus(
  store: Source,
  filter: Filter,
  maintainers: ReadonlySet<string>,
): Promise<{ readonly counts: StatusCounts; readonly isPartial: boolean }> {
  const roots = new Set<string>();
  let isPartial = false;
  for await (const ids of store.idsInTurns(filter, limits.pageRootsMax)) {
    for (const id of ids) {
      if (roots.size < limits.pageRootsMax) roots.add(id);
      else isPartial = true;
    }
    if (isPartial) break;
  }
  const statuses = new Map<string, Status>();
  if (roots.size > 0) {
    const asked = { kinds: [...statusOfKind.keys()], '#e': [...roots], limit: limits.pageStatusesMax };
    let bytesLeft = limits.pageStatusesBytesMax;
    reading: for await (const chunk of store.query([asked])) {
      for (const { bytes, event } of chunk) {
        // Anybody may publish a status, as large as an event may be.
        bytesLeft -= bytes.length;
        if (bytesLeft < 0) {
          isPartial = true;
          break reading;
        }
        for (const id of rootsOf(event)) {
          const mayJudge = maintainers.has(event.pubkey) || store.authorOf(id) === event.pubkey;
          // The newest comes first.
          if (roots.has(id) && mayJudge && !statuses.has(id)) {
            statuses.set(id, statusOfKind.get(event.kind) ?? 'open');
          }
        }
      }
    }
  }
  const counts = { open: 0, applied: 0, closed: 0, draft: 0 };
  for (const id of roots) counts[statuses.get(id) ?? 'open'] += 1;
  return { counts, isPartial };
}

/** What a status is about: the `e` tag that is marked as the root, or those without a mark. */
function rootsOf({ tags }: NostrEvent): string[] {
  return tags.flatMap(([name, id, , mark]) =>
    name === 'e' && id !== undefined && (mark === undefined || mark === '' || mark === 'root') ? [id] : [],
  );
}
