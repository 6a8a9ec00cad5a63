import type { Verdict, Verifier } from '../../../src/admission/verification/verifier.js';
import { eventHash } from '../../../src/nostr/event.js';
import { signatureOf } from '../world/signing.js';

/** Checks ids as they are, and signatures by the rule of the simulated world, without threads. */
export function createFakeVerifier(): Verifier {
  return {
    batchesMax: 2,
    async verify(events) {
      const verdicts = events.map((event): Verdict => {
        if (eventHash(event) !== event.id) return 'wrong-id';
        return event.sig === signatureOf(event.id) ? 'valid' : 'wrong-signature';
      });
      return { verdicts };
    },
    async [Symbol.asyncDispose]() {},
  };
}
