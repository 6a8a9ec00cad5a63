import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/kernels.js';
import { toHex } from '../../src/lib/bytes.js';
import { randomInteger, seededRandom } from '../../src/lib/random.js';
import { NegentropyClient } from '../../src/negentropy/client.js';
import { NegentropyServer } from '../../src/negentropy/server.js';
import { ClassicPeer } from './classic-peer.js';
import { exchange } from './exchange.js';
import { frameLimit, twoSets } from './sets.js';
import { type Item, sortedStorage } from './sorted-storage.js';

const hexes = (items: Iterable<Item>) => new Set([...items].map(({ id }) => toHex(id)));

describe.each([
  ['wasm', createWasmKernels],
  ['reference', createReferenceKernels],
] as const)('a client over a set that changes between messages (%s)', (_, createKernels) => {
  test.each([
    [
      'our server',
      (items: Item[], limit: number) => serverOf(new NegentropyServer(sortedStorage(items), limit)),
    ],
    [
      'a classic server',
      (items: Item[], limit: number) => classicOf(new ClassicPeer(sortedStorage(items), limit)),
    ],
  ] as const)(
    'misses nothing that %s held and it lacked all the while, nor the other way round',
    (_peer, peerOf) => {
      fc.assert(
        fc.property(twoSets(1_200, 400), frameLimit, frameLimit, fc.nat(), (sets, ours, theirs, seed) => {
          const random = seededRandom(seed);
          const present = new Map(sets.ours.map((item) => [toHex(item.id), item]));
          const absent = sets.theirs.filter(({ id }) => !present.has(toHex(id)));
          const ever = hexes(sets.ours);
          const always = new Set(ever);
          using set = createKernels().createLiveSet();
          for (const { timestamp, id } of sets.ours) set.insert(timestamp, id);
          const change = () => {
            for (let count = randomInteger(random, 12); count > 0; count -= 1) {
              const added = absent.splice(randomInteger(random, absent.length + 1), 1)[0];
              if (added !== undefined) {
                set.insert(added.timestamp, added.id);
                ever.add(toHex(added.id));
              }
              const gone = [...always][randomInteger(random, always.size + 1)];
              const item = gone === undefined ? undefined : present.get(gone);
              if (gone === undefined || item === undefined || random.next() < 0.5) continue;
              set.delete(item.timestamp, item.id);
              always.delete(gone);
            }
          };
          const client = new NegentropyClient(set, {
            frameBytesMax: ours,
            needIdsMax: 100_000,
          });
          const respond = peerOf([...sets.theirs], theirs);
          const { have, need } = exchange(client, (message) => {
            change();
            const answer = respond(message);
            change();
            return answer;
          });
          const theirIds = hexes(sets.theirs);
          const needed = new Set(need);
          const had = new Set(have);
          expect([...theirIds].filter((id) => !ever.has(id) && !needed.has(id))).toEqual([]);
          expect([...always].filter((id) => !theirIds.has(id) && !had.has(id))).toEqual([]);
          expect(need.filter((id) => !theirIds.has(id))).toEqual([]);
          expect(have.filter((id) => theirIds.has(id))).toEqual([]);
        }),
        { seed: 81, numRuns: 60 },
      );
    },
  );
});

const serverOf = (server: NegentropyServer) => (message: Uint8Array) => server.respond(message);
const classicOf = (server: ClassicPeer) => (message: Uint8Array) => server.reconcile(message);
