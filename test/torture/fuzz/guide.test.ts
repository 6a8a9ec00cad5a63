import { expect, it } from 'vitest';
import { isRefName } from '../../../src/git/ref-name.js';
import { Guide } from './guide.js';

it('the guide tells an input that runs a block for the first time, alone and among others', () => {
  using guide = new Guide('/src/git/ref-name');
  guide.skip();
  const looks = [['refs/heads/a'], ['refs/heads/a', 'refs/heads/b'], ['refs/heads/é'], ['refs/heads/ü']].map(
    (names) => {
      for (const name of names) isRefName(name);
      return guide.hasNew(true);
    },
  );
  expect(looks).toEqual([true, false, true, false]);
  expect(guide.functions).toBeGreaterThan(0);
});
