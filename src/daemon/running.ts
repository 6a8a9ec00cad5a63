import type { AdmissionPipeline } from '../admission/admission-pipeline.js';
import { limits } from '../config/limits.js';
import type { GitDataSync } from '../git-sync/git-data-sync.js';
import type { Promotion } from '../hosting/promotion/promotion.js';
import type { Clock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import type { ReleaseStack } from '../lib/release-stack.js';
import type { Moderation } from '../moderation/moderation.js';
import type { SyncManager } from '../sync/manager.js';
import type { Core } from './core.js';
import { type PrsHosting, servePromotion } from './git/hosting.js';
import type { Surroundings } from './surroundings.js';
import type { Web } from './web/pages.js';

/** The parts that run for as long as the daemon does, beside those of the core. */
export type Running = {
  readonly sync: SyncManager;
  readonly promotion: Promotion;
  readonly gitSync: GitDataSync;
  readonly prs: PrsHosting | undefined;
  readonly moderation: Moderation;
  readonly web: Web;
};

/** Starts what runs for as long as the daemon does; the result rejects when one of them breaks. */
export function runUntilReleased(
  core: Core,
  { sync, promotion, gitSync, prs, moderation, web }: Running,
  { clock, logger }: Surroundings,
  stop: AbortController,
  stack: ReleaseStack,
): Promise<never> {
  const work = [
    sync.run(stop.signal),
    serveHousekeeping(core.admission, clock, stop.signal),
    core.maintenance.serve(stop.signal),
    servePromotion(core, { promotion, gitSync }, clock, stop.signal),
    gitSync.ended(),
    moderation.resume(),
    web.run(stop.signal),
    ...(prs === undefined ? [] : [prs.alignment.serve(stop.signal)]),
  ];
  const ended = Promise.allSettled(work);
  stack.defer(async () => {
    stop.abort();
    await ended;
    await moderation.ended();
  });
  return new Promise((_, reject) => {
    for (const part of work) {
      part.catch((error: unknown) => {
        if (stop.signal.aborted) return;
        logger.fatal({ error: errorMessage(error) }, 'a part of the daemon broke');
        reject(error);
      });
    }
  });
}

/** Removes what has expired (NIP-40) and forgets old refusals, every minute, until the signal aborts. */
async function serveHousekeeping(
  admission: Pick<AdmissionPipeline, 'sweep'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await admission.sweep();
    await clock.sleep(limits.expirySweepIntervalMs, signal).catch(() => {});
  }
}
