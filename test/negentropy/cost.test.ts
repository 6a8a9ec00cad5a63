import { describe, expect, test } from 'vitest';
import type { RecordReader } from '../../src/kernels/kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/kernels.js';
import { NegentropyClient } from '../../src/negentropy/client.js';
import { bestCut, expectedDifferences } from '../../src/negentropy/plan.js';
import { NegentropyServer } from '../../src/negentropy/server.js';
import { ClassicPeer } from './classic-peer.js';
import { exchange } from './exchange.js';
import { makeSets } from './sets.js';
import type { Item } from './sorted-storage.js';

const frameBytes = 60_000;
const kernels = createWasmKernels();

function seal(items: readonly Item[]): RecordReader {
  const builder = kernels.createRecordSet(items.length);
  for (const { timestamp, id } of items) builder.add(timestamp, id);
  return builder.seal();
}

/** Rounds and bytes of a classic client with whatever answers. */
function classicClient(storage: RecordReader, respond: (message: Uint8Array) => Uint8Array) {
  const client = new ClassicPeer(storage, frameBytes, { have: [], need: [] });
  let rounds = 0;
  let bytes = 0;
  for (let message = client.initiate(); message.length > 1; rounds += 1) {
    const answer = respond(message);
    bytes += message.length + answer.length;
    message = client.reconcile(answer);
  }
  return { rounds, bytes };
}

describe('the cost of reconciliation', () => {
  for (const [shared, own] of [
    [100_000, 100],
    [40_000, 1_500],
  ] as const) {
    test(`${shared} items with ${own} differences on each side take less than between two classic peers`, () => {
      const sets = makeSets({ seed: 31, shared, onlyOurs: own, onlyTheirs: own });
      const ours = seal(sets.ours);
      const theirs = seal(sets.theirs);
      const classic = new ClassicPeer(theirs, frameBytes);
      const both = classicClient(ours, (message) => classic.reconcile(message));
      const server = new NegentropyServer(theirs, frameBytes);
      const asServer = classicClient(ours, (message) => server.respond(message));
      const client = () => new NegentropyClient(ours, { frameBytesMax: frameBytes, needIdsMax: 10_000 });
      const asClient = exchange(client(), (message) => classic.reconcile(message));
      const planning = new NegentropyServer(theirs, frameBytes);
      const asBoth = exchange(client(), (message) => planning.respond(message));
      expect(asServer.rounds).toBeLessThanOrEqual(both.rounds);
      expect(asServer.bytes).toBeLessThan(both.bytes * 0.75);
      for (const { rounds, bytesUp, bytesDown } of [asClient, asBoth]) {
        expect(rounds).toBeLessThan(both.rounds);
        expect(bytesUp + bytesDown).toBeLessThan(both.bytes * 0.75);
      }
    });
  }

  test('equal sets of 40,000 items cost one short question', () => {
    const { ours } = makeSets({ seed: 32, shared: 40_000, onlyOurs: 0, onlyTheirs: 0 });
    const storage = seal(ours);
    const server = new NegentropyServer(storage, frameBytes);
    const client = new NegentropyClient(storage, { frameBytesMax: frameBytes, needIdsMax: 1 });
    const { rounds, bytesUp, bytesDown } = exchange(client, (message) => server.respond(message));
    expect({ rounds, bytesDown }).toEqual({ rounds: 1, bytesDown: 1 });
    expect(bytesUp).toBeLessThan(5_000);
  });

  test('the estimate of differences follows the pieces that differ', () => {
    expect(expectedDifferences(16, 0)).toBe(0);
    expect(expectedDifferences(16, 1)).toBeCloseTo(1.03, 2);
    expect(expectedDifferences(16, 8)).toBeCloseTo(1.39, 2);
    expect(expectedDifferences(16, 16)).toBeCloseTo(Math.log(32), 5);
  });

  test('dense differences are cut into leaves, sparse ones into pieces that the peer cuts again', () => {
    for (const peer of ['classic', 'client', 'server'] as const) {
      expect(bestCut(10, 20_000, peer).size).toBeLessThan(10);
      expect(bestCut(5_000, 20_000, peer).size).toBeGreaterThan(32);
      expect(bestCut(1e6, 1, peer).cost).toBeGreaterThan(bestCut(1e6, 1_000, peer).cost);
    }
  });

  test('where rounds are dear, ranges are cut finer at once', () => {
    expect(bestCut(5_000, 10, 'server').size).toBeLessThan(bestCut(5_000, 10_000, 'server').size);
  });
});
