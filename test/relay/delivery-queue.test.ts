import { beforeEach, describe, expect, it } from 'vitest';
import type { AcceptedEvent } from '../../src/admission/admission.js';
import { fixedSlice, TurnScheduler } from '../../src/lib/turns/turn-scheduler.js';
import { DeliveryQueue } from '../../src/relay/delivery/delivery-queue.js';
import type { Subscription } from '../../src/relay/delivery/subscription.js';
import { EventFrames } from '../../src/relay/frames/frames.js';
import { settle } from '../support/virtual-clock.js';

let nowMs: number;
/** What waits for the end of the pause, then for a turn. */
let turns: (() => void)[];
let pausesMs: number[];
let offered: string[];
let queue: DeliveryQueue;

beforeEach(() => {
  nowMs = 0;
  turns = [];
  pausesMs = [];
  offered = [];
  const clock = {
    monotonic: () => nowMs,
    after(delayMs: number, task: () => void) {
      pausesMs.push(delayMs);
      turns.push(task);
      return () => {};
    },
  };
  const limits = { pauseMs: 1, eventsMax: 2, charsMax: 100 };
  const scheduler = new TurnScheduler(clock, fixedSlice(5), (task) => turns.push(task));
  queue = new DeliveryQueue(clock, scheduler, limits, ({ accepted, frames }, subscription) => {
    subscription.offer(accepted, frames);
  });
});

/** Subscriptions each of which takes `costMs` for an event. */
const subscriptions = (names: string, costMs = 0): Subscription[] =>
  [...names].map(
    (name) =>
      ({
        offer({ json }: AcceptedEvent) {
          offered.push(`${json}${name}`);
          nowMs += costMs;
          return name !== 'x';
        },
      }) as unknown as Subscription,
  );

function push(json: string, to: readonly Subscription[]): void {
  const accepted = { json } as AcceptedEvent;
  queue.push({ accepted, frames: new EventFrames(accepted), to });
}

/** The end of the pause, or a turn. */
async function turn(): Promise<void> {
  turns.shift()?.();
  await settle();
}

describe('DeliveryQueue', () => {
  it('hands out in order, after a pause', async () => {
    push('1', subscriptions('axb'));
    push('2', subscriptions('a'));
    expect(offered).toEqual([]);
    await turn();
    expect(offered).toEqual(['1a', '1x', '1b', '2a']);
    await turn();
    expect(turns).toEqual([]);
    expect(pausesMs).toEqual([1]);
  });

  it('goes on in the next turn where a slice of time ended', async () => {
    push('1', subscriptions('abcd', 3));
    await turn();
    expect(offered).toEqual(['1a', '1b']);
    await turn();
    expect(offered).toEqual(['1a', '1b', '1c', '1d']);
    expect(pausesMs).toEqual([1]);
    push('2', subscriptions('a'));
    expect(pausesMs).toEqual([1, 1]);
  });

  it('hands out the oldest at once when too many wait', async () => {
    for (const json of ['1', '2', '3']) push(json, subscriptions('ab', 9));
    expect(offered).toEqual(['1a', '1b']);
    for (let count = 0; count < 4; count += 1) await turn();
    expect(offered).toEqual(['1a', '1b', '2a', '2b', '3a', '3b']);
  });

  it('hands out the oldest at once when those that wait are too long together', async () => {
    const long = 'x'.repeat(40);
    for (const json of [`1${long}`, `2${long}${long}`]) push(json, subscriptions('ab', 9));
    expect(offered).toEqual([`1${long}a`, `1${long}b`]);
    for (let count = 0; count < 3; count += 1) await turn();
    expect(offered).toHaveLength(4);
  });

  it('drops what waits when it ends', async () => {
    push('1', subscriptions('a', 9));
    queue[Symbol.dispose]();
    await turn();
    expect(offered).toEqual([]);
    expect(turns).toEqual([]);
  });
});
