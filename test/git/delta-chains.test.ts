import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { DeltaChains } from '../../src/git/objects/delta-chains.js';
import { randomInteger, seededRandom } from '../../src/lib/random.js';

function id(number: number): string {
  return createHash('sha1').update(`${number}`).digest('hex');
}

it('tells the depth of the deepest of many deltas, whatever builds upon what', () => {
  const random = seededRandom(7);
  const objects = 20_000;
  const chains = new DeltaChains(objects, random);
  const depths: number[] = [];
  for (let at = 0; at < objects; at += 1) {
    // Every third is whole; the others build upon one of those shortly before.
    const base = at - 1 - randomInteger(random, 3);
    const isWhole = at % 3 === 0 || base < 0 || (depths[base] ?? 0) >= 200;
    depths.push(isWhole ? 0 : (depths[base] ?? 0) + 1);
    if (!isWhole) chains.add(id(at), id(base));
  }
  expect(chains.depth).toBe(depths.reduce((deepest, depth) => Math.max(deepest, depth)));
});

it('takes what a delta builds upon for whole, when it comes as such later, and can tell nothing where it is a delta', () => {
  const chains = new DeltaChains(10);
  chains.add(id(1), id(2));
  chains.add(id(3), id(1));
  expect(chains.depth).toBe(2);
  chains.add(id(2), id(4));
  expect(chains.depth).toBeUndefined();
});

it('tells no more than 254, and nothing of more objects than were to come', () => {
  const chains = new DeltaChains(1_000);
  for (let at = 1; at < 1_000; at += 1) chains.add(id(at), id(at - 1));
  expect(chains.depth).toBe(254);
  chains.add(id(1_000), id(999));
  expect(chains.depth).toBeUndefined();
});
