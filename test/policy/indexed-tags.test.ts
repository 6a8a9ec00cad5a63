import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { indexedTagCount, type NostrEvent } from '../../src/nostr/event.js';
import { hasRealEvents, realEvents } from '../support/real-events.js';
import { address, announcement, commit, event, key, state, type World, world } from './world.js';

const [alice, bob] = [key(1), key(2)];
const about = ['a', address(alice, 'repo')];
const { indexedTagsMax: most, followListTagsMax: mostOfList } = limits;
const tagsOf = (count: number) => Array.from({ length: count }, (_, at) => ['t', `${at}`]);

function withRepository(): World {
  const here = world();
  expect(here.submit(announcement(alice, 'repo'))).toBe('accept');
  return here;
}

describe('tags of a single letter', () => {
  const refusal = `invalid: more than ${most} tags of a single letter`;

  it.each([1, 5, 1111, 1617, 1621, 1630, 1985])('of kind %i are so many at most', (kind) => {
    const { submit } = withRepository();
    expect(submit(event(bob, kind, [about, ...tagsOf(most - 1)]))).not.toContain('tags');
    expect(submit(event(bob, kind, [about, ...tagsOf(most)]))).toBe(refusal);
  });

  it('are so many of a pull request, a state and an announcement, too', () => {
    const { submit } = withRepository();
    expect(submit(event(bob, 1618, [about, ['c', commit], ...tagsOf(most - 2)]))).toBe('accept');
    expect(submit(event(bob, 1618, [about, ['c', commit], ...tagsOf(most - 1)]))).toBe(refusal);
    expect(submit(state(alice, 'repo', ...tagsOf(most)))).toBe(refusal);
    expect(submit(announcement(alice, 'repo', { tags: tagsOf(most) }))).toBe(refusal);
  });

  it('are more of a list of those whom somebody follows, one of which there is of each key', () => {
    const { submit } = withRepository();
    const listed = (count: number) =>
      event(bob, 3, [about, ...tagsOf(count - 1).map(([, at]) => ['p', `${at}`])]);
    expect(submit(listed(mostOfList))).toBe('accept');
    expect(submit(listed(mostOfList + 1))).toBe(`invalid: more than ${mostOfList} tags of a single letter`);
  });

  it('are counted and no others: a state has thousands of refs', () => {
    const { submit } = withRepository();
    const refs = Array.from({ length: limits.stateRefsMax }, (_, at) => [`refs/heads/${at}`, commit]);
    expect(submit(state(alice, 'repo', ...refs))).toBe('accept');
    const others = [...refs, ...Array.from({ length: most }, () => ['t'])];
    expect(submit(event(bob, 1621, [about, ...others.slice(-limits.eventTagsMax + 1)]))).toBe('accept');
  });

  it('are counted before all that costs more', () => {
    const { policy } = withRepository();
    expect(policy.precheck(event(bob, 1621, [about, ...tagsOf(most)]))).toBe(refusal);
  });

  it.skipIf(!hasRealEvents)('are a tenth of that at most in what people publish', () => {
    const shareOf = (real: NostrEvent) => indexedTagCount(real) / (real.kind === 3 ? mostOfList : most);
    expect(Math.max(...realEvents().map(shareOf))).toBeLessThanOrEqual(0.1);
  });
});
