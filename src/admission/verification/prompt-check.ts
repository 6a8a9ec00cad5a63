import { limits } from '../../config/limits.js';
import { TokenBucket } from '../../lib/budgets/token-bucket.js';
import type { Clock } from '../../lib/clock.js';
import type { NostrEvent } from '../../nostr/event.js';
import { decodeBatch, encodeBatch, judgeBatch } from './batch-codec.js';
import { type SignatureCheck, verdictOn } from './signature-check.js';
import type { VerifiedBatch } from './verifier.js';

/** Checks the id and signature of one event on the thread that asks, as long as that takes a small share of its time. */
export type PromptCheck = {
  /** A batch of that event alone; `undefined` when the share is used up. */
  check(event: NostrEvent): VerifiedBatch | undefined;
};

export function createPromptCheck(clock: Pick<Clock, 'monotonic'>, signatures: SignatureCheck): PromptCheck {
  const time = new TokenBucket(clock, limits.promptCheckMsPerMinute, limits.promptCheckMsAtOnce);
  return {
    check(event) {
      if (time.isOverspent) return undefined;
      const beganMs = clock.monotonic();
      const batch = encodeBatch([event]);
      judgeBatch(batch, (message) => verdictOn(message, signatures));
      time.spend(clock.monotonic() - beganMs);
      return decodeBatch(batch);
    },
  };
}
