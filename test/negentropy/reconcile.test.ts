import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecordReader } from '../../src/kernels/kernels.js';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/kernels.js';
import { NegentropyClient } from '../../src/negentropy/client.js';
import { NegentropyServer } from '../../src/negentropy/server.js';
import { ClassicPeer } from './classic-peer.js';
import { exchange } from './exchange.js';
import { frameLimit, makeSets, trueDifference, twoSets } from './sets.js';
import { type Item, sortedStorage } from './sorted-storage.js';

const options = (frameBytesMax: number) => ({ frameBytesMax, needIdsMax: 100_000 });
/** More rounds than any exchange of these sizes takes, and few enough to notice one that creeps. */
const roundsMax = (items: number): number => 12 + items / 40;

describe('reconciliation', () => {
  test('the client learns the true difference under any frame limits, and the exchange ends', () => {
    fc.assert(
      fc.property(twoSets(2_000, 600), frameLimit, frameLimit, (sets, ourLimit, theirLimit) => {
        const client = new NegentropyClient(sortedStorage(sets.ours), options(ourLimit));
        const server = new NegentropyServer(sortedStorage(sets.theirs), theirLimit);
        const result = exchange(client, (message) => server.respond(message));
        expect({ have: result.have, need: result.need }).toEqual(trueDifference(sets));
        if (ourLimit > 0) expect(result.longestUp).toBeLessThanOrEqual(ourLimit);
        if (theirLimit > 0) expect(result.longestDown).toBeLessThanOrEqual(theirLimit);
        expect(result.rounds).toBeLessThan(roundsMax(sets.ours.length + sets.theirs.length));
      }),
      { seed: 77, numRuns: 120 },
    );
  });

  test('a classic server tells our client the true difference', () => {
    fc.assert(
      fc.property(twoSets(2_000, 600), frameLimit, frameLimit, (sets, ourLimit, theirLimit) => {
        const client = new NegentropyClient(sortedStorage(sets.ours), options(ourLimit));
        const server = new ClassicPeer(sortedStorage(sets.theirs), theirLimit);
        const result = exchange(client, (message) => server.reconcile(message));
        expect({ have: result.have, need: result.need }).toEqual(trueDifference(sets));
        expect(result.rounds).toBeLessThan(roundsMax(sets.ours.length + sets.theirs.length));
      }),
      { seed: 78, numRuns: 80 },
    );
  });

  test('a classic client learns the true difference from our server', () => {
    fc.assert(
      fc.property(twoSets(2_000, 600), frameLimit, frameLimit, (sets, ourLimit, theirLimit) => {
        const server = new NegentropyServer(sortedStorage(sets.theirs), theirLimit);
        const learned = { have: [] as string[], need: [] as string[] };
        const client = new ClassicPeer(sortedStorage(sets.ours), ourLimit, learned);
        let rounds = 0;
        for (let message = client.initiate(); message.length > 1; rounds += 1) {
          expect(rounds).toBeLessThan(roundsMax(sets.ours.length + sets.theirs.length));
          const answer = server.respond(message);
          if (theirLimit > 0) expect(answer.length).toBeLessThanOrEqual(theirLimit);
          message = client.reconcile(answer);
        }
        // A classic client asks again for what its own frame put off, and may learn an id twice.
        const { have, need } = trueDifference(sets);
        expect([...new Set(learned.have)].sort()).toEqual(have);
        expect([...new Set(learned.need)].sort()).toEqual(need);
      }),
      { seed: 79, numRuns: 80 },
    );
  });

  for (const kernels of [createReferenceKernels(), createWasmKernels()]) {
    test(`sealed sets of the ${kernels.name} kernels are storages`, () => {
      const seal = (items: readonly Item[]): RecordReader => {
        const builder = kernels.createRecordSet(items.length);
        for (const { timestamp, id } of items) builder.add(timestamp, id);
        return builder.seal();
      };
      const sets = makeSets({ seed: 5, shared: 5_000, onlyOurs: 70, onlyTheirs: 90, shape: 'few' });
      const client = new NegentropyClient(seal(sets.ours), options(4_096));
      const server = new NegentropyServer(seal(sets.theirs), 4_096);
      const { have, need } = exchange(client, (message) => server.respond(message));
      expect({ have, need }).toEqual(trueDifference(sets));
    });
  }

  test('equal sets need one round, whatever their size', () => {
    for (const shared of [0, 1, 31, 32, 5_000]) {
      const sets = makeSets({ seed: 6, shared, onlyOurs: 0, onlyTheirs: 0 });
      const client = new NegentropyClient(sortedStorage(sets.ours), options(60_000));
      const server = new NegentropyServer(sortedStorage(sets.theirs), 60_000);
      expect(exchange(client, (message) => server.respond(message))).toMatchObject({
        rounds: 1,
        have: [],
        need: [],
      });
    }
  });
});
