import { expect, it } from 'vitest';
import { RateLimit } from '../../src/lib/budgets/rate-limit.js';
import { VirtualClock } from '../support/virtual-clock.js';

it('takes another rate at its next use, with a full bucket, or none', () => {
  let perMinute: number | undefined = 2;
  const limit = new RateLimit(new VirtualClock(), () => perMinute);
  expect([limit.take(), limit.take(), limit.take()]).toEqual([true, true, false]);
  perMinute = 1;
  expect([limit.isFull, limit.take(), limit.hasOne]).toEqual([true, true, false]);
  perMinute = undefined;
  limit.spend(100);
  expect([limit.take(), limit.isFull]).toEqual([true, true]);
});
