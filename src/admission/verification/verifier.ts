import type { NostrEvent } from '../../nostr/event.js';

/** What the check of id and signature (NIP-01) says of one event. */
export type Verdict = 'valid' | 'wrong-id' | 'wrong-signature';

/** Checks ids and signatures in batches, off the main thread. */
export type Verifier = AsyncDisposable & {
  /** The most batches that are worth having under way at once. */
  readonly batchesMax: number;
  /** The verdicts, in the order of the events. Rejects only when the verifier itself failed or was closed. */
  verify(events: readonly NostrEvent[]): Promise<Verdict[]>;
};
