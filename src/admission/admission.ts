import type { NostrEvent } from '../nostr/event.js';

/** Where an event came from (`sources.ts` says what that changes); `relay` is the normalised URL of the remote. */
export type EventSource =
  | { readonly type: 'direct'; readonly address?: AddressShare }
  /** The operator gave it (`graspd import`). */
  | { readonly type: 'import' }
  | { readonly type: 'live_sync' | 'catchup' | 'daily_catchup'; readonly relay: string };

/** What clients of one address may add to what is here (`AddressAccount`). */
export type AddressShare = {
  /** The addresses that are one (`lib/budgets/address-group.ts`). */
  readonly group: string;
  /** Counts one such event, or says why not. */
  takeStrangerEvent(): string | undefined;
};

/** What became of an event. Reasons begin with a NIP-01 prefix. */
export type AdmissionOutcome =
  | { readonly type: 'stored' }
  /** It is kept, and will be stored and served when its git data, or what it hangs on, is here. */
  | { readonly type: 'held'; readonly reason: string }
  /** The very event is stored already. */
  | { readonly type: 'known'; readonly reason: string }
  /** Not taken, for a newer version of it is stored, or one of the same time that wins the tie (NIP-01). */
  | { readonly type: 'superseded'; readonly reason: string }
  /** Passed on to those who listen, not stored (NIP-01). */
  | { readonly type: 'ephemeral' }
  | { readonly type: 'refused'; readonly reason: string }
  /** It may be one to take, but there is no room for it, or it made policy, store or verifier fail; nothing is remembered. */
  | { readonly type: 'failed'; readonly reason: string };

/** An event that was accepted and is on disk (or ephemeral), with its one serialisation for all who are sent it. */
export type AcceptedEvent = {
  readonly event: NostrEvent;
  readonly json: string;
  readonly source: EventSource;
  readonly stored: boolean;
  /** That of the store; `undefined` for what is not stored. */
  readonly sequence: number | undefined;
};

/** Events that left the store because another replaced or deleted them, or because they expired. */
export type RemovedEvents = {
  readonly removed: readonly {
    readonly id: string;
    readonly kind: number;
    readonly pubkey: string;
    readonly created_at: number;
  }[];
};

/** The one door (docs/sync.md §6): every event, from a client, a remote or the operator, goes through it. */
export type Admission = {
  /**
   * Checks, decides, stores. Settles when the outcome stands: `stored` after the write. Never rejects for anything
   * an event contains; rejects with `StoreError` when the store failed and with the signal's reason at shutdown.
   */
  submit(event: NostrEvent, source: EventSource): Promise<AdmissionOutcome>;
  /** Resolves when there is room for more from such a source; producers wait for it between submissions. */
  waitForCapacity(source: EventSource['type']): Promise<void>;
  /** Whether there is room now. */
  hasCapacity(source: EventSource['type']): boolean;
  /**
   * Calls the listener with the ids of refused events that may be acceptable by now and are no longer at hand, so
   * that they can be asked for again, and with the event because of which; and, without one, with those that the store
   * lost, or whose newer version expired. Returns the way to stop listening.
   */
  onWanted(listener: WantedListener): () => void;
  /** What was accepted, in the order it was stored. */
  readonly feed: Feed;
};

export type WantedListener = (ids: readonly string[], cause: NostrEvent | undefined) => void;

/** The feed of accepted events: serves relay subscriptions and sync alike. Listeners must not throw. */
export type Feed = {
  /** All that was stored up to this sequence has been announced; what follows is still to come. */
  readonly announced: number;
  /** Returns the way to stop listening. */
  onAccepted(listener: (accepted: AcceptedEvent) => void): () => void;
  onRemoved(listener: (removed: RemovedEvents) => void): () => void;
};
