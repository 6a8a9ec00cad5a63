import fc from 'fast-check';
import { nip77 } from 'nostr-tools';
import { describe, expect, test } from 'vitest';
import { NegentropyClient } from '../../src/negentropy/client.js';
import { NegentropyServer } from '../../src/negentropy/server.js';
import { messageFromHex, messageToHex } from '../../src/negentropy/wire/frame.js';
import { exchange } from './exchange.js';
import { makeSets, type TwoSets, trueDifference } from './sets.js';
import { type Item, sortedStorage } from './sorted-storage.js';

/** Sets with timestamps that fit 31 bits: nostr-tools reads no longer ones. */
const sets: fc.Arbitrary<TwoSets> = fc
  .record({
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    shared: fc.integer({ min: 0, max: 1_000 }),
    onlyOurs: fc.integer({ min: 0, max: 300 }),
    onlyTheirs: fc.integer({ min: 0, max: 300 }),
    shape: fc.constantFrom('spread' as const, 'few' as const, 'one' as const),
  })
  .map(makeSets);
const limit = fc.constantFrom(4_096, 60_000);

function vectorOf(items: readonly Item[]): nip77.NegentropyStorageVector {
  const vector = new nip77.NegentropyStorageVector();
  for (const { timestamp, id } of items) vector.insert(Number(timestamp), Buffer.from(id).toString('hex'));
  vector.seal();
  return vector;
}

describe('with nostr-tools as the peer', () => {
  test('it learns the true difference from our server', () => {
    fc.assert(
      fc.property(sets, limit, limit, (both, ourLimit, theirLimit) => {
        const server = new NegentropyServer(sortedStorage(both.theirs), theirLimit);
        const client = new nip77.Negentropy(vectorOf(both.ours), ourLimit);
        const have = new Set<string>();
        const need = new Set<string>();
        let message: string | null = client.initiate();
        for (let rounds = 0; message !== null; rounds += 1) {
          expect(rounds).toBeLessThan(100);
          const answer = messageToHex(server.respond(messageFromHex(message)));
          message = client.reconcile(
            answer,
            (id) => have.add(id),
            (id) => need.add(id),
          );
        }
        expect({ have: [...have].sort(), need: [...need].sort() }).toEqual(trueDifference(both));
      }),
      { seed: 80, numRuns: 40 },
    );
  });

  test('our client learns the true difference from it, though it answers no lists', () => {
    fc.assert(
      fc.property(sets, limit, limit, (both, ourLimit, theirLimit) => {
        const client = new NegentropyClient(sortedStorage(both.ours), {
          frameBytesMax: ourLimit,
          needIdsMax: 10_000,
        });
        const server = new nip77.Negentropy(vectorOf(both.theirs), theirLimit);
        const result = exchange(client, (message) => {
          const answer = server.reconcile(messageToHex(message));
          return answer === null ? Uint8Array.of(0x61) : messageFromHex(answer);
        });
        expect({ have: result.have, need: result.need }).toEqual(trueDifference(both));
      }),
      { seed: 81, numRuns: 40 },
    );
  });
});
