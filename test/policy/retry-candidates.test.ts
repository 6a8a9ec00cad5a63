import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { retryCandidates } from '../../src/policy/retry-candidates.js';
import { event, key } from './world.js';

const [alice, bob, carol] = [key(1), key(2), key(3)];

/** The filters for what an event refers to by addresses. */
const filtersFor = (...addresses: string[]) => {
  const tags = addresses.map((address) => ['a', address]);
  return retryCandidates(event(bob, 1111, tags)).filter(
    ({ kinds: [kind] = [] }) => kind !== undefined && kind !== 5,
  );
};

describe('what may be acceptable because an event refers to it', () => {
  it('is looked for once for each kind and author, however many addresses of these there are', () => {
    const named = Array.from({ length: limits.addressLookupsMax / 2 }, (_, number) => `${number}`);
    const addresses = named.flatMap((name) => [`30023:${alice}:${name}`, `10002:${carol}:${name}`]);
    expect(filtersFor(...addresses)).toEqual([
      { kinds: [30023], authors: [alice], '#d': named },
      { kinds: [10002], authors: [carol] },
    ]);
  });

  it('is what has an address, by its kind', () => {
    expect(filtersFor(`1:${alice}:`, `1621:${alice}:a`, `20001:${alice}:`)).toEqual([]);
  });

  it('need not have an identifier where its address has none', () => {
    expect(filtersFor(`30023:${alice}:a`, `30023:${alice}:`)).toEqual([{ kinds: [30023], authors: [alice] }]);
  });
});
