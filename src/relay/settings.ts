import { limits } from '../config/limits.js';

/** What bounds the relay; the daemon sets what is an option and leaves the rest at `defaultRelaySettings`. */
export type RelaySettings = {
  /** Most client connections at once; `undefined` is no limit. */
  readonly connectionsMax: number | undefined;
  /** Events of one client in a minute; `undefined` is no limit. */
  readonly eventsPerMinuteMax: number | undefined;
  readonly eventsInFlightMax: number;
  readonly eventsInFlightBytesMax: number;
  readonly messageBytesMax: number;
  readonly subscriptionsMax: number;
  readonly subscriptionCharsMax: number;
  readonly queriesRunningMax: number;
  readonly requestsQueuedMax: number;
  readonly requestsQueuedCharsMax: number;
  readonly filterEventsDefault: number;
  readonly filterEventsMax: number;
  readonly liveBufferEventsMax: number;
  readonly liveBufferCharsMax: number;
  readonly sendBytesHigh: number;
  readonly sendBytesLow: number;
  readonly sendBytesMax: number;
  readonly sendStalledMsMax: number;
  readonly pingIntervalMs: number;
  readonly clientNegentropySessionsMax: number;
  readonly negentropySessionsMax: number;
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

export const defaultRelaySettings: RelaySettings = {
  connectionsMax: undefined,
  eventsPerMinuteMax: 60,
  eventsInFlightMax: limits.clientEventsInFlightMax,
  eventsInFlightBytesMax: limits.clientEventsInFlightBytesMax,
  messageBytesMax: limits.clientMessageBytesMax,
  subscriptionsMax: limits.clientSubscriptionsMax,
  subscriptionCharsMax: limits.clientSubscriptionCharsMax,
  queriesRunningMax: limits.clientQueriesRunningMax,
  requestsQueuedMax: limits.clientRequestsQueuedMax,
  requestsQueuedCharsMax: limits.clientRequestsQueuedCharsMax,
  filterEventsDefault: limits.filterEventsDefault,
  filterEventsMax: limits.filterEventsMax,
  liveBufferEventsMax: limits.liveBufferEventsMax,
  liveBufferCharsMax: limits.liveBufferCharsMax,
  sendBytesHigh: limits.clientSendBytesHigh,
  sendBytesLow: limits.clientSendBytesLow,
  sendBytesMax: limits.clientSendBytesMax,
  sendStalledMsMax: limits.clientSendStalledMsMax,
  pingIntervalMs: limits.clientPingIntervalMs,
  clientNegentropySessionsMax: limits.clientNegentropySessionsMax,
  negentropySessionsMax: limits.negentropySessionsMax,
  negentropyItemsMax: limits.negentropySessionItemsMax,
  negentropyIdleMsMax: limits.negentropyIdleMsMax,
  negentropyAnswerBytesMax: limits.negentropyAnswerBytesMax,
  closeMsMax: limits.relayCloseMsMax,
  compression: false,
};

/** The NIPs that the relay serves: what NIP-11 lists as `supported_nips`. */
export const servedNips: readonly number[] = [1, 9, 11, 40, 45, 77];

/** The `limitation` object of NIP-11, from the numbers that are enforced. */
export function limitationOf(settings: RelaySettings): Readonly<Record<string, number | boolean>> {
  return {
    max_message_length: settings.messageBytesMax,
    max_subscriptions: settings.subscriptionsMax,
    max_filters: limits.requestFiltersMax,
    max_limit: settings.filterEventsMax,
    default_limit: settings.filterEventsDefault,
    max_subid_length: limits.subscriptionIdCharsMax,
    max_event_tags: limits.eventTagsMax,
    auth_required: false,
    payment_required: false,
    restricted_writes: true,
  };
}
