import type { PrsRepository } from '../../git/bare-repositories.js';
import type { PackLimits } from '../../hosting/incoming-pack.js';
import type { Promotion } from '../../hosting/promotion/promotion.js';
import { PrsAlignment } from '../../hosting/prs/prs-alignment.js';
import { PrsMetrics } from '../../hosting/prs/prs-metrics.js';
import { PrsPushRules } from '../../hosting/prs/prs-push-rules.js';
import { PrsRegistry } from '../../hosting/prs/prs-registry.js';
import { PrsRoom } from '../../hosting/prs/prs-room.js';
import { PushMetrics } from '../../hosting/push-metrics.js';
import { type ReceiveParts, ReceiveService } from '../../hosting/receive-service.js';
import type { Core } from '../core.js';
import type { CurrentOptions } from '../reload/current-options.js';
import { ownServiceOf } from '../settings.js';
import { prsGauges, prsRegistrySettingsOf, prsRoomSettingsOf } from './prs-settings.js';

/** What pushes to repositories of either sort stand on. */
type Shared = Omit<ReceiveParts<PrsRepository>, 'rules' | 'metrics'> & { readonly packLimits: PackLimits };

/** Repositories of pull requests, before there is what promotes events. */
type Prs = {
  readonly alignment: PrsAlignment;
  receiveWith(promotion: Promotion): ReceiveService<PrsRepository>;
};

/** Takes pull requests of people who have no repository here (GRASP-06), where the operator wants that. */
export function createPrs(
  core: Core,
  current: CurrentOptions,
  shared: Shared,
  signal: AbortSignal,
): Prs | undefined {
  const { prsDiskUse: diskUse, maintenance, admission } = core;
  if (diskUse === undefined) return undefined;
  const ownService = ownServiceOf(current.now);
  const isOwnService = (url: string) => ownService.isNamedBy(url);
  const registry = new PrsRegistry(current.settings(prsRegistrySettingsOf));
  const metrics = new PrsMetrics(core.registry);
  const alignment = new PrsAlignment({
    ...core,
    ...shared,
    store: core.store,
    registry,
    isOwnService,
    metrics,
    onRemoved: (repository) => maintenance.removed(repository),
  });
  admission.feed.onAccepted(({ event }) => alignment.onEvent(event));
  admission.feed.onRemoved(({ removed }) => alignment.onRemoved(removed));
  const room = new PrsRoom({ ...core, diskUse, settings: current.settings(prsRoomSettingsOf) });
  return {
    alignment,
    receiveWith: (promotion) =>
      new ReceiveService({
        ...shared,
        rules: new PrsPushRules({
          ...core,
          ...shared,
          registry,
          room,
          alignment,
          promotion,
          metrics,
          isOwnService,
          signal,
        }),
        metrics: new PushMetrics(core.registry, prsGauges.prefix),
      }),
  };
}
