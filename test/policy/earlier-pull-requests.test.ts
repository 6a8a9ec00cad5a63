import { expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { RepositoryDirectory } from '../../src/repositories/repository-directory.js';
import { RepositoryServing } from '../../src/repositories/serving.js';
import { storedPullRequests } from '../../src/repositories/stored-pull-requests.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { IdNumbers } from '../../src/store/name-numbers.js';
import { hostingRules } from '../support/hosting-rules.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { address, announcement, domain, key, pullRequest } from './world.js';

const [alice, bob] = [key(1), key(2)];
const repository = { pubkey: alice, identifier: 'repo' };
const perTurn = limits.pullRequestsEnteredAtOnceMax;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const requestsFor = (identifier: string, count: number) =>
  Array.from({ length: count }, () => pullRequest(bob, [address(alice, identifier)]));

/** A directory upon a store in which these are that nobody told it of. */
async function directoryOf(stored: readonly NostrEvent[]) {
  const { store } = createMemoryStore({ clock: new VirtualClock(Date.UTC(2026, 0, 1)) });
  const directory = new RepositoryDirectory(new RepositoryServing(hostingRules(domain)));
  await directory.load(store);
  for (const event of stored) store.put(event);
  /** Has one go; gives the repositories in which the git side has to look. */
  const departs = (event: NostrEvent) => {
    store.remove(event.id);
    return directory
      .onRemoved([{ ...event, bytes: 0 }])
      .map((departed) => departed.type === 'pull-request' && departed.pullRequest.repositories);
  };
  return { store, directory, departs };
}

it('pull requests that came before the announcement of what they name are taken in at once, where they are few', async () => {
  const requests = requestsFor('repo', perTurn);
  const { directory, departs } = await directoryOf([...requests, ...requestsFor('other', 1)]);
  directory.onStored(announcement(alice, 'repo'));
  for (const request of requests) expect(departs(request)).toEqual([[repository]]);
});

it('very many are taken in a slice of each turn, and what goes meanwhile is told of', async () => {
  const requests = requestsFor('repo', 5 * perTurn);
  const [unrelated, late] = requestsFor('other', 2) as [NostrEvent, NostrEvent];
  const { store, directory, departs } = await directoryOf([...requests, unrelated, late]);
  const [first, second, ...others] = requests as [NostrEvent, NostrEvent, ...NostrEvent[]];
  const entered = vi.spyOn(IdNumbers.prototype, 'hold');
  try {
    directory.onStored(announcement(alice, 'repo'));
    // The oldest come last.
    expect(departs(first)).toEqual([[repository]]);
    expect(departs(unrelated)).toEqual([[repository]]);
    let before = 0;
    while (entered.mock.calls.length < requests.length - 1) {
      await turn();
      expect(entered.mock.calls.length - before).toBeLessThanOrEqual(perTurn);
      before = entered.mock.calls.length;
    }
    for (let turns = 0; turns < 20; turns += 1) await turn();
    expect(entered.mock.calls.length).toBe(requests.length - 1);
  } finally {
    vi.restoreAllMocks();
  }
  expect(departs(late)).toEqual([]);
  expect(departs(first)).toEqual([]);
  expect(departs(second)).toEqual([[repository]]);
  const told: number[] = [];
  const left: string[] = [];
  for await (const ids of storedPullRequests({ directory, store }, repository)) {
    told.push(ids.length);
    left.push(...ids);
  }
  expect(Math.max(...told)).toBeLessThanOrEqual(limits.alignmentPullRequestsMax);
  expect(left.sort()).toEqual(others.map(({ id }) => id).sort());
});
