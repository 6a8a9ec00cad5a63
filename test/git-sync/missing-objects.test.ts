import { expect, it } from 'vitest';
import { type MissingObjectsParts, missingObjects } from '../../src/git-sync/missing-objects.js';
import { address, event, key } from '../policy/world.js';

it('gathers what many pull requests say of one commit, but for what a state names', async () => {
  const repository = { pubkey: key(1), identifier: 'repo' };
  const [commit, ofState] = ['c'.repeat(40), 'd'.repeat(40)];
  const pullRequest = (at: number, tip: string) => ({
    event: event(key(2), 1618, [
      ['a', address(key(1), 'repo')],
      ['c', tip],
      ['clone', `https://a.example/${at}.git`],
    ]),
  });
  const proposed = Array.from({ length: 2_000 }, (_, at) => pullRequest(at, commit));
  const state = {
    event: event(key(1), 30618, [['d', 'repo']]),
    refs: new Map([['refs/heads/main', ofState]]),
  };
  const missing = await missingObjects(
    {
      directory: {
        maintainersAmong: () => new Set([key(1)]),
        stateOf: () => undefined,
        isAnnounced: () => false,
      },
      purgatory: { statesBy: () => [state], pullRequestsOf: () => [...proposed, pullRequest(0, ofState)] },
      repositories: { pathOf: () => '/', exists: async () => false },
    } as unknown as MissingObjectsParts,
    repository,
  );
  expect(missing.map(({ objectId }) => objectId)).toEqual([ofState, commit]);
  expect(missing[0]).toMatchObject({ pullRequestIds: [], clones: [] });
  expect(missing[1]?.pullRequestIds).toEqual(proposed.map((each) => each.event.id));
  expect(missing[1]?.clones).toEqual(proposed.map((_, at) => [`https://a.example/${at}.git`]));
});
