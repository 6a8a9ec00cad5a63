import fc from 'fast-check';
import type { Filter } from '../../src/nostr/filter.js';
import type { FilteredEvent } from '../../src/nostr/filter-match.js';
import type { TestRecord } from './independent.js';

const extremes = [
  0n,
  1n,
  255n,
  256n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

const timestamp = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...extremes) },
  { weight: 3, arbitrary: fc.bigInt({ min: 1_700_000_000n, max: 1_700_000_050n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
);

const id = fc.oneof(
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 32, maxLength: 32 }) },
  // Ids that differ in one late byte only, and those that carry through all limbs when summed.
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(0, 255), fc.nat(31), fc.nat(255)).map(([fill, at, byte]) => {
      const bytes = new Uint8Array(32).fill(fill);
      bytes[at] = byte;
      return bytes;
    }),
  },
);

export const record: fc.Arbitrary<TestRecord> = fc.record({ timestamp, id });

/** Records, some of them twice. */
export const records = fc
  .tuple(fc.array(record, { maxLength: 200, size: 'max' }), fc.array(fc.nat(), { maxLength: 20 }))
  .map(([some, again]) =>
    some.length === 0 ? some : [...some, ...again.map((n) => some[n % some.length]!)],
  );

const value = fc.constantFrom('a', 'b', 'c', 'A', '', 'nostr', '__proto__', 'constructor');
const values = fc.array(value, { maxLength: 4 });
const tagName = fc.constantFrom('e', 'p', 'E', 't', 'long', '', 'd');
const kind = fc.nat(4);
const time = fc.nat(6);

export const event: fc.Arbitrary<FilteredEvent> = fc.record({
  id: value,
  pubkey: value,
  kind,
  created_at: time,
  tags: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.tuple(tagName, value).map((pair) => [...pair]) },
      { weight: 1, arbitrary: fc.array(value, { maxLength: 4 }) },
      { weight: 1, arbitrary: fc.tuple(tagName, value, value).map((tag) => [...tag]) },
    ),
    { maxLength: 8 },
  ),
});

export const filter: fc.Arbitrary<Filter> = fc
  .tuple(
    fc.record(
      { ids: values, authors: values, kinds: fc.array(kind, { maxLength: 3 }), since: time, until: time },
      {
        requiredKeys: [],
      },
    ),
    fc.dictionary(
      fc.constantFrom('e', 'p', 'E', 't', 'd').map((letter) => `#${letter}` as const),
      values,
      { maxKeys: 2 },
    ),
  )
  .map(([plain, tags]) => ({ ...plain, ...tags }));
