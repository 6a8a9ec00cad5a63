import { expect, it } from 'vitest';
import { exceeds, noteUse, peakShares, reaches } from '../../src/config/limit-use.js';
import { limits } from '../../src/config/limits.js';

it('remembers the most that was used of a limit, as a share of it', () => {
  const max = limits.clientSubscriptionsMax;
  expect(reaches('clientSubscriptionsMax', max / 2)).toBe(false);
  expect(peakShares().get('clientSubscriptionsMax')).toBe(0.5);
  expect(reaches('clientSubscriptionsMax', max)).toBe(true);
  expect(exceeds('clientSubscriptionsMax', max)).toBe(false);
  noteUse('clientSubscriptionsMax', 1);
  expect(peakShares().get('clientSubscriptionsMax')).toBe(1);
  expect(exceeds('clientSubscriptionsMax', max + 1)).toBe(true);
  expect(peakShares().get('clientSubscriptionsMax')).toBeGreaterThan(1);
});

it('knows nothing of a limit of which nothing was used', () => {
  noteUse('wantedIdsMax', 0);
  expect(peakShares().has('wantedIdsMax')).toBe(false);
});
