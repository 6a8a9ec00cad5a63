import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { freeBytesOf } from '../../src/lib/disk/disk-space.js';

const room = { bavail: 1_000_000, bsize: 4_096 };

describe('the free bytes of a disk', () => {
  it.each([
    ['has enough files left', 10_000_000, limits.diskFilesFreeMin, 4_096_000_000],
    ['has hardly any file left', 10_000_000, limits.diskFilesFreeMin - 1, 0],
    ['can have few files, and has some left', 100, 1, 4_096_000_000],
    ['can have few files, and has none left', 100, 0, 0],
    ['does not count files', 0, 0, 4_096_000_000],
  ])('of one that %s', (_, files, ffree, expected) => {
    const filesMin = { count: limits.diskFilesFreeMin, share: limits.diskFilesFreeShareMin };
    expect(freeBytesOf({ ...room, files, ffree }, filesMin)).toBe(expected);
  });
});
