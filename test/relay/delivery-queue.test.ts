import { beforeEach, describe, expect, it } from 'vitest';
import type { AcceptedEvent } from '../../src/admission/admission.js';
import { fixedSlice, TurnScheduler } from '../../src/lib/turns/turn-scheduler.js';
import { DeliveryQueue } from '../../src/relay/delivery/delivery-queue.js';
import { Subscribers } from '../../src/relay/delivery/subscribers.js';
import type { Subscription } from '../../src/relay/delivery/subscription.js';
import type { EventFrames } from '../../src/relay/frames/frames.js';
import { settle } from '../support/virtual-clock.js';

let nowMs: number;
/** What waits for the end of the pause, then for a turn. */
let turns: (() => void)[];
let pausesMs: number[];
let offered: string[];
let ended: string[];
let queue: DeliveryQueue;

beforeEach(() => {
  nowMs = 0;
  turns = [];
  pausesMs = [];
  offered = [];
  ended = [];
  const clock = {
    monotonic: () => nowMs,
    after(delayMs: number, task: () => void) {
      pausesMs.push(delayMs);
      turns.push(task);
      return () => {};
    },
  };
  const limits = {
    pauseMs: 1,
    eventsMax: 2,
    charsMax: 100,
    atOnceMax: 3,
    offersMax: 40,
    waitingCharsMax: 1_000,
    framesMax: 2,
  };
  const scheduler = new TurnScheduler(clock, fixedSlice(5), (task) => turns.push(task));
  queue = new DeliveryQueue(clock, scheduler, limits, {
    offer: (subscription, accepted, frames) => subscription.offer(accepted, frames),
    end: ({ id }) => ended.push(id),
  });
});

/** Subscriptions of one address each of which takes `costMs` for an event. */
function ofOneAddress(names: string, costMs = 0): Subscription[] {
  const subscribers = new Subscribers({ takeDelivery: () => undefined });
  return [...names].map((id) => {
    let hasMissed = false;
    return {
      id,
      subscribers,
      offer({ json }: AcceptedEvent) {
        offered.push(`${json}${id}`);
        nowMs += costMs;
        return id !== 'x';
      },
      miss() {
        const isNew = !hasMissed;
        hasMissed = true;
        return isNew;
      },
    } as unknown as Subscription;
  });
}

/** Each of an address of its own. */
const ofMany = (names: string, costMs = 0): Subscription[] =>
  [...names].flatMap((name) => ofOneAddress(name, costMs));

function push(json: string, to: readonly Subscription[]): void {
  queue.push({ json } as AcceptedEvent, to);
}

/** The end of the pause, or a turn. */
async function turn(): Promise<void> {
  turns.shift()?.();
  await settle();
}

async function allTurns(): Promise<void> {
  while (turns.length > 0) await turn();
}

describe('DeliveryQueue', () => {
  it('hands out in order, after a pause', async () => {
    const [a, x, b] = ofMany('axb') as [Subscription, Subscription, Subscription];
    push('1', [a, x, b]);
    push('2', [a]);
    expect(offered).toEqual([]);
    await turn();
    expect(offered).toEqual(['1a', '1x', '1b', '2a']);
    await turn();
    expect(turns).toEqual([]);
    expect(pausesMs).toEqual([1]);
  });

  it('goes on in the next turn where a slice of time ended', async () => {
    push('1', ofMany('abcd', 3));
    await turn();
    expect(offered).toEqual(['1a', '1b']);
    await turn();
    expect(offered).toEqual(['1a', '1b', '1c', '1d']);
    expect(pausesMs).toEqual([1]);
    push('2', ofMany('a'));
    expect(pausesMs).toEqual([1, 1]);
  });

  it('gives each address its turn, a piece at a time, in the order of the events', async () => {
    const crowd = ofOneAddress('abcdefgh');
    const [y, z] = ofMany('yz') as [Subscription, Subscription];
    push('1', [...crowd, y]);
    push('2', [...crowd, y, z]);
    await allTurns();
    expect(offered.join(' ')).toBe('1a 1b 1c 1y 2z 1d 1e 1f 2y 1g 1h 2a 2b 2c 2d 2e 2f 2g 2h');
  });

  it('hands out the oldest at once when too many wait', async () => {
    const to = ofOneAddress('ab', 9);
    for (const json of ['1', '2', '3']) push(json, to);
    expect(offered).toEqual(['1a', '1b']);
    await allTurns();
    expect(offered).toEqual(['1a', '1b', '2a', '2b', '3a', '3b']);
  });

  it('hands out the oldest at once when those that wait are too long together', async () => {
    const long = 'x'.repeat(40);
    const to = ofOneAddress('ab', 9);
    for (const json of [`1${long}`, `2${long}${long}`]) push(json, to);
    expect(offered).toEqual([`1${long}a`, `1${long}b`]);
    await allTurns();
    expect(offered).toHaveLength(4);
  });

  it('hands out only so much at once, however many subscriptions of an address there are', async () => {
    const [crowd, others] = [ofOneAddress('abcdefgh'), ofMany('yz')];
    for (const json of ['1', '2', '3']) push(json, [...crowd, ...others]);
    expect(offered).toEqual(['1a', '1b', '1c', '1y', '1z']);
    push('4', others);
    expect(offered.slice(5)).toEqual(['2y', '2z']);
    await allTurns();
    expect(offered).toHaveLength(32);
    expect(ended).toEqual([]);
  });

  it.each([
    ['too often', '', 'abcdefgh'],
    ['too much', 'x'.repeat(300), 'defgh'],
  ])(
    'gives up the oldest of the address for which the most waits, where that is %s',
    async (_, text, missing) => {
      const [crowd, others] = [ofOneAddress('abcdefgh'), ofMany('yz')];
      const count = 9;
      for (let number = 1; number <= count; number += 1)
        push(`${number}${text}`, number > 2 ? crowd : [...crowd, ...others]);
      await allTurns();
      // Who missed one ends, once.
      expect(ended.sort().join('')).toBe(missing);
      expect(offered.filter((each) => /[yz]$/.test(each))).toHaveLength(4);
      expect(offered.length).toBeLessThan(count * crowd.length);
    },
  );

  it('makes the frames of an event once for all who are handed it together', async () => {
    const frames = new Set<unknown>();
    const to = ofMany('abcdefgh').map((subscription) => ({
      ...subscription,
      offer: (_: AcceptedEvent, ofEvent: EventFrames) => frames.add(ofEvent),
    }));
    push('1', to as unknown as Subscription[]);
    push('2', to as unknown as Subscription[]);
    await allTurns();
    expect(frames.size).toBe(2);
  });

  it('drops what waits when it ends', async () => {
    push('1', ofMany('a', 9));
    queue[Symbol.dispose]();
    await turn();
    expect(offered).toEqual([]);
    expect(turns).toEqual([]);
  });
});
