import { limits } from '../../config/limits.js';
import type { RelayReport } from '../../control/reports.js';
import type { Clock } from '../../lib/clock.js';
import { metricValue } from '../../lib/gauge.js';
import type { Purgatory } from '../../purgatory/purgatory.js';
import { heldKindLabel } from '../../purgatory/purgatory-metrics.js';
import type {
  FullStatusReport,
  HeldReport,
  NodesReport,
  StatusSource,
  StoreReport,
} from '../../web/status/status-report.js';
import type { Core } from '../core.js';
import { type StatusParts, statusOf } from '../operator/control-routes.js';
import { isConnected, isoTime, relayReport, repositoryReport } from '../operator/reports.js';
import type { Throughput } from './throughput.js';

export type StatusSourceParts = StatusParts &
  Pick<Core, 'registry' | 'refusals' | 'stats'> & {
    readonly throughput: Throughput;
    readonly clock: Pick<Clock, 'now'>;
    /** `undefined` where nobody else can write to the database. */
    readonly nodes: () => NodesReport | undefined;
    /** Of all repositories. */
    readonly repositoriesBytesMax: () => number;
  };

/** What the status page says, from the same reports that answer the operator's commands. */
export function statusSource(parts: StatusSourceParts): StatusSource {
  return {
    report: async (): Promise<FullStatusReport> => {
      const nodes = parts.nodes();
      return {
        at: isoTime(parts.clock.now()),
        status: statusOf(parts),
        ...(nodes === undefined ? {} : { nodes }),
        relays: relaysOf(parts),
        refused: parts.refusals.list(),
        held: heldOf(parts.purgatory),
        store: await storeOf(parts),
        throughput: await parts.throughput.report(),
      };
    },
    repository: (repository) => repositoryReport(repository, parts),
  };
}

function relaysOf({ sync }: StatusSourceParts): FullStatusReport['relays'] {
  const { relays } = sync.status();
  const rank = (relay: (typeof relays)[number]) => {
    if (isConnected(relay)) return 0;
    return relay.health === 'dead' ? 2 : 1;
  };
  const sorted = relays.toSorted((a, b) => rank(a) - rank(b));
  const shown: RelayReport[] = sorted.slice(0, limits.statusRelaysMax).map(relayReport);
  return { total: relays.length, shown };
}

function heldOf(purgatory: Pick<Purgatory, 'all'>): HeldReport {
  const counts = new Map<string, number>();
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const { event, heldAtMs } of purgatory.all()) {
    const kind = heldKindLabel(event.kind);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    oldestMs = Math.min(oldestMs, heldAtMs);
  }
  const kinds = [...counts].map(([kind, count]) => ({ kind, count })).sort((a, b) => b.count - a.count);
  return { kinds, ...(kinds.length === 0 ? {} : { oldest: isoTime(oldestMs) }) };
}

async function storeOf({
  stats,
  disk,
  registry,
  repositoriesBytesMax,
}: StatusSourceParts): Promise<StoreReport> {
  const { storedEvents, refusedEvents, pendingEvents, indexBytes } = stats();
  const { freeBytes, floorBytes } = disk;
  return {
    events: storedEvents,
    refusedIds: refusedEvents,
    pendingEvents,
    indexBytes,
    repositoriesBytes: await metricValue(registry, 'ngit_git_repositories_bytes'),
    repositoriesBytesMax: repositoriesBytesMax(),
    ...(freeBytes === undefined ? {} : { freeBytes }),
    floorBytes,
  };
}
