import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/lib/random.js';
import { eventually } from '../../support/eventually.js';
import { Ring } from './ring.js';

it('a ring of daemons is equal again after a partition, cuts and corrupted bytes, and nothing comes twice', async () => {
  await using ring = await Ring.start(3, seededRandom(1));
  await eventually(() => ring.isWhole());
  for (const kind of ['partition', 'corruption', 'cut'] as const) {
    expect(await ring.suffer(kind, 1_500)).toEqual([]);
    expect(await ring.converge(45_000)).toBeDefined();
  }
  expect(ring.eventCount).toBeGreaterThan(0);
  expect(ring.duplicates).toBe(0);
  await eventually(() => ring.isWhole());
}, 180_000);
