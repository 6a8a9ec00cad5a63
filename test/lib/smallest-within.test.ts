import { expect, it } from 'vitest';
import { smallestWithin } from '../../src/lib/collections/smallest-within.js';

it('gives the smallest that have no more than so many bytes together', () => {
  const bytesOf = new Map([
    ['large', 90],
    ['small', 10],
    ['medium', 40],
    ['empty', 0],
  ]);
  expect(smallestWithin(bytesOf, 50)).toEqual(['empty', 'small', 'medium']);
  expect(smallestWithin(bytesOf, 49)).toEqual(['empty', 'small']);
  expect(smallestWithin(bytesOf, 1_000)).toEqual(['empty', 'small', 'medium', 'large']);
  expect(smallestWithin(new Map(), 50)).toEqual([]);
});
