import { addressOf } from '../nostr/address.js';
import { eventBytes, type NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import { isEphemeralKind } from '../nostr/kinds.js';
import type { EventStore, RemovedEvent } from '../store/event-store.js';
import type { Decision, Effect } from './decision.js';
import type { KeyQuotas } from './key-quotas.js';
import type { WritePolicy } from './write-policy.js';

/** Keys that the operator allowed while the daemon ran (`moderation/`): no quota binds them. */
export type AllowedKeys = { isAllowed(pubkey: string): boolean };

/** A policy with quotas: what it accepts is refused where its author has had their share. */
export class QuotaPolicy implements WritePolicy {
  readonly #policy: WritePolicy;
  readonly #quotas: KeyQuotas;
  readonly #store: Pick<EventStore, 'hasAt'>;
  readonly #allowed: AllowedKeys | undefined;

  constructor(
    policy: WritePolicy,
    quotas: KeyQuotas,
    store: Pick<EventStore, 'hasAt'>,
    allowed?: AllowedKeys,
  ) {
    this.#allowed = allowed;
    this.#policy = policy;
    this.#quotas = quotas;
    this.#store = store;
  }

  precheck(event: NostrEvent): string | undefined {
    return this.#policy.precheck(event);
  }

  decide(event: NostrEvent, quotas: 'kept' | 'waived' = 'kept'): Decision {
    const decision = this.#policy.decide(event);
    if (quotas === 'waived') return decision;
    if (decision.type === 'reject' || isEphemeralKind(event.kind)) return decision;
    if (this.#allowed?.isAllowed(event.pubkey)) return decision;
    const { pubkey, kind } = event;
    const need = { pubkey, kind, bytes: eventBytes(event), replaces: this.#replaces(event) };
    const reason = this.#quotas.refusal(need, need.replaces);
    if (reason !== undefined) return { type: 'reject', reason, lacks: need };
    return decision.type === 'accept' && this.#quotas.isOfStranger(need)
      ? { ...decision, isOfStranger: true }
      : decision;
  }

  onStored(event: NostrEvent): void {
    this.#policy.onStored(event);
  }

  onRemoved(removed: readonly RemovedEvent[]): readonly Effect[] {
    return this.#policy.onRemoved(removed);
  }

  retryCandidates(event: NostrEvent): Filter[] {
    return this.#policy.retryCandidates(event);
  }

  /** Whether a version of a replaceable event is stored, which the store lets go for this one. */
  #replaces(event: NostrEvent): boolean {
    const address = addressOf(event);
    return address !== undefined && this.#store.hasAt(address);
  }
}

/** Counts what is stored, or keeps its effect, from now on and until the process ends. */
export function countStored(store: Pick<EventStore, 'observe' | 'forEachKept'>, quotas: KeyQuotas): void {
  store.forEachKept((event) => quotas.add(event));
  store.observe({
    added: ({ pubkey, kind }, bytes) => quotas.add({ pubkey, kind, bytes }),
    removed: (event, remains) => {
      if (remains !== 'effect') quotas.remove(event);
    },
  });
}
