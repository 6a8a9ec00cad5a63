import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NegentropyClient } from '../../src/negentropy/client.js';
import { NegentropyServer } from '../../src/negentropy/server.js';
import { exchange } from './exchange.js';
import { frameLimit, trueDifference, twoSets } from './sets.js';
import { sortedStorage } from './sorted-storage.js';

describe('reconciliation', () => {
  test('the client learns the true difference under any frame limits, and the exchange ends', () => {
    fc.assert(
      fc.property(twoSets(2_000, 600), frameLimit, frameLimit, (sets, ourLimit, theirLimit) => {
        const client = new NegentropyClient(sortedStorage(sets.ours), {
          frameBytesMax: ourLimit,
          needIdsMax: 10_000,
        });
        const server = new NegentropyServer(sortedStorage(sets.theirs), theirLimit);
        const result = exchange(client, (message) => server.respond(message));
        expect({ have: result.have, need: result.need }).toEqual(trueDifference(sets));
        if (ourLimit > 0) expect(result.longestUp).toBeLessThanOrEqual(ourLimit);
        if (theirLimit > 0) expect(result.longestDown).toBeLessThanOrEqual(theirLimit);
        expect(result.rounds).toBeLessThan(12 + (sets.ours.length + sets.theirs.length) / 50);
      }),
      { seed: 77, numRuns: 150 },
    );
  });
});
