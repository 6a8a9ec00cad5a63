import { describe, expect, it, vi } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { refsOf } from '../git/scratch.js';
import { address, announcement, event, key, pullRequest, state } from '../policy/world.js';
import { client } from './client.js';
import { hostingWorld } from './hosting-world.js';

// It would take minutes to set as many as there may be.
vi.mock(import('../../src/config/limits.js'), async (original) => {
  const { limits: real } = await original();
  return { limits: { ...real, pullRequestRefsMax: 4 } as unknown as typeof real };
});

const [owner, maintainer, stranger] = [key(1), key(2), key(3)];
const main = 'refs/heads/main';
const repository: RepositoryId = { pubkey: owner, identifier: 'r' };

/** A repository of two maintainers with one commit, of which pull requests can be made. */
async function withCommit(mine: ReturnType<typeof client>) {
  const world = await hostingWorld();
  const first = mine.commit('one');
  await world.hold(announcement(owner, 'r', { maintainers: [maintainer] }), state(owner, 'r', [main, first]));
  await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
  const proposed = (author: string, commit = first) =>
    pullRequest(author, [address(owner, 'r')], [['c', commit]]);
  return {
    world,
    proposed,
    /** Pushes the commit of a pull request that was published before, or of none; gives what is reported of its ref. */
    async push(author: string | undefined, message: string): Promise<string | undefined> {
      const fix = mine.commit(message);
      const published = author === undefined ? undefined : proposed(author, fix);
      if (published !== undefined) await world.hold(published);
      const name = `refs/nostr/${published?.id ?? fix.padEnd(64, '0')}`;
      const report = await world.push(repository, { lines: [[name, fix]], pack: mine.pack([fix]) });
      return report[1]?.replace(` ${name}`, '');
    },
    /** Those of some that have their refs. */
    withRefs(...events: readonly NostrEvent[]): NostrEvent[] {
      const refs = refsOf(world.pathOf(repository));
      return events.filter(({ id }) => refs[`refs/nostr/${id}`] === first);
    },
  };
}

describe('The refs of pull requests of one repository', () => {
  const full =
    'ng there is no room: a repository has at most 4 refs of pull requests, and one half is left to its maintainers';

  it('are bounded when they are pushed, and one half is left to its maintainers', async () => {
    using mine = client();
    const { world, push } = await withCommit(mine);
    await using _ = world;
    expect(await push(stranger, 'a')).toBe('ok');
    expect(await push(undefined, 'b')).toBe('ok');
    expect(await push(stranger, 'c')).toBe(full);
    expect(await push(undefined, 'd')).toBe(full);
    expect(await push(maintainer, 'e')).toBe('ok');
    expect(await push(owner, 'f')).toBe('ok');
    expect(await push(owner, 'g')).toBe(full);
  });

  it('are bounded when their commits are here already: the events are stored all the same', async () => {
    using mine = client();
    const { world, proposed, withRefs } = await withCommit(mine);
    await using _ = world;
    const theirs = [stranger, key(4), key(5)].map((author) => proposed(author));
    const ours = [owner, maintainer, owner].map((author) => proposed(author));
    for (const each of [...theirs, ...ours]) expect(await world.hold(each)).toEqual(['promoted']);
    expect(withRefs(...theirs, ...ours)).toEqual([...theirs.slice(0, 2), ...ours.slice(0, 2)]);
  });

  it('are bounded when their events come from elsewhere, and set when there is room again', async () => {
    using mine = client();
    const { world, proposed, withRefs } = await withCommit(mine);
    await using _ = world;
    const theirs = [stranger, key(4), key(5)].map((author) => proposed(author));
    const ours = proposed(maintainer);
    await world.take(...theirs, ours);
    expect(withRefs(...theirs, ours)).toHaveLength(3);
    expect(withRefs(ours)).toEqual([ours]);
    const [first, second] = withRefs(...theirs) as [NostrEvent, NostrEvent];
    for (const { pubkey, id } of [first, second]) await world.take(event(pubkey, 5, [['e', id]]));
    world.alignment.objectsArrived(repository);
    await world.alignment.idle();
    expect(withRefs(...theirs)).toEqual(theirs.filter((one) => one !== first && one !== second));
  });
});
