import { expect, it } from 'vitest';
import { GitAddresses } from '../../src/git-sync/git-addresses.js';

const never = new AbortController().signal;
const [one, other] = ['192.0.2.1', '198.51.100.1'];

it('an address has its share, of which those take one place each that turn out to be there', async () => {
  const addresses = new GitAddresses(() => 2);
  const seats = await Promise.all([1, 2, 3].map(() => addresses.seat(undefined, 'a', never)));
  expect(seats.map((seat) => seat.isAt(one))).toEqual([true, true, false]);
  expect([addresses.isFull(one), addresses.isFull(other), addresses.isFull(undefined)]).toEqual([
    true,
    false,
    false,
  ]);
  // Another connection to where it is has its place already.
  expect(seats.map((seat) => seat.isAt(one))).toEqual([true, true, false]);
  expect(seats[2]?.isAt(other)).toBe(true);
  seats[0]?.[Symbol.dispose]();
  expect(addresses.isFull(one)).toBe(false);
});

it('who is known to be at an address waits for a place there, one party after the other, and may be found elsewhere', async () => {
  const addresses = new GitAddresses(() => 1);
  const first = await addresses.seat(one, 'a', never);
  const order: string[] = [];
  const waiting = ['a', 'a', 'b'].map(async (party) => {
    using seat = await addresses.seat(one, party, never);
    order.push(party);
    return seat.isAt(one);
  });
  const stop = new AbortController();
  const gone = addresses.seat(one, 'c', stop.signal);
  stop.abort(new Error('given up'));
  await expect(gone).rejects.toThrow('given up');
  expect(order).toEqual([]);
  // Its place is free for the next then.
  expect(first.isAt(other)).toBe(true);
  expect(await Promise.all(waiting)).toEqual([true, true, true]);
  expect(order).toEqual(['a', 'b', 'a']);
  expect([addresses.isFull(one), addresses.isFull(other)]).toEqual([false, true]);
  first[Symbol.dispose]();
  expect(addresses.isFull(other)).toBe(false);
});
