import type { AdmissionPipeline } from '../admission/admission-pipeline.js';
import { limits } from '../config/limits.js';
import type { Filter } from '../nostr/filter.js';
import { kinds } from '../nostr/kinds.js';
import type { EventStore } from '../store/event-store.js';

export type TakingAwayParts = {
  readonly store: Pick<EventStore, 'idsInTurns'>;
  readonly admission: Pick<AdmissionPipeline, 'takeAway'>;
};

/** What gives its author a say in repositories goes first. */
const firstKinds = [
  kinds.repositoryAnnouncement,
  kinds.repositoryState,
  kinds.pullRequest,
  kinds.pullRequestUpdate,
];

/**
 * Takes away all stored events that match, in batches between which everything else has its turn; gives how many went, after
 * each. `before` is called with each batch before it goes. Who stops asking leaves the rest. Rejects as `AdmissionPipeline.takeAway`.
 */
export async function* takeAway(
  { store, admission }: TakingAwayParts,
  filter: Filter,
  reason: string,
  before?: (ids: readonly string[]) => Promise<void>,
): AsyncGenerator<number> {
  for (const part of partsOf(filter))
    for await (const ids of store.idsInTurns(part, limits.takenAwayAtOnceMax)) {
      if (ids.length === 0) continue;
      await before?.(ids);
      yield await admission.takeAway(ids, reason);
    }
}

function partsOf(filter: Filter): Filter[] {
  const kindsOfBoth =
    filter.kinds?.filter((kind) => firstKinds.some((first) => first === kind)) ?? firstKinds;
  return [{ ...filter, kinds: kindsOfBoth }, filter];
}
