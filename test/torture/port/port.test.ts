import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/lib/random.js';
import { PortTorture } from './port.js';

const rounds = 15;

it('each EVENT, REQ, COUNT and NEG-OPEN among what is nearly right is answered, and nothing of it stops, delays or marks the daemon', async () => {
  const broken: string[] = [];
  const tried = { 'every-answer': 0, 'no-input-stops': 0 };
  await using torture = await PortTorture.start(seededRandom(16), {
    tried: (promise, count) => {
      tried[promise] += count;
    },
    broken: (promise, how) => broken.push(`${promise}: ${how}`),
  });
  for (let round = 0; round < rounds; round += 1) await torture.round();
  await torture.look();
  expect(broken).toEqual([]);
  expect(tried['every-answer']).toBe(rounds * 29);
  expect(tried['no-input-stops']).toBeGreaterThan(rounds * 7);
});
