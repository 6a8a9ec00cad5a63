import { limits } from '../../config/limits.js';
import { pieces } from '../../lib/collections/lists.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { TopicChange } from '../topics/filter-service.js';
import { everywhere, type Topic } from '../topics/layers.js';

/** Is told of topics that may be wanted of one relay only now, or no longer. */
export type TopicReader = { update(topics: readonly Topic[]): void };

/**
 * Tells the relays of changes piece by piece, in slices of as many turns as that takes: who has a repository with many
 * thousands of roots, and names other relays for it, sets off as much for each of these. Relays may come and go meanwhile,
 * and more may change: every piece is judged by what is wanted when it is told. Rejects when `signal` aborts.
 */
export async function deliverChanges(
  changes: Iterable<TopicChange>,
  readers: ReadonlyMap<string, TopicReader>,
  turns: Pick<WorkTurns, 'isOver' | 'next'>,
  signal: AbortSignal,
): Promise<void> {
  for (const { topics, relays } of changes) {
    // The topics can be read once.
    for (const piece of pieces(topics, limits.syncTopicsPerPieceMax)) {
      for (const relay of relays === everywhere ? [...readers.keys()] : relays) {
        if (!readers.has(relay)) continue;
        if (turns.isOver) await turns.next();
        signal.throwIfAborted();
        readers.get(relay)?.update(piece);
      }
    }
  }
}
