import { beforeEach, expect, it } from 'vitest';
import { NegentropySlots, type Slot } from '../../src/relay/client/negentropy-slots.js';
import type { SlotClient } from '../../src/relay/client/slot-seats.js';
import { VirtualClock } from '../support/virtual-clock.js';

const limits = {
  sessionsMax: 6,
  addressSessionsMax: 4,
  clientSessionsMax: 2,
  addressWaitingMax: 5,
  clientWaitingMax: 2,
  yieldMs: 9_000,
};

let clock: VirtualClock;
let slots: NegentropySlots;
let told: string[];

beforeEach(() => {
  clock = new VirtualClock();
  slots = new NegentropySlots(clock, limits);
  told = [];
});

const clientOf = (address?: string): SlotClient => ({ address });

function enter(client: SlotClient, name: string): Slot | undefined {
  return slots.enter(client, {
    start: () => told.push(`${name} starts`),
    giveWay: () => told.push(`${name} gives way`),
  });
}

it('lets sessions wait that are too many of a client, and refuses only when too many wait', () => {
  const client = clientOf();
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => enter(client, name));
  expect([a?.isOpen, b?.isOpen, c?.isOpen, d?.isOpen, e]).toEqual([true, true, false, false, undefined]);
  c?.leave();
  a?.leave();
  expect(told).toEqual(['d starts']);
  b?.leave();
  d?.leave();
  d?.leave();
  expect([slots.open, slots.waiting]).toEqual([0, 0]);
});

it('takes the place of the least recently useful session that is idle, when others wait for one', async () => {
  const client = clientOf();
  const a = enter(client, 'a');
  enter(client, 'b');
  await clock.advance(8_000);
  a?.use();
  enter(client, 'c');
  enter(client, 'd');
  await clock.advance(500);
  expect(told).toEqual([]);
  await clock.advance(3_000);
  expect(told).toEqual(['b gives way', 'c starts']);
  expect(slots.waiting).toBe(1);
});

it('keeps idle sessions for which nobody waits', async () => {
  const open = [enter(clientOf(), 'a'), enter(clientOf(), 'b')];
  await clock.advance(100_000);
  expect([told, open.map((slot) => slot?.isOpen)]).toEqual([[], [true, true]]);
});

it('gives an address its share, which its clients divide', () => {
  const first = clientOf('192.0.2.1');
  const second = clientOf('192.0.2.1');
  for (const name of ['a', 'b']) enter(first, name);
  for (const name of ['c', 'd']) enter(second, name);
  const third = clientOf('192.0.2.1');
  expect(enter(third, 'e')?.isOpen).toBe(true);
  expect(enter(third, 'f')?.isOpen).toBe(false);
  expect(told).toEqual(['a gives way']);
  expect(enter(clientOf('192.0.2.2'), 'g')?.isOpen).toBe(true);
});

it('lets nobody sit on all places: those in use go to who has fewer, from the address that has most', () => {
  for (const address of ['192.0.2.1', '192.0.2.2']) {
    for (let number = 0; number < 3; number += 1) enter(clientOf(address), `${address} ${number}`);
  }
  expect(slots.open).toBe(limits.sessionsMax);
  const newcomer = clientOf('192.0.2.3');
  expect(enter(newcomer, 'first')?.isOpen).toBe(true);
  expect(told).toEqual(['192.0.2.1 0 gives way']);
  expect(enter(newcomer, 'second')?.isOpen).toBe(true);
  expect(told.slice(1)).toEqual(['192.0.2.2 0 gives way']);
  // Now all three have two.
  expect(enter(clientOf('192.0.2.3'), 'third')?.isOpen).toBe(false);
  expect(slots.open).toBe(limits.sessionsMax);
});

it('lets only so many wait of an address, and as many of another', () => {
  const of = (address: string) => Array.from({ length: 10 }, () => enter(clientOf(address), address));
  const opened = ['192.0.2.1', '192.0.2.2'].map(of);
  expect(slots.open).toBe(limits.sessionsMax);
  expect(slots.waiting).toBe(2 * limits.addressWaitingMax);
  opened[0]?.[9]?.leave();
  const [, waits] = opened[0]?.filter((slot) => slot?.isOpen === false) ?? [];
  waits?.leave();
  expect(enter(clientOf('192.0.2.1'), 'later')?.isOpen).toBe(false);
  expect(enter(clientOf('192.0.2.1'), 'one too many')).toBeUndefined();
});

it('gives places to clients and addresses in turn, however many of one wait', () => {
  slots = new NegentropySlots(clock, {
    ...limits,
    sessionsMax: 4,
    clientSessionsMax: 4,
    clientWaitingMax: 9,
  });
  const clients = ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.2'].map(clientOf);
  const open = clients.map((client) => enter(client, 'open'));
  const [first, second, third] = clients as [SlotClient, SlotClient, SlotClient];
  for (const name of ['1 a', '1 b', '1 c']) enter(first, name);
  enter(second, '2');
  enter(third, '3');
  expect(slots.waiting).toBe(5);
  for (const slot of open.reverse()) slot?.leave();
  expect(told.filter((what) => what.endsWith('starts'))).toEqual([
    '1 a starts',
    '3 starts',
    '2 starts',
    '1 b starts',
  ]);
});

it('takes some hundred steps for who leaves or comes, whatever waits', () => {
  const wide = {
    sessionsMax: 256,
    addressSessionsMax: 64,
    clientSessionsMax: 16,
    addressWaitingMax: 30_000,
    clientWaitingMax: 140,
    yieldMs: 9_000,
  };
  slots = new NegentropySlots(clock, wide);
  // Whatever is asked about a client begins with its address.
  let steps = 0;
  const counted = (): SlotClient => ({
    get address() {
      steps += 1;
      return '192.0.2.1';
    },
  });
  const stepsOf = (act: () => void) => {
    steps = 0;
    act();
    return steps;
  };
  const clients = Array.from({ length: 200 }, counted);
  const entered = clients.map((client) =>
    Array.from({ length: 140 }, (_, at) => enter(client, `${at}`) as Slot),
  );
  expect(slots.waiting).toBeGreaterThan(27_000);
  const [last] = clients.slice(-1);
  expect(stepsOf(() => enter(last as SlotClient, 'last'))).toBeLessThan(1_000);
  for (let round = 0; round < 20; round += 1) {
    const open = entered.flat().find((slot) => slot.isOpen);
    expect(stepsOf(() => open?.leave())).toBeLessThan(1_000);
    expect(slots.open).toBe(wide.addressSessionsMax);
  }
  // All hang up, one after the other: those that wait, then those with a place.
  const all = entered.flatMap((of) => [
    ...of.filter((slot) => !slot.isOpen),
    ...of.filter((slot) => slot.isOpen),
  ]);
  const leaveAll = () => {
    for (const slot of all) slot.leave();
  };
  expect(stepsOf(leaveAll) / all.length).toBeLessThan(100);
  expect([slots.open, slots.waiting]).toEqual([0, 0]);
});

it('never has more open than it may, whatever comes', async () => {
  const clients = Array.from({ length: 12 }, (_, at) =>
    clientOf(at % 4 === 0 ? undefined : `group-${at % 4}`),
  );
  const held: Slot[] = [];
  for (let step = 0; step < 2_000; step += 1) {
    const slot = enter(clients[(step * 7) % clients.length] as SlotClient, `${step}`);
    if (slot !== undefined) held.push(slot);
    if (step % 3 === 0) held.splice((step * 13) % held.length, 1)[0]?.leave();
    if (step % 5 === 0) held[(step * 11) % held.length]?.use();
    if (step % 50 === 0) await clock.advance(4_000);
    expect(slots.open).toBeLessThanOrEqual(limits.sessionsMax);
  }
  for (const slot of held) slot.leave();
  expect([slots.open, slots.waiting]).toEqual([0, 0]);
});
