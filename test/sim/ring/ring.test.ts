import { expect, it } from 'vitest';
import { minuteMs } from '../../../src/lib/clock.js';
import { simulateRing } from './ring.js';
import { drawRing } from './ring-scenario.js';

it('ten daemons in a ring have the same events within a catch-up after bad links, a crash and a partition that moves', async () => {
  const { failures, acknowledged, partitions } = await simulateRing(drawRing(1, 6 * minuteMs));
  expect(failures).toEqual([]);
  expect(partitions).toBeGreaterThan(1);
  expect(acknowledged).toBeGreaterThan(10);
}, 120_000);
