import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Links } from '../../src/lib/collections/links.js';

it('answers from either side as sets of pairs do, in the order of linking', () => {
  const number = fc.nat(200);
  const step = fc.record({ left: number, right: fc.nat(4), isAdded: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const links = new Links();
      let pairs: [number, number][] = [];
      for (const { left, right, isAdded } of steps) {
        const isThere = pairs.some(([a, b]) => a === left && b === right);
        expect(links.has(left, right)).toBe(isThere);
        if (isAdded && !isThere) {
          links.add(left, right);
          pairs.push([left, right]);
        } else if (!isAdded) {
          links.delete(left, right);
          pairs = pairs.filter(([a, b]) => a !== left || b !== right);
        }
        expect([...links.ofRight(right)]).toEqual(pairs.filter(([, b]) => b === right).map(([a]) => a));
        const ofLeft = pairs.filter(([a]) => a === left).map(([, b]) => b);
        expect([...links.ofLeft(left)].sort()).toEqual(ofLeft.sort());
        expect(links.countOfLeft(left)).toBe(ofLeft.length);
      }
    }),
    { seed: 5, numRuns: 200 },
  );
});

it('lets the link go that was read last', () => {
  const links = new Links();
  for (let left = 0; left < 5; left += 1) links.add(left, 7);
  for (const left of links.ofRight(7)) links.delete(left, 7);
  expect([...links.ofRight(7)]).toEqual([]);
});
