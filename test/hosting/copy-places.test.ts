import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { CopyPlaces } from '../../src/hosting/promotion/copy-places.js';
import { onAbort, TimeLimitError } from '../../src/lib/abort.js';
import { VirtualClock } from '../support/virtual-clock.js';

const { signal } = new AbortController();

it('are had by one owner after the other, and given up where others wait for long', async () => {
  const clock = new VirtualClock();
  const places = new CopyPlaces(clock);
  const begun: string[] = [];
  const ended: unknown[] = [];
  const copy = (owner: string, name: string) =>
    places.use(owner, signal, async (ending) => {
      begun.push(name);
      await new Promise<void>((resolve) => onAbort(ending, (reason) => resolve(void ended.push(reason))));
    });
  for (const name of ['a1', 'a2', 'a3', 'a4']) void copy('a', name);
  void copy('b', 'b1');
  await clock.advance(limits.gitPlacesHeldMsMax - 1);
  expect(begun).toEqual(['a1', 'a2']);
  await clock.advance(1);
  expect(ended).toEqual([expect.any(TimeLimitError)]);
  await clock.advance(limits.gitPlacesHeldMsMax);
  expect(begun).toEqual(['a1', 'a2', 'a3', 'b1']);
});
