import type { Options } from '../../config/options.js';
import { Moderation } from '../../moderation/moderation.js';
import type { Core } from '../core.js';
import type { Surroundings } from '../surroundings.js';

export type ModerationChoices = {
  /** Whether a public key is of somebody who may manage the relay. */
  readonly isAdmin: (pubkey: string) => boolean;
  readonly endBlocked: () => void;
  readonly signal: AbortSignal;
};

/** What bans while the daemon runs. */
export function createModeration(
  core: Core,
  { trustedProxy }: Options,
  { clock, logger }: Surroundings,
  { isAdmin, endBlocked, signal }: ModerationChoices,
): Moderation {
  return new Moderation({
    ...core,
    lists: core.moderationLists,
    isProtected: isAdmin,
    trustedProxies: trustedProxy,
    endBlocked,
    clock,
    log: logger,
    signal,
  });
}
