import { Registry } from 'prom-client';
import { expect, it, vi } from 'vitest';
import type { PrsRepository, RepositoryKey } from '../../src/git/bare-repositories.js';
import { isOfPrs } from '../../src/git/bare-repositories.js';
import { PrsRoom } from '../../src/hosting/prs/prs-room.js';
import { DiskUse } from '../../src/maintenance/disk-use.js';

const of = (signer: string, identifier: string): PrsRepository => ({ signer, identifier });
const pathOf = (key: RepositoryKey): string => `/${isOfPrs(key) ? key.signer : key.pubkey}/${key.identifier}`;

function prsRoom() {
  const metrics = new Registry();
  const all = { bytesMax: 400, refusal: 'all is full' };
  const diskUse = new DiskUse(
    {
      repository: { bytesMax: 100, refusal: 'one is full' },
      sparedRefusal: 'publish first',
      repositories: all,
      disk: { hasRoomFor: () => true, take: () => {} },
    },
    metrics,
    { prefix: 'ngit_grasp06', about: 'repositories of pull requests' },
  );
  const room = new PrsRoom({
    repositories: { pathOf },
    diskUse,
    maintenance: {
      reserve: (key: RepositoryKey, spared = 0) => diskUse.reserve(pathOf(key), spared),
      refusal: (key: RepositoryKey) => diskUse.refusal(pathOf(key)),
    },
    settings: { repositoryBytesMax: 100, key: { bytesMax: 150, refusal: 'the key is full' }, all },
  });
  const take = (key: PrsRepository, bytes: number, isAnnounced: boolean) =>
    room.reserve(key, isAnnounced).take(bytes);
  return { room, take, diskUse, metrics };
}

it('bounds the repository, the key and all together, what is coming as well', async () => {
  const { room, take, diskUse, metrics } = prsRoom();
  expect(take(of('a', 'x'), 100, true)).toBeUndefined();
  expect(take(of('a', 'x'), 1, true)).toBe('one is full');
  expect(take(of('a', 'y'), 51, true)).toBe('the key is full');
  expect(take(of('a', 'y'), 50, true)).toBeUndefined();
  expect(room.refusal(of('a', 'z'))).toBe('the key is full');
  diskUse.set(pathOf(of('b', 'x')), 100);
  diskUse.set(pathOf(of('c', 'x')), 100);
  expect(take(of('d', 'x'), 51, true)).toBe('all is full');
  expect(take(of('d', 'x'), 50, true)).toBeUndefined();
  expect(room.refusal(of('d', 'x'))).toBe('all is full');
  expect(await metrics.metrics()).toMatch(/^ngit_grasp06_repositories_bytes 200$/m);
});

it('leaves half of each to pull requests that are published: anybody may push to the address of a key', () => {
  const { take, diskUse } = prsRoom();
  expect(take(of('a', 'x'), 51, false)).toBe('publish first');
  expect(take(of('a', 'x'), 50, false)).toBeUndefined();
  expect(take(of('a', 'y'), 26, false)).toBe('the key is full');
  expect(take(of('a', 'y'), 100, true)).toBeUndefined();
  diskUse.set(pathOf(of('b', 'x')), 50);
  expect(take(of('c', 'x'), 1, false)).toBe('all is full');
  expect(take(of('c', 'x'), 100, true)).toBeUndefined();
});

it('has the same looked at for each piece, however many repositories the key has', () => {
  const { take, diskUse } = prsRoom();
  const looks = vi.spyOn(Map.prototype, 'get');
  const looksOfPiece = () => {
    looks.mockClear();
    expect(take(of('a', 'x'), 1, true)).toBeUndefined();
    return looks.mock.calls.length;
  };
  try {
    const before = looksOfPiece();
    for (let number = 0; number < 100; number += 1) diskUse.set(pathOf(of('a', `other-${number}`)), 1);
    expect(looksOfPiece()).toBe(before);
  } finally {
    vi.restoreAllMocks();
  }
});
