import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { roomOf } from '../../src/daemon/git/room.js';

it('is none for proposals where a repository has very many packs, until it is repacked', () => {
  const repository = { pubkey: 'a'.repeat(64), identifier: 'r' };
  let packs = limits.proposedPacksMax - 1;
  let taken = 0;
  const maintenance = {
    packsOf: () => packs,
    roomFor: () => 1_000,
    reserve: () => ({
      take: (bytes: number) => {
        taken += bytes;
        return undefined;
      },
      [Symbol.dispose]: () => {
        taken = 0;
      },
    }),
    packArrived: () => {},
    packsShared: () => {},
  };
  const current = { now: { repositoryMaxMb: 1 } } as Parameters<typeof roomOf>[1];
  const { reserve, proposalRoomFor } = roomOf({ maintenance }, current);
  using proposal = reserve(repository, true);
  expect([proposal.take(10), proposalRoomFor(repository), taken]).toEqual([undefined, 1_000, 10]);
  packs += 1;
  expect(proposal.take(10)).toMatch(/so many packs that proposals have to wait until it is repacked/);
  expect([proposalRoomFor(repository), taken]).toEqual([0, 10]);
  // Those of maintainers go on.
  expect(reserve(repository, false).take(10)).toBeUndefined();
  packs = 1;
  expect(proposal.take(10)).toBeUndefined();
});
