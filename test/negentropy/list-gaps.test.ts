import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareIds, compareItems, IdList } from '../../src/negentropy/id-list.js';
import { alignLists, rangeOfGap } from '../../src/negentropy/list-gaps.js';
import { NegentropyServer } from '../../src/negentropy/server.js';
import { compareBounds, highestBound, indexOfBound, lowestBound } from '../../src/negentropy/wire/bound.js';
import { MessageReader } from '../../src/negentropy/wire/reader.js';
import { MessageWriter } from '../../src/negentropy/wire/writer.js';
import { splitIds } from './exchange.js';
import { makeSets, trueDifference, twoSets } from './sets.js';
import { type Item, sortedStorage } from './sorted-storage.js';

function idsOf(items: readonly Item[]): Uint8Array {
  const storage = sortedStorage(items);
  const ids = new Uint8Array(storage.size * 32);
  storage.copyIds(0, storage.size, ids, 0);
  return ids;
}

describe('lists of ids', () => {
  test('their difference is the true one, in any order and by either way', () => {
    fc.assert(
      fc.property(twoSets(60, 30), fc.boolean(), (sets, sorted) => {
        const ours = idsOf(sets.ours);
        const theirs = sorted ? idsOf(sets.theirs) : Buffer.concat(sets.theirs.map((item) => item.id));
        const have = new IdList();
        const need = new IdList();
        compareIds(ours, theirs, have, need);
        expect({ have: splitIds(have.bytes()).sort(), need: splitIds(need.bytes()).sort() }).toEqual(
          trueDifference(sets),
        );
      }),
      { seed: 21, numRuns: 300 },
    );
  });

  test('a large range is compared in chunks', () => {
    const sets = makeSets({ seed: 22, shared: 10_000, onlyOurs: 30, onlyTheirs: 40 });
    const storage = sortedStorage(sets.ours);
    const have = new IdList();
    const need = new IdList();
    compareItems(storage, 0, storage.size, idsOf(sets.theirs), have, need);
    expect({ have: splitIds(have.bytes()).sort(), need: splitIds(need.bytes()).sort() }).toEqual(
      trueDifference(sets),
    );
    const all = new IdList();
    compareItems(storage, 0, storage.size, new Uint8Array(0), all, need);
    expect(all.count).toBe(storage.size);
  });
});

describe('the ranges around the gaps between two lists', () => {
  test('hold all that differs and nothing that is common, on both sides', () => {
    fc.assert(
      fc.property(twoSets(60, 20), (sets) => {
        const storage = sortedStorage(sets.ours);
        const theirStorage = sortedStorage(sets.theirs);
        const theirs = idsOf(sets.theirs);
        const all = { lower: lowestBound, upper: highestBound, begin: 0, end: storage.size };
        const alignment = alignLists(idsOf(sets.ours), theirs);
        let ourCount = 0;
        let theirCount = 0;
        let position = lowestBound;
        for (const gap of alignment?.gaps ?? []) {
          const range = rangeOfGap(storage, all, theirs, gap);
          if (range === undefined) throw new Error('a list in order has a range for each gap');
          expect(compareBounds(position, range.lower)).toBeLessThanOrEqual(0);
          position = range.upper;
          expect([indexOfBound(storage, range.lower), indexOfBound(storage, range.upper)]).toEqual([
            gap.ourBegin,
            gap.ourEnd,
          ]);
          expect([indexOfBound(theirStorage, range.lower), indexOfBound(theirStorage, range.upper)]).toEqual([
            gap.theirBegin,
            gap.theirEnd,
          ]);
          ourCount += gap.ourEnd - gap.ourBegin;
          theirCount += gap.theirEnd - gap.theirBegin;
        }
        const { have, need } = trueDifference(sets);
        expect([ourCount, theirCount]).toEqual([have.length, need.length]);
        expect(alignment?.common).toBe(storage.size - ourCount);
      }),
      { seed: 23, numRuns: 500 },
    );
  });

  const sets = makeSets({ seed: 24, shared: 40, onlyOurs: 1, onlyTheirs: 1 });
  const answerTo = (theirs: readonly Uint8Array[]) => {
    const listed = sortedStorage(theirs.map((id, index) => ({ timestamp: BigInt(index), id })));
    const writer = new MessageWriter(listed);
    writer.ids(highestBound, 0, listed.size);
    const reader = new MessageReader(
      new NegentropyServer(sortedStorage(sets.ours), 0).respond(writer.finish()),
    );
    const lengths: number[] = [];
    for (let range = reader.next(); range !== undefined; range = reader.next()) {
      if (range.mode === 'ids') lengths.push(range.ids.length / 32);
    }
    return lengths;
  };
  const ordered = splitIds(idsOf(sets.theirs)).map((id) => Buffer.from(id, 'hex'));

  test('are the answer to a list in order', () => {
    expect(answerTo(ordered).sort()).toEqual([0, 1]);
  });

  test('are not trusted for a list out of order, a short list, or an empty one', () => {
    expect(answerTo([...ordered].reverse())).toEqual([41]);
    expect(answerTo(ordered.slice(0, 10))).toEqual([41]);
    expect(answerTo([])).toEqual([41]);
  });
});
