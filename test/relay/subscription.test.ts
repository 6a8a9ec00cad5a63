import { expect, it } from 'vitest';
import { MemoryBudget } from '../../src/lib/budgets/memory-budget.js';
import { eventJson } from '../../src/nostr/event.js';
import { Subscribers } from '../../src/relay/delivery/subscribers.js';
import { Subscription } from '../../src/relay/delivery/subscription.js';
import { EventFrames } from '../../src/relay/frames/frames.js';
import { FakeOutbox, plainEvent, storedEvent } from './fakes.js';

/** A subscription that began when all up to the sequence 5 had been announced. */
function subscriptionFromFive() {
  const outbox = new FakeOutbox();
  const budget = new MemoryBudget({ totalBytes: 1e6, groupBytes: 1e6, holderBytes: 1e6 });
  const subscription = new Subscription(
    'a',
    new Subscribers({ takeDelivery: () => undefined }),
    budget.holder(undefined, () => {}).open(),
    outbox,
    { liveBufferEventsMax: 10, liveBufferCharsMax: 10_000 },
    () => {},
  );
  subscription.begin(5);
  const send = (sequence: number) => subscription.sendStored(storedEvent(plainEvent(sequence), sequence));
  const offer = (sequence: number, isStored = true) => {
    const event = plainEvent(sequence);
    const accepted = {
      event,
      json: eventJson(event),
      source: { type: 'direct' },
      stored: isStored,
      sequence: isStored ? sequence : undefined,
    } as const;
    return subscription.offer(accepted, new EventFrames(accepted));
  };
  const sent = () => outbox.eventIds('a').map(Number);
  return { subscription, send, offer, sent };
}

it('leaves what was announced when it began to the query, also when it is handed out later', async () => {
  const { subscription, send, offer, sent } = subscriptionFromFive();
  expect(offer(4)).toBe(false);
  send(5);
  await subscription.finish();
  expect(offer(5)).toBe(false);
  expect(offer(6)).toBe(true);
  expect(sent()).toEqual([5, 6]);
});

it('sends what was stored when it began and announced later once, whichever way it comes first', async () => {
  const { subscription, send, offer, sent } = subscriptionFromFive();
  offer(6);
  offer(7);
  send(8);
  send(6);
  await subscription.finish();
  expect(offer(8)).toBe(false);
  expect(offer(9)).toBe(true);
  expect(sent()).toEqual([8, 6, 7, 9]);
});

it('is offered nothing more when it missed an event, which is said once', async () => {
  const { subscription, send, offer, sent } = subscriptionFromFive();
  offer(6);
  expect([subscription.miss(), subscription.miss()]).toEqual([true, false]);
  expect(offer(7)).toBe(false);
  send(4);
  await subscription.finish();
  expect(offer(8)).toBe(false);
  expect(sent()).toEqual([4, 6]);
  subscription.close();
  expect(subscription.miss()).toBe(false);
});

it('sends what is not stored, of whatever number', async () => {
  const { subscription, offer, sent } = subscriptionFromFive();
  await subscription.finish();
  expect(offer(1, false)).toBe(true);
  expect(sent()).toEqual([1]);
});
