import { supersedes } from '../nostr/address.js';
import { hasLoneSurrogates, type NostrEvent } from '../nostr/event.js';
import { protectingAuthor } from '../nostr/protected.js';
import { type Decision, type Effect, type Hold, withoutHolding } from '../policy/decision.js';
import type { WaitingForRoom } from '../policy/waiting-for-room.js';
import type { WritePolicy } from '../policy/write-policy.js';
import { heldReason } from '../purgatory/held-event.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import type { EventStore, PutStatus } from '../store/event-store.js';
import type { AdmissionOutcome, EventSource } from './admission.js';
import type { EventDates } from './event-dates.js';
import type { InFlightEvents } from './in-flight-events.js';
import type { Refusals } from './refusals.js';
import { isFromRelay, rulesOf } from './sources.js';
import type { Verdict } from './verification/verifier.js';

export type JudgeParts = {
  readonly store: EventStore;
  readonly policy: WritePolicy;
  readonly refusals: Refusals;
  readonly dates: EventDates;
  /** Where there are quotas. */
  readonly waitingForRoom?: WaitingForRoom;
  readonly underWay: InFlightEvents;
  /** What is held, where events are. */
  readonly purgatory?: Pick<Purgatory, 'has' | 'versionOf'>;
  /** Whether there is room on the disk: without it no event of a client or the operator is taken that would have to be stored. */
  readonly hasRoom?: () => boolean;
};

/** An event that is to be stored, or passed on, with what follows on the git side. */
export type Taken = {
  readonly type: 'taken';
  readonly isEphemeral: boolean;
  readonly effects: readonly Effect[];
};

type Rejection = Extract<Decision, { readonly type: 'reject' }>;

/** What a client is told of an event that the store would not keep. */
const outcomeOfStatus: Readonly<Record<Exclude<PutStatus, 'stored' | 'ephemeral'>, AdmissionOutcome>> = {
  duplicate: { type: 'known', reason: 'duplicate: already have this event' },
  superseded: { type: 'superseded', reason: 'duplicate: have a newer version of this event' },
  deleted: { type: 'refused', reason: 'blocked: its author deleted this event' },
  expired: { type: 'refused', reason: 'invalid: this event has expired' },
};

export const held: AdmissionOutcome = { type: 'held', reason: heldReason };
const noRoom: AdmissionOutcome = {
  type: 'failed',
  reason: 'error: the disk of this relay is full; it takes events again when there is room',
};
const loneSurrogates = 'invalid: a string of the event is not UTF-8 (half of a surrogate pair)';
const wrongId: AdmissionOutcome = { type: 'refused', reason: 'invalid: the id is not the hash of the event' };
export const wrongSignature: AdmissionOutcome = {
  type: 'refused',
  reason: 'invalid: the signature is wrong',
};

/** Whether the event turned out not to be what it says: its id or its signature is wrong. */
export function isForged(outcome: AdmissionOutcome): boolean {
  return outcome === wrongId || outcome === wrongSignature;
}

/** What becomes of an event: asked first before its signature is checked, cheapest questions first, and again after. */
export class Judge {
  readonly #parts: JudgeParts;

  constructor(parts: JudgeParts) {
    this.#parts = parts;
  }

  /** What can be said without the signature; `undefined` when that has to be checked. */
  unverified(event: NostrEvent, source: EventSource): AdmissionOutcome | undefined {
    const { store, policy, refusals, dates } = this.#parts;
    const status = store.preview(event);
    if (status === 'duplicate') return outcomeOfStatus.duplicate;
    if (rulesOf(source).isHeld && this.#parts.purgatory?.has(event.id)) return held;
    const refusal = refusals.reasonFor(event, source);
    if (refusal !== undefined) return { type: 'refused', reason: refusal };
    if (status !== 'stored' && status !== 'ephemeral') return this.#dismiss(event, source, status);
    if (hasLoneSurrogates(event)) return this.#refuse(event, source, loneSurrogates);
    const early = dates.refusalOf(event);
    if (early !== undefined && !isFromRelay(source)) return { type: 'refused', reason: early };
    const reason = protectionAgainst(event, source) ?? policy.precheck(event);
    if (reason !== undefined) return this.#refuse(event, source, reason);
    const unwanted = this.#earlyRejection(event, source);
    if (unwanted !== undefined) return this.#reject(event, source, unwanted);
    const needsRoom = !isFromRelay(source) && status === 'stored';
    return needsRoom && this.#parts.hasRoom?.() === false ? noRoom : undefined;
  }

  /** What becomes of an event now that its signature was checked. */
  verified(event: NostrEvent, source: EventSource, verdict: Verdict): AdmissionOutcome | Taken | Hold {
    if (verdict === 'wrong-id') return wrongId;
    if (verdict === 'wrong-signature') return wrongSignature;
    const { store, dates } = this.#parts;
    const status = store.preview(event);
    if (status === 'duplicate') return outcomeOfStatus.duplicate;
    if (status !== 'stored' && status !== 'ephemeral') return this.#dismiss(event, source, status);
    const early = dates.refusalOf(event);
    if (early !== undefined) return this.#postpone(event, source, early);
    const decision = this.#decide(event, source);
    if (decision.type === 'reject') return this.#reject(event, source, decision);
    if (decision.type === 'hold') return this.#hold(event, decision);
    const above = source.type === 'direct' && decision.isOfStranger && source.address?.takeStrangerEvent();
    if (above) return { type: 'refused', reason: above };
    return { type: 'taken', isEphemeral: status === 'ephemeral', effects: decision.effects };
  }

  /** What becomes of a held event that is to be stored, for its git data is here. */
  promoted(event: NostrEvent): AdmissionOutcome | Taken {
    const status = this.#parts.store.preview(event);
    if (status === 'ephemeral') return { type: 'ephemeral' };
    if (status !== 'stored') return outcomeOfStatus[status];
    const decision = this.#parts.policy.decide(event);
    if (decision.type === 'reject') return { type: 'refused', reason: decision.reason };
    // What it hangs on has to be stored first.
    if (decision.type === 'hold' && decision.parents.length > 0) return held;
    return { type: 'taken', isEphemeral: false, effects: decision.effects };
  }

  /** Only what clients submit is held: nobody is about to push what the events of other relays are about. */
  #decide(event: NostrEvent, source: EventSource): Decision {
    const { isHeld, quotas } = rulesOf(source);
    const decision = this.#parts.policy.decide(event, quotas);
    return isHeld && this.#parts.purgatory !== undefined ? decision : withoutHolding(decision);
  }

  /** It is held, unless a newer version is, or it is held by now. */
  #hold(event: NostrEvent, hold: Hold): AdmissionOutcome | Hold {
    const { purgatory } = this.#parts;
    if (purgatory?.has(event.id)) return held;
    const version = purgatory?.versionOf(event);
    return version !== undefined && supersedes(version.event, event) ? outcomeOfStatus.superseded : hold;
  }

  /**
   * What a remote sends is not verified while the stored events, and those under way, give no reason to want it: when
   * one arrives, the event is tried again. What only lacks room is wanted, and verified like all that is. A client gets
   * one answer only, and may publish a root and its comment in one breath.
   */
  #earlyRejection(event: NostrEvent, source: EventSource): Rejection | undefined {
    if (!isFromRelay(source)) return undefined;
    const { underWay, purgatory } = this.#parts;
    const decision = this.#decide(event, source);
    if (decision.type !== 'reject' || decision.lacks !== undefined) return undefined;
    // Also refused it may end the holding of an older version.
    return underWay.has(event) || purgatory?.versionOf(event) !== undefined ? undefined : decision;
  }

  /** The store would not keep it: remembered, so that catch-up converges. */
  #dismiss(event: NostrEvent, source: EventSource, status: keyof typeof outcomeOfStatus): AdmissionOutcome {
    return this.#parts.refusals.remember(event, source, status) ? outcomeOfStatus[status] : wrongId;
  }

  /** It is dated too far ahead: remembered, so that it is not downloaded again before its time. */
  #postpone(event: NostrEvent, source: EventSource, reason: string): AdmissionOutcome {
    const outcome = this.#refuse(event, source, reason);
    if (isFromRelay(source)) this.#giveUp(this.#parts.dates.remember(event, source.relay));
    return outcome;
  }

  /** The policy rejects it; what only lacks room, and was verified, is wanted again when there is some. */
  #reject(event: NostrEvent, source: EventSource, { reason, lacks }: Rejection): AdmissionOutcome {
    const outcome = this.#refuse(event, source, reason);
    if (isFromRelay(source) && lacks !== undefined)
      this.#giveUp(this.#parts.waitingForRoom?.add(event.id, lacks, source.relay));
    return outcome;
  }

  /** What waited and gave way to others is refused no longer: the next catch-up brings it again. */
  #giveUp(id: string | undefined): void {
    if (id !== undefined) this.#parts.refusals.forget(id);
  }

  /** The policy does not want it: remembered, and kept at hand, for what it misses may arrive. */
  #refuse(event: NostrEvent, source: EventSource, reason: string): AdmissionOutcome {
    return this.#parts.refusals.remember(event, source, reason) ? { type: 'refused', reason } : wrongId;
  }
}

/** A protected event (NIP-70) is taken from its author, whom the relay has authenticated, and from the operator. */
function protectionAgainst(event: NostrEvent, source: EventSource): string | undefined {
  if (!isFromRelay(source) || protectingAuthor(event) === undefined) return undefined;
  return 'blocked: a protected event is taken from its author only';
}
