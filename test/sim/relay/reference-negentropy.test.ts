import { nip77 } from 'nostr-tools';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/lib/random.js';
import { between, randomHex } from '../random.js';
import { type Item, ReferenceNegentropy } from './reference-negentropy.js';

/** Reconciles by nostr-tools' client against the responder; what it has and what it needs, sorted. */
function reconcile(ours: readonly Item[], theirs: readonly Item[], frameBytesMax: number) {
  const storage = new nip77.NegentropyStorageVector();
  for (const { timestamp, id } of ours) storage.insert(timestamp, id);
  storage.seal();
  const client = new nip77.Negentropy(storage);
  const responder = new ReferenceNegentropy(theirs, frameBytesMax);
  const have = new Set<string>();
  const need = new Set<string>();
  let rounds = 0;
  let longest = 0;
  let message: string | null = client.initiate();
  while (message !== null && rounds < 200) {
    const answer = responder.answer(message);
    longest = Math.max(longest, answer.length / 2);
    message = client.reconcile(
      answer,
      (id) => have.add(id),
      (id) => need.add(id),
    );
    if (message === '61') message = null;
    rounds += 1;
  }
  return { have: [...have].sort(), need: [...need].sort(), rounds, longest };
}

describe('ReferenceNegentropy', () => {
  it.each([
    [0, 0],
    [0, 1],
    [1, 0],
    [20, 31],
    [500, 40],
    [300, 3000],
  ])('agrees with the client of nostr-tools on %i and %i items', (oursCount, theirsCount) => {
    const random = seededRandom(oursCount * 31 + theirsCount);
    const item = () => ({
      timestamp: between(random, 1_700_000_000, 1_700_000_500),
      id: randomHex(random, 64),
    });
    const shared = Array.from({ length: 200 }, item);
    const ours = [...shared, ...Array.from({ length: oursCount }, item)];
    const theirs = [...shared, ...Array.from({ length: theirsCount }, item)];
    const ids = (items: readonly Item[]) => items.map(({ id }) => id).sort();
    for (const frameBytesMax of [0, 4_096]) {
      const result = reconcile(ours, theirs, frameBytesMax);
      expect(result.have).toEqual(ids(ours.slice(200)));
      expect(result.need).toEqual(ids(theirs.slice(200)));
      if (frameBytesMax > 0) expect(result.longest).toBeLessThanOrEqual(frameBytesMax);
    }
  });

  it('refuses what is no message', () => {
    const responder = new ReferenceNegentropy([], 0);
    expect(() => responder.answer('61ff')).toThrow(RangeError);
    expect(responder.answer('60')).toBe('61');
    const random = seededRandom(5);
    for (let i = 0; i < 200; i++) {
      const noise = `61${randomHex(random, 2 * between(random, 0, 60))}`;
      try {
        responder.answer(noise);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
  });
});
