import { limits } from '../config/limits.js';
import type { KernelMemory } from '../kernels/kernels.js';
import type { MemoryShares } from '../lib/budgets/memory-budget.js';
import type { ViolationLimits } from '../lib/budgets/violations.js';
import type { SlotLimits } from './client/negentropy-slots.js';

/** What bounds the relay: what the operator chose, and `fixedRelaySettings`. */
export type RelaySettings = {
  /** Most client connections at once; `undefined` is no limit. */
  readonly connectionsMax: number | undefined;
  /** Bytes of memory that all clients may make the relay hold. */
  readonly memoryBytesMax: number;
  /** Events of one client in a minute; `undefined` is no limit. */
  readonly eventsPerMinuteMax: number | undefined;
  readonly eventsInFlightMax: number;
  readonly eventsInFlightBytesMax: number;
  readonly messageBytesMax: number;
  /** Open subscriptions of one client, and of the clients of one address. */
  readonly subscriptionsMax: number;
  readonly addressSubscriptionsMax: number;
  readonly addressFiltersMax: number;
  readonly queriesRunningMax: number;
  readonly requestsQueuedMax: number;
  readonly requestsQueuedCharsMax: number;
  readonly requestTurnUnits: number;
  readonly workUnitsPerSecond: number;
  readonly workUnitsMax: number;
  readonly filterEventsDefault: number;
  readonly filterEventsMax: number;
  readonly liveBufferEventsMax: number;
  readonly liveBufferCharsMax: number;
  readonly sendBytesHigh: number;
  readonly sendBytesLow: number;
  readonly sendBytesMax: number;
  readonly sendStalledMsMax: number;
  readonly pingIntervalMs: number;
  readonly negentropySlots: SlotLimits;
  readonly negentropyItemsMax: number;
  readonly negentropyIdleMsMax: number;
  readonly negentropyAnswerBytesMax: number;
  readonly closeMsMax: number;
  /**
   * Whether clients may negotiate permessage-deflate. Off: events are mostly ids, keys and signatures, which do not
   * shrink; each connection would hold a compression window; each delivery would be compressed anew; and a short
   * frame could inflate to a long one.
   */
  readonly compression: boolean;
};

/** What is no option. */
export const fixedRelaySettings: Omit<
  RelaySettings,
  'connectionsMax' | 'eventsPerMinuteMax' | 'memoryBytesMax'
> = {
  eventsInFlightMax: limits.clientEventsInFlightMax,
  eventsInFlightBytesMax: limits.clientEventsInFlightBytesMax,
  messageBytesMax: limits.clientMessageBytesMax,
  subscriptionsMax: limits.clientSubscriptionsMax,
  addressSubscriptionsMax: limits.addressSubscriptionsMax,
  addressFiltersMax: limits.addressFiltersMax,
  queriesRunningMax: limits.clientQueriesRunningMax,
  requestsQueuedMax: limits.clientRequestsQueuedMax,
  requestsQueuedCharsMax: limits.clientRequestsQueuedCharsMax,
  requestTurnUnits: limits.requestTurnUnits,
  workUnitsPerSecond: limits.clientWorkUnitsPerSecond,
  workUnitsMax: limits.clientWorkUnitsMax,
  filterEventsDefault: limits.filterEventsDefault,
  filterEventsMax: limits.filterEventsMax,
  liveBufferEventsMax: limits.liveBufferEventsMax,
  liveBufferCharsMax: limits.liveBufferCharsMax,
  sendBytesHigh: limits.clientSendBytesHigh,
  sendBytesLow: limits.clientSendBytesLow,
  sendBytesMax: limits.clientSendBytesMax,
  sendStalledMsMax: limits.clientSendStalledMsMax,
  pingIntervalMs: limits.clientPingIntervalMs,
  negentropySlots: {
    sessionsMax: limits.negentropySessionsMax,
    addressSessionsMax: limits.addressNegentropySessionsMax,
    clientSessionsMax: limits.clientNegentropySessionsMax,
    addressWaitingMax: limits.addressNegentropyWaitingMax,
    clientWaitingMax: limits.clientNegentropyWaitingMax,
    yieldMs: limits.negentropyYieldMs,
  },
  negentropyItemsMax: limits.negentropySessionItemsMax,
  negentropyIdleMsMax: limits.negentropyIdleMsMax,
  negentropyAnswerBytesMax: limits.negentropyAnswerBytesMax,
  closeMsMax: limits.relayCloseMsMax,
  compression: false,
};

/** What of the memory for clients all of them may hold, those of one address, and each. */
export function memorySharesOf({ memoryBytesMax }: Pick<RelaySettings, 'memoryBytesMax'>): MemoryShares {
  return {
    totalBytes: memoryBytesMax,
    groupBytes: memoryBytesMax * limits.addressMemoryShareMax,
    holderBytes: memoryBytesMax * limits.clientMemoryShareMax,
  };
}

/** What of the kernels' memory the sets of negentropy sessions may take. */
export function setMemorySharesOf({ bytesMax }: KernelMemory): MemoryShares {
  return {
    totalBytes: bytesMax * limits.negentropyMemoryShareMax,
    groupBytes: bytesMax * limits.addressNegentropyMemoryShareMax,
    holderBytes: bytesMax * limits.clientNegentropyMemoryShareMax,
  };
}

/**
 * The NIPs that the relay serves: what NIP-11 lists as `supported_nips`. NIP-34 is there because its announcements and
 * states are understood here, not only stored, and because git clients look for it.
 */
export const servedNips: readonly number[] = [1, 9, 11, 34, 40, 42, 45, 70, 77, 86, 98];

/** The `limitation` object of NIP-11, from the numbers that are enforced. */
export function limitationOf(
  settings: typeof fixedRelaySettings,
): Readonly<Record<string, number | boolean>> {
  return {
    max_message_length: settings.messageBytesMax,
    max_subscriptions: settings.subscriptionsMax,
    max_filters: limits.requestFiltersMax,
    max_limit: settings.filterEventsMax,
    // Whether a `limit` in the filter of NEG-OPEN is obeyed; one that is not is refused.
    negentropy_limit: false,
    default_limit: settings.filterEventsDefault,
    max_subid_length: limits.subscriptionIdCharsMax,
    max_event_tags: limits.eventTagsMax,
    created_at_upper_limit: limits.createdAtAheadSecondsMax,
    auth_required: false,
    payment_required: false,
    restricted_writes: true,
  };
}

/** Of one client, and of all clients of one address together. */
export const violationLimits: ViolationLimits = {
  perMinuteMax: limits.clientViolationsPerMinuteMax,
  refusalsPerViolation: limits.clientRefusalsPerViolation,
  bytesPerMinuteMax: limits.clientViolationBytesPerMinuteMax,
  msPerMinuteMax: limits.clientViolationMsPerMinuteMax,
};
