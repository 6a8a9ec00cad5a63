import { limits } from '../../config/limits.js';
import type { Options } from '../../config/options.js';
import type { PrsRepository, RepositoryKey } from '../../git/bare-repositories.js';
import type { GitDataSync } from '../../git-sync/git-data-sync.js';
import { AnnouncedPushRules } from '../../hosting/announced-push-rules.js';
import { Promotion } from '../../hosting/promotion/promotion.js';
import type { PrsAlignment } from '../../hosting/prs/prs-alignment.js';
import { PushMetrics } from '../../hosting/push-metrics.js';
import { ReceiveService } from '../../hosting/receive-service.js';
import type { AddressAccounts } from '../../lib/budgets/address-accounts.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { Core } from '../core.js';
import type { CurrentOptions } from '../reload/current-options.js';
import { pushedPackLimitsOf } from '../settings.js';
import type { Surroundings } from '../surroundings.js';
import { fetchFor } from './data-sync.js';
import { createPrs } from './prs.js';
import { roomOf } from './room.js';

/** What takes pushes, and what promotes held events; all end with the signal. */
export type Hosting = {
  readonly receive: ReceiveService<RepositoryId>;
  readonly promotion: Promotion;
  /** Pull requests of people who have no repository here (GRASP-06), where those are taken. */
  readonly prs: PrsHosting | undefined;
};

/** What takes pushes to repositories of pull requests, and what keeps those as the events say. */
export type PrsHosting = {
  readonly receive: ReceiveService<PrsRepository>;
  readonly alignment: PrsAlignment;
};

/** Lets clients push to the repositories of a core, and events follow their git data. */
export function createHosting(
  core: Core,
  current: CurrentOptions,
  { clock, logger }: Surroundings,
  accounts: AddressAccounts,
  signal: AbortSignal,
): Hosting {
  const { admission, maintenance, registry, refChanges } = core;
  const { reserve, proposalRoomFor, onShared } = roomOf(core, current);
  const packLimits = current.settings(pushedPackLimitsOf);
  const shared = {
    ...core,
    clock,
    log: logger,
    refsChanged: (gitDir: string) => refChanges.announce(gitDir),
    packLimits,
    drainBytesMax: () => packLimits.bytesMax,
    onPack: (repository: RepositoryKey, bytes: number) => maintenance.packArrived(repository, bytes),
    takePush: (addressGroup: string) => accounts.of(addressGroup).takePush(),
  };
  const prs = createPrs(core, current, shared, signal);
  const promotion = new Promotion(
    {
      ...shared,
      onShared,
      roomFor: (repository) => maintenance.roomFor(repository),
      proposalRoomFor,
      prs: prs?.alignment,
      promote: async (event) => {
        await admission.holding?.promote(event);
      },
    },
    signal,
  );
  const rules = new AnnouncedPushRules({
    ...shared,
    reserve,
    promotion,
    refusal: (repository) => refusalOf(current.now, maintenance, repository),
  });
  return {
    receive: new ReceiveService({ ...shared, rules, metrics: new PushMetrics(registry) }),
    promotion,
    prs: prs === undefined ? undefined : { ...prs, receive: prs.receiveWith(promotion) },
  };
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
