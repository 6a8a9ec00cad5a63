import type { AdmissionPipeline } from '../admission/admission-pipeline.js';
import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';

/** Removes what has expired (NIP-40) and forgets old refusals, every minute, until the signal aborts. */
export async function serveHousekeeping(
  admission: Pick<AdmissionPipeline, 'sweep'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await admission.sweep();
    await clock.sleep(limits.expirySweepIntervalMs, signal).catch(() => {});
  }
}
