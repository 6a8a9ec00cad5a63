import { programVersion } from '../../config/version.js';
import { BadControlRequest, type ControlRoute } from '../../control/control-server.js';
import type { StatusReport, SyncReport } from '../../control/reports.js';
import type { GitDataSync } from '../../git-sync/git-data-sync.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { Moderation } from '../../moderation/moderation.js';
import { type Filter, parseFilter } from '../../nostr/filter.js';
import { normaliseRelayUrl } from '../../nostr/relay-url.js';
import type { SyncManager } from '../../sync/manager.js';
import type { Core } from '../core.js';
import type { Reloader } from '../reload/reloader.js';
import type { BackupDesk } from './backup-desk.js';
import { doctorRoute, type ExaminationParts } from './examination.js';
import { type ImportDesk, importRoute } from './import-desk.js';
import { moderationCounts, moderationRoutes } from './moderation-routes.js';
import { catchupReport, isoTime, relayCounts, relayReport, repositoryReport } from './reports.js';

/** What is looked at to say how the daemon is. */
export type StatusParts = Pick<Core, 'store' | 'purgatory' | 'directory' | 'disk'> & {
  readonly sync: SyncManager;
  readonly gitSync: GitDataSync;
  readonly moderation: Moderation;
  readonly domain: string;
  readonly address: () => string;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
};

/** What the operator's commands are answered from. */
export type ControlParts = StatusParts &
  ExaminationParts & {
    readonly reloader: Pick<Reloader, 'reload'>;
    readonly clock: Pick<Clock, 'sleep' | 'now'>;
    readonly backups: BackupDesk;
    readonly imports: ImportDesk;
  };

/** What a running daemon can be asked and told by its operator. */
export function controlRoutes(parts: ControlParts): ControlRoute[] {
  const { store, directory, sync, reloader, backups, imports } = parts;
  return [
    { method: 'GET', path: '/status', answer: async () => statusOf(parts) },
    {
      method: 'GET',
      path: '/relays',
      async *answer() {
        for (const status of sync.status().relays) yield relayReport(status);
      },
    },
    {
      method: 'GET',
      path: '/repositories',
      async *answer() {
        for (const repository of directory.served()) yield repositoryReport(repository, parts);
      },
    },
    {
      method: 'POST',
      path: '/export',
      async *bytes(body, signal) {
        yield* backups.export(filtersIn(body), signal);
      },
    },
    { method: 'GET', path: '/backup', bytes: (_, signal) => backups.take(true, signal) },
    { method: 'GET', path: '/backup/without-git', bytes: (_, signal) => backups.take(false, signal) },
    importRoute(imports),
    doctorRoute(parts),
    {
      method: 'POST',
      path: '/events',
      async *answer(body) {
        for await (const events of store.query(filtersIn(body))) for (const { event } of events) yield event;
      },
    },
    {
      method: 'POST',
      path: '/reload',
      answer: async (body) => await reloader.reload(acceptedIn(body)),
    },
    {
      method: 'POST',
      path: '/sync',
      async *answer(body) {
        for (const relay of relaysIn(body)) {
          yield { relay, isFollowed: sync.catchUp(relay) } satisfies SyncReport;
        }
      },
    },
    ...moderationRoutes(parts),
  ];
}

/** How the daemon is, in a few figures. */
export function statusOf(parts: StatusParts): StatusReport {
  const { store, purgatory, directory, disk, sync, gitSync, moderation, domain, address, startedAtMs } =
    parts;
  return {
    version: programVersion,
    startedAt: isoTime(startedAtMs),
    address: address(),
    domain,
    events: store.size,
    heldEvents: countOf(purgatory.all()),
    relays: relayCounts(sync),
    firstCatchup: catchupReport(sync.firstCatchup()),
    repositories: { served: directory.servedCount, incomplete: countOf(gitSync.incomplete()) },
    moderation: moderationCounts(moderation.lists),
    isDiskLow: disk.isLow,
  };
}

function filtersIn(body: unknown): Filter[] {
  try {
    return (Array.isArray(body) ? body : [body]).map(parseFilter);
  } catch (error) {
    throw new BadControlRequest(`that is no NIP-01 filter: ${errorMessage(error)}`);
  }
}

function relaysIn(body: unknown): string[] {
  if (!Array.isArray(body)) throw new BadControlRequest('sync takes URLs of relays');
  return body.map((url) => {
    try {
      return normaliseRelayUrl(String(url));
    } catch (error) {
      throw new BadControlRequest(errorMessage(error));
    }
  });
}

function acceptedIn(body: unknown): number {
  if (typeof body === 'number' && Number.isSafeInteger(body) && body >= 0) return body;
  throw new BadControlRequest('reload takes how many repositories may be closed');
}

function countOf(items: Iterable<unknown>): number {
  let count = 0;
  for (const _ of items) count += 1;
  return count;
}
