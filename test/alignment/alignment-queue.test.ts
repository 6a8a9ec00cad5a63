import { describe, expect, it, vi } from 'vitest';
import { AlignmentQueue, type AlignmentWork, onlyRefs } from '../../src/alignment/alignment-queue.js';

const repository = { pubkey: 'a'.repeat(64), identifier: 'r' };
const workOn = (...eventIds: string[]): AlignmentWork => ({
  repository,
  scope: { refs: false, pullRequests: new Set(eventIds), isForced: false },
  failures: 0,
});

describe('a repository that waits to be aligned', () => {
  it('has all the pull requests that came one by one, each noted once', () => {
    const queue = new AlignmentQueue();
    const works = Array.from({ length: 1_000 }, (_, index) => workOn(`${index}`));
    const noted = vi.spyOn(Set.prototype, 'add');
    for (const work of works) queue.add(work, 'fresh');
    const notes = noted.mock.calls.length;
    noted.mockRestore();
    expect(queue.take(new Set())?.scope.pullRequests).toEqual(new Set(works.map((_, index) => `${index}`)));
    expect(notes).toBeLessThan(2 * works.length);
  });

  it('shares what is added to it with no other', () => {
    const queue = new AlignmentQueue();
    for (const identifier of ['r', 's'])
      queue.add({ repository: { ...repository, identifier }, scope: onlyRefs(), failures: 0 }, 'background');
    queue.add(workOn('1'), 'fresh');
    expect(queue.take(new Set())?.scope).toEqual({ refs: true, pullRequests: new Set('1'), isForced: false });
    expect(queue.take(new Set())?.scope).toEqual(onlyRefs());
  });
});
