import { expect, it } from 'vitest';
import { MemoryBudget } from '../../src/lib/budgets/memory-budget.js';
import { eventJson } from '../../src/nostr/event.js';
import { Subscription } from '../../src/relay/delivery/subscription.js';
import { EventFrames } from '../../src/relay/frames/frames.js';
import { FakeOutbox, plainEvent, storedEvent } from './fakes.js';

it('remembers what was sent until it must have been announced, and no longer', async () => {
  const outbox = new FakeOutbox();
  const budget = new MemoryBudget({ totalBytes: 1e6, groupBytes: 1e6, holderBytes: 1e6 });
  const memory = budget.holder(undefined, () => {});
  const subscription = new Subscription(
    'a',
    memory.open(),
    outbox,
    { liveBufferEventsMax: 10, liveBufferCharsMax: 10_000 },
    () => {},
  );
  const [first, second] = [plainEvent(1), plainEvent(2)];
  const offer = (event = first) => {
    const accepted = { event, json: eventJson(event), source: { type: 'direct' }, stored: true } as const;
    return subscription.offer(accepted, new EventFrames(accepted));
  };
  subscription.begin(true);
  expect(subscription.forgetSent()).toBe(true);
  subscription.sendStored(storedEvent(first));
  expect(subscription.forgetSent()).toBe(true);
  subscription.sendStored(storedEvent(second));
  await subscription.finish();
  expect(offer(first)).toBe(false);
  expect(subscription.forgetSent()).toBe(true);
  expect(offer(second)).toBe(false);
  expect(subscription.forgetSent()).toBe(false);
  expect(offer(second)).toBe(true);
});
