import { describe, expect, it } from 'vitest';
import { countClosing, isExpected } from '../../src/alignment/closing.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { key } from './world.js';

const repository = (number: number): RepositoryId => ({ pubkey: key(1), identifier: `repo-${number}` });

describe('settings that close repositories', () => {
  it.each([
    ['ten', 10, 10, 0, true],
    ['eleven of eleven', 11, 11, 0, false],
    ['a tenth', 1_000, 100, 0, true],
    ['more than a tenth', 1_000, 101, 0, false],
    ['as many as are accepted', 1_000, 900, 900, true],
    ['more than are accepted', 1_000, 901, 900, false],
    ['none', 0, 0, 0, true],
  ])('%s', (_, open, closing, accepted, expected) => {
    expect(isExpected({ open, closing }, accepted)).toBe(expected);
  });

  it('counts what is open and served no longer, and not what is closed already', async () => {
    const [served, leaving, closed, unheardOf] = [0, 1, 2, 3].map(repository);
    const parts = {
      directory: { isServed: ({ identifier }: RepositoryId) => identifier === served?.identifier },
      repositories: {
        list: async function* () {
          yield* [served, leaving, closed, unheardOf] as RepositoryId[];
        },
        closedSince: async ({ identifier }: RepositoryId) =>
          identifier === closed?.identifier ? 1 : undefined,
      },
    };
    expect(await countClosing(parts)).toEqual({ open: 3, closing: 2 });
    const isAnnounced = ({ identifier }: RepositoryId) => identifier !== unheardOf?.identifier;
    expect(await countClosing(parts, isAnnounced)).toEqual({ open: 3, closing: 1 });
  });
});
