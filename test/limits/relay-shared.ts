import type { AcceptedEvent } from '../../src/admission/admission.js';
import { limits } from '../../src/config/limits.js';
import { NegentropySlots } from '../../src/relay/client/negentropy-slots.js';
import { DeliveryQueue } from '../../src/relay/delivery/delivery-queue.js';
import { Subscribers } from '../../src/relay/delivery/subscribers.js';
import type { Subscription } from '../../src/relay/delivery/subscription.js';
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

/** Events that wait to be handed out, and what became of them until then. */
function deliveries() {
  const done = { offers: 0, missed: 0 };
  const settings = {
    pauseMs: limits.deliveryPauseMs,
    eventsMax: limits.deliveryEventsMax,
    charsMax: limits.deliveryCharsMax,
    atOnceMax: limits.deliveryAtOnceMax,
    offersMax: limits.deliveryOffersMax,
    waitingCharsMax: limits.deliveryWaitingCharsMax,
    framesMax: limits.deliveryFramesMax,
  };
  const turns = { isOver: false, spend: () => {}, next: async () => {} };
  const queue = new DeliveryQueue(still, turns, settings, {
    offer: () => {
      done.offers += 1;
    },
    end: () => {},
  });
  /** So many subscriptions of one address. */
  const ofOneAddress = (count: number): Subscription[] => {
    const subscribers = new Subscribers({ takeDelivery: () => undefined });
    const miss = () => {
      done.missed += 1;
      return true;
    };
    return many(count, () => ({ subscribers, miss }) as unknown as Subscription);
  };
  return { queue, done, ofOneAddress };
}

/** Whether so many events wait for an address, of so many characters, and none was handed out at once. */
function waits(events: number, chars: number): boolean {
  const { queue, done, ofOneAddress } = deliveries();
  const to = ofOneAddress(1);
  for (let at = 0; at < events; at += 1) queue.push(accepted(at, 'x'.repeat(chars / events)), to);
  return done.offers === 0;
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
  deliveryAtOnceMax: {
    edge: (offers) => {
      const { queue, done, ofOneAddress } = deliveries();
      const to = ofOneAddress(offers);
      for (let at = 0; at <= limits.deliveryEventsMax; at += 1) queue.push(accepted(at), to);
      return done.offers === offers;
    },
  },
  deliveryOffersMax: {
    edge: (offers) => {
      const { queue, done, ofOneAddress } = deliveries();
      const events = limits.deliveryEventsMax;
      const to = ofOneAddress(Math.floor(offers / events));
      for (let at = 1; at < events; at += 1) queue.push(accepted(at), to);
      queue.push(accepted(events), ofOneAddress(offers - (events - 1) * to.length));
      return done.missed === 0;
    },
  },
  deliveryWaitingCharsMax: {
    edge: (chars) => {
      const { queue, done, ofOneAddress } = deliveries();
      const pieces = limits.deliveryWaitingCharsMax / limits.deliveryCharsMax;
      const size = Math.floor(chars / pieces);
      for (let at = 0; at < pieces; at += 1)
        queue.push(accepted(at, 'x'.repeat(at === 0 ? chars - (pieces - 1) * size : size)), ofOneAddress(20));
      return done.missed === 0;
    },
  },
  deliveryFramesMax: {
    pace: [named('delivery-queue'), 'makes the frames of an event once for all who are handed it together'],
  },
  addressSubscriptionsMax: {
    test: [named('client-session'), 'refuses what is above the number of open subscriptions of an address'],
  },
  addressFiltersMax: {
    test: [
      named('client-session'),
      'refuses what is above the number of filters of open subscriptions of an address',
    ],
  },
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
