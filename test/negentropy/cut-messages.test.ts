import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { NegentropyClient } from '../../src/negentropy/client.js';
import { NegentropyServer } from '../../src/negentropy/server.js';
import { MessageReader } from '../../src/negentropy/wire/reader.js';
import { ClassicPeer } from './classic-peer.js';
import { exchange } from './exchange.js';
import { trueDifference, twoSets } from './sets.js';
import { sortedStorage } from './sorted-storage.js';

// Honest messages of a megabyte hardly have as many ranges as are dealt with.
vi.mock(import('../../src/config/limits.js'), async (original) => {
  const { limits } = await original();
  return { limits: { ...limits, negentropyMessageRangesMax: 100 } as unknown as typeof limits };
});

const sets = twoSets(3_000, 1_000);
let cut = 0;
function counted(message: Uint8Array): Uint8Array {
  const reader = new MessageReader(message);
  while (reader.next() !== undefined);
  if (reader.isCut) cut += 1;
  return message;
}

describe('messages of more ranges than are dealt with', () => {
  for (const [peer, serverOf] of [
    ['our server', (items) => new NegentropyServer(sortedStorage(items), 0)],
    ['a classic server', (items) => new ClassicPeer(sortedStorage(items), 0)],
  ] as const satisfies readonly [string, (items: Parameters<typeof sortedStorage>[0]) => unknown][]) {
    test(`our client learns the true difference from ${peer}`, () => {
      cut = 0;
      fc.assert(
        fc.property(sets, ({ ours, theirs }) => {
          const client = new NegentropyClient(sortedStorage(ours), { frameBytesMax: 0, needIdsMax: 100_000 });
          const server = serverOf(theirs);
          const result = exchange(client, (message) =>
            counted(
              server instanceof ClassicPeer ? server.reconcile(message) : server.respond(counted(message)),
            ),
          );
          expect({ have: result.have, need: result.need }).toEqual(trueDifference({ ours, theirs }));
        }),
        { seed: 80, numRuns: 25 },
      );
      expect(cut).toBeGreaterThan(0);
    });
  }

  test('a classic client learns the true difference from our server', () => {
    cut = 0;
    fc.assert(
      fc.property(sets, ({ ours, theirs }) => {
        const server = new NegentropyServer(sortedStorage(theirs), 0);
        const learned = { have: [] as string[], need: [] as string[] };
        const client = new ClassicPeer(sortedStorage(ours), 0, learned);
        let rounds = 0;
        for (let message = client.initiate(); message.length > 1; rounds += 1) {
          expect(rounds).toBeLessThan(1_000);
          message = client.reconcile(server.respond(counted(message)));
        }
        // It asks again for what was put off, and may learn an id twice.
        const { have, need } = trueDifference({ ours, theirs });
        expect([...new Set(learned.have)].sort()).toEqual(have);
        expect([...new Set(learned.need)].sort()).toEqual(need);
      }),
      { seed: 81, numRuns: 25 },
    );
    expect(cut).toBeGreaterThan(0);
  });
});
