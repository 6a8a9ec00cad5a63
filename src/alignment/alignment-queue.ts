import { limits } from '../config/limits.js';
import type { RepositoryId } from '../repositories/repository-directory.js';

/** Which parts of a repository may differ from the stored events. */
export type AlignmentScope = {
  /** Heads, tags and `HEAD`. */
  readonly refs: boolean;
  /** Pull requests by event id. */
  readonly pullRequests: 'all' | Set<string>;
  /** Whether to look even when the same state was applied whole before: objects may have come, refs may have moved. */
  readonly isForced: boolean;
};

export const everything: AlignmentScope = { refs: true, pullRequests: 'all', isForced: true };
export const onlyRefs = (): AlignmentScope => ({ refs: true, pullRequests: new Set(), isForced: false });

/**
 * A repository that is to be aligned, after `failures` tries that failed in a row. It belongs to whoever has it last: what
 * is asked for beside it is added to it in place.
 */
export type AlignmentWork = {
  readonly repository: RepositoryId;
  readonly scope: AlignmentScope;
  readonly failures: number;
};

/**
 * Repositories that wait to be aligned, each once, with all that is to be looked at. What follows from a fresh event
 * goes before the background: a look at everything after a start.
 */
export class AlignmentQueue {
  readonly #fresh = new Map<string, AlignmentWork>();
  readonly #background = new Map<string, AlignmentWork>();

  get size(): number {
    return this.#fresh.size + this.#background.size;
  }

  add(work: AlignmentWork, urgency: 'fresh' | 'background'): void {
    const key = keyOf(work.repository);
    const queue = urgency === 'fresh' || this.#fresh.has(key) ? this.#fresh : this.#background;
    const waiting = queue.get(key) ?? this.remove(key);
    queue.set(key, waiting === undefined ? work : mergeWork(waiting, work));
  }

  has(key: string): boolean {
    return this.#fresh.has(key) || this.#background.has(key);
  }

  /** Takes the next repository that is not among the busy ones. */
  take(busy: ReadonlySet<string>): AlignmentWork | undefined {
    for (const queue of [this.#fresh, this.#background]) {
      for (const [key, work] of queue) {
        if (busy.has(key)) continue;
        queue.delete(key);
        return work;
      }
    }
    return undefined;
  }

  /** Takes a repository out of the queue, if it is there. */
  remove(key: string): AlignmentWork | undefined {
    const work = this.#fresh.get(key) ?? this.#background.get(key);
    this.#fresh.delete(key);
    this.#background.delete(key);
    return work;
  }
}

/** A text that stands for a repository, and for no other. */
export function keyOf({ pubkey, identifier }: RepositoryId): string {
  return `${pubkey}:${identifier}`;
}

/** All that either asks for, in what was one of them: neither is to be used any more. */
export function mergeWork(a: AlignmentWork, b: AlignmentWork): AlignmentWork {
  const scope: AlignmentScope = {
    refs: a.scope.refs || b.scope.refs,
    pullRequests: mergePullRequests(a.scope.pullRequests, b.scope.pullRequests),
    isForced: a.scope.isForced || b.scope.isForced,
  };
  return { repository: a.repository, scope, failures: Math.max(a.failures, b.failures) };
}

function mergePullRequests(
  a: AlignmentScope['pullRequests'],
  b: AlignmentScope['pullRequests'],
): AlignmentScope['pullRequests'] {
  if (a === 'all' || b === 'all') return 'all';
  // Never copied: a thousand may come one by one, each for a hundred repositories.
  const [merged, others] = a.size < b.size ? [b, a] : [a, b];
  for (const eventId of others) merged.add(eventId);
  return merged.size > limits.alignmentPullRequestsMax ? 'all' : merged;
}
