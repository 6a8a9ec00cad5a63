import fc from 'fast-check';
import { seededRandom } from '../../src/lib/random.js';
import type { Item } from './sorted-storage.js';

/** Two sets as the two sides hold them. */
export type TwoSets = { readonly ours: Item[]; readonly theirs: Item[] };

/** How the timestamps of a set lie. */
const timestampShapes = ['spread', 'few', 'one', 'extreme'] as const;
type TimestampShape = (typeof timestampShapes)[number];

const timestampMax = 2n ** 64n - 2n;

/** Two sets with `shared` common items and some of their own, made from a seed. */
export function makeSets(options: {
  readonly seed: number;
  readonly shared: number;
  readonly onlyOurs: number;
  readonly onlyTheirs: number;
  readonly shape?: TimestampShape;
  readonly idPrefixBytes?: number;
}): TwoSets {
  const random = seededRandom(options.seed);
  const { shape = 'spread', idPrefixBytes = 0 } = options;
  const make = (): Item => {
    const id = new Uint8Array(32);
    for (let at = idPrefixBytes; at < 32; at += 1) id[at] = Math.floor(random.next() * 256);
    return { timestamp: timestamp(shape, random.next()), id };
  };
  const several = (count: number): Item[] => Array.from({ length: count }, make);
  const shared = several(options.shared);
  return {
    ours: [...shared, ...several(options.onlyOurs)],
    theirs: [...shared, ...several(options.onlyTheirs)],
  };
}

function timestamp(shape: TimestampShape, fraction: number): bigint {
  if (shape === 'one') return 1_700_000_000n;
  if (shape === 'few') return 1_700_000_000n + BigInt(Math.floor(fraction * 3));
  if (shape === 'spread') return 1_700_000_000n + BigInt(Math.floor(fraction * 31_536_000));
  const extremes = [0n, 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, timestampMax - 1n, timestampMax];
  return extremes[Math.floor(fraction * extremes.length)] ?? 0n;
}

/** Arbitrary pairs of sets: empty, equal, disjoint and in between, with all kinds of timestamps and ids. */
export const twoSets = (sharedMax: number, ownMax: number): fc.Arbitrary<TwoSets> =>
  fc
    .record({
      seed: fc.integer({ min: 0, max: 2 ** 31 }),
      shared: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: sharedMax })),
      onlyOurs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: ownMax })),
      onlyTheirs: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 0, max: ownMax }),
      ),
      shape: fc.constantFrom(...timestampShapes),
      idPrefixBytes: fc.constantFrom(0, 0, 3, 28),
    })
    .map(makeSets);

/** The frame limits to try: none, the least, odd ones. */
export const frameLimit = fc.constantFrom(0, 4_096, 4_097, 5_000, 16_384, 60_000);

/** The true differences, as sorted hex. */
export function trueDifference({ ours, theirs }: TwoSets): { have: string[]; need: string[] } {
  const hex = (items: readonly Item[]): Set<string> =>
    new Set(items.map((item) => Buffer.from(item.id).toString('hex')));
  const ourIds = hex(ours);
  const theirIds = hex(theirs);
  return {
    have: [...ourIds].filter((id) => !theirIds.has(id)).sort(),
    need: [...theirIds].filter((id) => !ourIds.has(id)).sort(),
  };
}
