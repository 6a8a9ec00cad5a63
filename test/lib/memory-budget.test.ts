import { expect, it, vi } from 'vitest';
import { MemoryBudget } from '../../src/lib/budgets/memory-budget.js';

const budgetOf = (shares = {}) =>
  new MemoryBudget({ totalBytes: 100, groupBytes: 60, holderBytes: 40, ...shares });
const never = () => expect.unreachable('nobody has to give way');

it('counts what is reserved, once, however often it is given back', () => {
  const budget = budgetOf();
  const holder = budget.holder('a', never);
  const first = holder.reserve(10);
  const second = holder.reserve(20);
  expect([budget.bytes, holder.bytes]).toEqual([30, 30]);
  expect(second?.resize(5)).toBe(true);
  expect([budget.bytes, second?.bytes]).toEqual([15, 5]);
  first?.[Symbol.dispose]();
  first?.[Symbol.dispose]();
  expect(budget.bytes).toBe(5);
  holder[Symbol.dispose]();
  second?.[Symbol.dispose]();
  expect([budget.bytes, holder.bytes]).toEqual([0, 0]);
  expect(holder.reserve(0)).toBeUndefined();
});

it('refuses a holder more than its share, and a reservation that cannot grow stays as it was', () => {
  const budget = budgetOf();
  const holder = budget.holder('a', never);
  const reservation = holder.reserve(30);
  expect(holder.reserve(11)).toBeUndefined();
  expect(reservation?.resize(41)).toBe(false);
  expect(reservation?.bytes).toBe(30);
  expect(reservation?.resize(40)).toBe(true);
});

it('bounds a group together, and who belongs to none by itself', () => {
  const budget = budgetOf();
  expect(budget.holder('a', never).reserve(30)).toBeDefined();
  expect(budget.holder('a', never).reserve(30)).toBeDefined();
  expect(budget.holder('a', never).reserve(30)).toBeUndefined();
  expect(budget.holder(undefined, never).reserve(20)).toBeDefined();
  expect(budget.holder(undefined, never).reserve(20)).toBeDefined();
  expect(budget.bytes).toBe(100);
});

it('makes the largest of a full group give way to a smaller one of it', () => {
  const budget = budgetOf();
  const giveWay = vi.fn();
  const large = budget.holder('a', giveWay);
  const reservation = large.reserve(40);
  budget.holder('a', never).reserve(20);
  expect(budget.holder('a', never).reserve(30)).toBeDefined();
  expect(giveWay).toHaveBeenCalledOnce();
  expect([large.bytes, budget.bytes]).toEqual([0, 50]);
  expect(reservation?.resize(1)).toBe(false);
  reservation?.[Symbol.dispose]();
  expect(budget.bytes).toBe(50);
});

it('lets nobody fill it against those who hold little: the largest of the largest group gives way', () => {
  const budget = budgetOf({ holderBytes: 50 });
  const dropped: string[] = [];
  const holder = (group: string, name: string) => budget.holder(group, () => dropped.push(name));
  holder('a', 'a1').reserve(30);
  holder('a', 'a2').reserve(25);
  const b1 = holder('b', 'b1');
  b1.reserve(40);
  // No group holds more than that of who asks would, and nobody in it.
  expect(b1.reserve(20)).toBeUndefined();
  expect(holder('b', 'b2').reserve(20)).toBeDefined();
  expect(dropped).toEqual(['b1']);
  expect(holder('c', 'c1').reserve(40)).toBeDefined();
  expect(dropped).toEqual(['b1', 'a1']);
  expect(budget.bytes).toBe(85);
});

it('takes nothing from who cannot give way: who asks is refused', () => {
  const budget = budgetOf();
  for (const group of ['a', 'b', undefined]) budget.holder(group).reserve(30);
  const reservation = budget.holder('c', never).open();
  expect([reservation.resize(11), reservation.resize(10)]).toEqual([false, true]);
});

it('tells the largest by what lasts: what passes by itself makes nobody give way', () => {
  const budget = budgetOf({ holderBytes: 50 });
  const dropped: string[] = [];
  const busy = budget.holder(undefined, () => dropped.push('busy'));
  expect(busy.pass(35)).toBeDefined();
  for (const name of ['a', 'b', 'c']) budget.holder(undefined, () => dropped.push(name)).reserve(20);
  expect(busy.pass(5)).toBeDefined();
  expect(dropped).toEqual([]);
  // Full: one that keeps what it holds gives way, also to more that passes.
  expect(busy.reserve(8)).toBeDefined();
  expect(dropped).toEqual(['a']);
  busy[Symbol.dispose]();
  expect(budget.bytes).toBe(40);
});

it('takes no more than there is, whatever is asked of it', () => {
  const budget = budgetOf({ groupBytes: 50 });
  const holders = Array.from({ length: 40 }, (_, at) => budget.holder(`group-${at % 7}`, () => {}));
  for (let step = 0; step < 4_000; step += 1) {
    const holder = holders[(step * 17) % holders.length];
    const bytes = (step * 31) % 45;
    const reservation = step % 4 === 0 ? holder?.pass(bytes) : holder?.reserve(bytes);
    if (step % 3 === 0) reservation?.[Symbol.dispose]();
    expect(budget.bytes).toBeLessThanOrEqual(100);
    expect(holders.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(budget.bytes);
  }
});
