import type { NostrEvent } from '../../nostr/event.js';

/** What the check of id and signature (NIP-01) says of one event. */
export type Verdict = 'valid' | 'wrong-id' | 'wrong-signature';

/** What came of a batch, in the order of its events. */
export type VerifiedBatch = {
  readonly verdicts: readonly Verdict[];
  /** The events as bytes (nostr/event-body.ts), where the check needed them: the store takes them as they are. */
  readonly bodies?: readonly Uint8Array[];
};

/** Checks ids and signatures in batches, off the main thread. */
export type Verifier = AsyncDisposable & {
  /** The most batches that are worth having under way at once. */
  readonly batchesMax: number;
  /** Rejects only when the verifier itself failed or was closed. */
  verify(events: readonly NostrEvent[]): Promise<VerifiedBatch>;
};
