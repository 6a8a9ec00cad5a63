import { limits } from '../../config/limits.js';
import type { Options } from '../../config/options.js';
import type { GitDataSync } from '../../git-sync/git-data-sync.js';
import { Promotion } from '../../hosting/promotion/promotion.js';
import { PushMetrics } from '../../hosting/push-metrics.js';
import { ReceiveService } from '../../hosting/receive-service.js';
import type { AddressAccounts } from '../../lib/budgets/address-accounts.js';
import { minuteMs } from '../../lib/clock.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { Core } from '../core.js';
import type { Surroundings } from '../surroundings.js';
import { fetchFor } from './data-sync.js';
import { roomOf } from './room.js';

const bytesPerMegabyte = 1_000_000;

/** What takes pushes, and what promotes held events; both end with the signal. */
export type Hosting = { readonly receive: ReceiveService; readonly promotion: Promotion };

/** Lets clients push to the repositories of a core, and events follow their git data. */
export function createHosting(
  core: Core,
  options: Options,
  { clock, logger }: Surroundings,
  accounts: AddressAccounts,
  signal: AbortSignal,
): Hosting {
  const { admission, maintenance, registry, refChanges } = core;
  const parts = {
    ...core,
    clock,
    log: logger,
    refsChanged: (gitDir: string) => refChanges.announce(gitDir),
    roomFor: (repository: RepositoryId) => maintenance.roomFor(repository),
    ...roomOf(core, options),
  };
  const promotion = new Promotion(
    {
      ...parts,
      promote: async (event) => {
        await admission.holding?.promote(event);
      },
    },
    signal,
  );
  const receive = new ReceiveService({
    ...parts,
    promotion,
    metrics: new PushMetrics(registry),
    packLimits: {
      bytesMax: options.gitPushMaxMb * bytesPerMegabyte,
      bytesMaxIs: '--git-push-max-mb',
      objectsMax: limits.pushObjectsMax,
      msMax: options.gitMinutesMax * minuteMs,
    },
    refusal: (repository) => refusalOf(options, maintenance, repository),
    takePush: (addressGroup) => accounts.of(addressGroup).takePush(),
  });
  return { receive, promotion };
}

function refusalOf(
  { archiveReadOnly }: Options,
  maintenance: Core['maintenance'],
  repository: RepositoryId,
): string | undefined {
  return archiveReadOnly ? 'this server is a read-only archive' : maintenance.refusal(repository);
}

/**
 * Promotes what a crash left behind, has git data fetched for what is held still, then promotes, every minute, what could not
 * be before, and removes refs of pull requests that did not come. Ends when nothing is copied any more.
 */
export async function servePromotion(
  core: Core,
  { promotion, gitSync }: { readonly promotion: Promotion; readonly gitSync: GitDataSync },
  clock: Surroundings['clock'],
  signal: AbortSignal,
): Promise<void> {
  let left = await promotion.recover(promotion.held());
  for (const event of promotion.held()) fetchFor(core, gitSync, event);
  while (!signal.aborted) {
    await promotion.removeUnannounced();
    await clock.sleep(limits.expirySweepIntervalMs, signal).catch(() => {});
    left = await promotion.recover(left);
  }
  await promotion.ended();
}
