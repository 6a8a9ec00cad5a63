import type { AcceptedEvent } from '../../src/admission/admission.js';
import { limits } from '../../src/config/limits.js';
import { NegentropySlots } from '../../src/relay/client/negentropy-slots.js';
import { DeliveryQueue } from '../../src/relay/delivery/delivery-queue.js';
import type { Subscription } from '../../src/relay/delivery/subscription.js';
import { EventFrames } from '../../src/relay/frames/frames.js';
import { fixedRelaySettings } from '../../src/relay/settings.js';
import { plainEvent } from '../relay/fakes.js';
import { type Entry, many } from './entry.js';

const still = { monotonic: () => 0, after: () => () => {}, sleep: async () => {} };

const named = (name: string) => `relay/${name}.test.ts`;

const accepted = (sequence: number, json = ''): AcceptedEvent => ({
  event: plainEvent(sequence),
  json,
  source: { type: 'direct' },
  stored: true,
  sequence,
});

/** Whether so many events wait to be handed out, of so many characters, and none was handed out at once. */
function waits(events: number, chars: number): boolean {
  let handedOut = 0;
  const settings = {
    pauseMs: limits.deliveryPauseMs,
    eventsMax: limits.deliveryEventsMax,
    charsMax: limits.deliveryCharsMax,
  };
  const turns = { isOver: false, spend: () => {}, shouldWait: false, next: async () => {} };
  const queue = new DeliveryQueue(still, turns, settings, () => {
    handedOut += 1;
  });
  for (let at = 0; at < events; at += 1) {
    const event = accepted(at, 'x'.repeat(chars / events));
    queue.push({ accepted: event, frames: new EventFrames(event), to: [{} as Subscription] });
  }
  return handedOut === 0;
}

/** Whether the last of so many negentropy sessions has its place; each is of the client and the address by its number. */
function hasPlace(
  sessions: number,
  clientOf: (at: number) => number,
  addressOf: (at: number) => number,
): boolean {
  const slots = new NegentropySlots(still, fixedRelaySettings.negentropySlots);
  const clients = new Map<number, { address: string }>();
  const opened = many(sessions, (at) => {
    const client = clients.get(clientOf(at)) ?? { address: `${addressOf(at)}` };
    clients.set(clientOf(at), client);
    return slots.enter(client, { start: () => {}, giveWay: () => {} });
  });
  return opened.every((slot) => slot?.isOpen);
}

/** What clients share: deliveries, memory and negentropy sessions. */
export const sharedRelayEntries = {
  addressMemoryShareMax: {
    test: [
      named('client-memory'),
      'ends the connection that holds the most of a full address, for one that holds less',
    ],
  },
  clientMemoryShareMax: {
    test: [
      named('client-memory'),
      'refuses what is above the share of a client, each request in its way, and goes on with less',
    ],
  },
  deliverySliceMs: {
    pace: [named('delivery-queue'), 'goes on in the next turn where a slice of time ended'],
  },
  deliveryPauseMs: { pace: [named('delivery-queue'), 'hands out in order, after a pause'] },
  deliveryCharsMax: { edge: (chars) => waits(1, chars) },
  deliveryEventsMax: { edge: (events) => waits(events, 0) },
  clientNegentropyWaitingMax: {
    edge: (waiting) => {
      const slots = new NegentropySlots(still, fixedRelaySettings.negentropySlots);
      const client = { address: undefined };
      const enter = () => slots.enter(client, { start: () => {}, giveWay: () => {} });
      for (let at = 0; at < limits.clientNegentropySessionsMax; at += 1) enter();
      return many(waiting, enter).every((slot) => slot !== undefined);
    },
  },
  addressNegentropyWaitingMax: {
    edge: (waiting) => {
      const slots = new NegentropySlots(still, fixedRelaySettings.negentropySlots);
      const enter = () => slots.enter({ address: '192.0.2.1' }, { start: () => {}, giveWay: () => {} });
      for (let at = 0; at < limits.addressNegentropySessionsMax; at += 1) enter();
      return many(waiting, enter).every((slot) => slot !== undefined);
    },
  },
  clientNegentropySessionsMax: {
    edge: (sessions) =>
      hasPlace(
        sessions,
        () => 0,
        () => 0,
      ),
  },
  negentropySessionsMax: {
    edge: (sessions) =>
      hasPlace(
        sessions,
        (at) => at,
        (at) => at,
      ),
  },
  addressNegentropySessionsMax: {
    edge: (sessions) =>
      hasPlace(
        sessions,
        (at) => at,
        () => 0,
      ),
  },
  negentropyYieldMs: {
    test: [
      named('negentropy-slots'),
      'takes the place of the least recently useful session that is idle, when others wait for one',
    ],
  },
  negentropyMemoryShareMax: {
    test: [
      named('client-negentropy'),
      'ends the sessions of the client that holds the most kernel memory for one that holds less',
    ],
  },
  addressNegentropyMemoryShareMax: {
    test: ['lib/memory-budget.test.ts', 'makes the largest of a full group give way to a smaller one of it'],
  },
  clientNegentropyMemoryShareMax: {
    test: [
      named('client-negentropy'),
      'lets a session wait while the others of its client hold its share of kernel memory',
    ],
  },
  negentropySessionItemsMax: {
    test: [named('client-negentropy'), 'refuses a set above the limit and says which'],
  },
  negentropyIdleMsMax: { test: [named('client-negentropy'), 'closes a session that is idle'] },
  negentropyAnswerBytesMax: {
    test: ['negentropy/hostile.test.ts', 'gets no more than a frame, whatever it asks'],
  },
  relayCloseMsMax: {
    test: [
      named('relay-server'),
      'closes in bounded time with clients that do not answer and work that does not end',
    ],
  },
} as const satisfies Record<string, Entry>;
