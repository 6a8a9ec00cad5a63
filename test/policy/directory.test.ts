import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { compileFilters } from '../../src/nostr/filter-match.js';
import { RepositoryDirectory } from '../../src/repositories/repository-directory.js';
import { hasRealEvents, realEvents } from '../support/real-events.js';
import {
  address,
  announcement,
  commit,
  event,
  foreign,
  key,
  patterns,
  pullRequest,
  state,
  type World,
  world,
} from './world.js';

const [alice, bob, carol, mallory] = [key(1), key(2), key(3), key(4)];
const repository = { pubkey: alice, identifier: 'repo' };

/** With what a pull request that goes has to be told of, which is found out last: then it has gone. */
function picture(directory: RepositoryDirectory, pullRequests: readonly NostrEvent[]) {
  const ids = [alice, bob, carol].flatMap((pubkey) =>
    ['repo', 'other'].map((identifier) => ({ pubkey, identifier })),
  );
  const repositories = ids.map((id) => ({
    announced: directory.isAnnounced(id),
    served: directory.isServed(id),
    maintainers: [...directory.maintainersOf(id)].sort(),
    state: directory.stateOf(id)?.id,
  }));
  const departed = directory.onRemoved(pullRequests.map((request) => ({ ...request, bytes: 0 })));
  const named = departed.flatMap((each) => (each.type === 'pull-request' ? [each.pullRequest] : []));
  const aboutAnnounced = named.flatMap(({ eventId, repositories }) =>
    repositories.filter((id) => directory.isAnnounced(id)).map((id) => [eventId, id]),
  );
  return { repositories, aboutAnnounced };
}

async function loadedFrom({ serving, store }: World) {
  const directory = new RepositoryDirectory(serving);
  await directory.load(store);
  return directory;
}

describe('The directory of repositories', () => {
  it('answers after any sequence of events what a fresh one reads from the store', async () => {
    const authors = fc.constantFrom(alice, bob, carol);
    const names = fc.constantFrom('repo', 'other');
    const made = fc.oneof(
      fc.tuple(authors, names, fc.subarray([alice, bob, carol]), fc.boolean()).map(
        ([author, name, maintainers, isHere]) =>
          () =>
            isHere ? announcement(author, name, { maintainers }) : foreign(author, name, maintainers),
      ),
      fc.tuple(authors, names).map(
        ([author, name]) =>
          () =>
            state(author, name),
      ),
      fc.tuple(authors, authors, names).map(
        ([author, owner, name]) =>
          () =>
            pullRequest(author, [address(owner, name)]),
      ),
      fc.tuple(authors, names, fc.constantFrom(30617, 30618)).map(
        ([author, name, kind]) =>
          () =>
            event(author, 5, [['a', `${kind}:${author}:${name}`]]),
      ),
      fc.tuple(authors, fc.nat()).map(
        ([author, pick]) =>
          (before: NostrEvent[]) =>
            event(author, 5, [['e', before[pick % before.length]?.id ?? '0'.repeat(64)]]),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(made, { maxLength: 25 }), async (makers) => {
        const here = world();
        const before: NostrEvent[] = [];
        for (const make of makers) {
          const submitted = make(before);
          before.push(submitted);
          here.submit(submitted);
        }
        const pullRequests = before.filter(({ id, kind }) => kind === 1618 && here.store.has(id));
        expect(picture(here.directory, pullRequests)).toEqual(picture(await loadedFrom(here), pullRequests));
      }),
      { numRuns: 150, seed: 30617 },
    );
  });

  it('follows replacement: an announcement that no longer lists us is kept, without a repository', () => {
    const { submit, directory } = world();
    submit(announcement(alice, 'repo'));
    expect(directory.isServed(repository)).toBe(true);
    expect(submit(foreign(alice, 'repo'))).toBe('accept');
    expect(directory.isAnnounced(repository)).toBe(true);
    expect(directory.isServed(repository)).toBe(false);
  });

  it('follows deletion: states of those who lost their announcement are no longer taken', () => {
    const { submit, directory } = world();
    submit(announcement(alice, 'repo', { maintainers: [bob] }));
    expect(submit(event(alice, 5, [['a', address(alice, 'repo')]]))).toBe('accept');
    expect(directory.isKnown('repo')).toBe(false);
    expect(submit(state(bob, 'repo'))).toBe('invalid: no announcement exists for this repository');
  });

  it('counts what is served as it comes, is replaced and goes', () => {
    const { submit, directory } = world();
    const isCounted = () => expect(directory.servedCount).toBe([...directory.served()].length);
    for (const author of [alice, bob]) submit(announcement(author, 'repo'));
    isCounted();
    expect(directory.servedCount).toBe(2);
    submit(announcement(alice, 'repo', { maintainers: [bob] }));
    expect(directory.servedCount).toBe(2);
    submit(event(alice, 5, [['a', address(alice, 'repo')]]));
    isCounted();
    expect(directory.servedCount).toBe(1);
  });

  it('takes the next newest state when the newest is deleted, and the lowest id on a tie', () => {
    const { submit, directory } = world();
    submit(announcement(alice, 'repo', { maintainers: [bob, carol] }));
    const first = state(alice, 'repo');
    const second = state(bob, 'repo');
    const tie = event(carol, 30618, [['d', 'repo']], { created_at: second.created_at });
    for (const each of [second, first, tie]) submit(each);
    const [lower, higher] = [second, tie].sort((a, b) => (a.id < b.id ? -1 : 1)) as [NostrEvent, NostrEvent];
    expect(directory.stateOf(repository)?.id).toBe(lower.id);
    submit(event(lower.pubkey, 5, [['e', lower.id]]));
    expect(directory.stateOf(repository)?.id).toBe(higher.id);
    submit(event(higher.pubkey, 5, [['e', higher.id]]));
    expect(directory.stateOf(repository)?.id).toBe(first.id);
  });

  it('leaves a stored event that it cannot read without a say', () => {
    const { directory } = world();
    directory.onStored(event(alice, 30617, [['d', '../x']]));
    const unread = event(alice, 1618, [['a', address(alice, 'repo')]]);
    directory.onStored(unread);
    expect([...directory.served()]).toEqual([]);
    expect(directory.onRemoved([{ ...unread, bytes: 0 }])).toEqual([]);
  });
});

describe('Effects: where the git side has to look', () => {
  it('after an announcement: its own repository, and those that its author maintains', () => {
    const { submit, effects } = world();
    submit(announcement(alice, 'repo', { maintainers: [bob] }));
    effects.length = 0;
    submit(foreign(bob, 'repo', [carol]));
    expect(effects).toEqual([
      { type: 'align-repository', pubkey: bob, identifier: 'repo' },
      { type: 'align-repository', pubkey: alice, identifier: 'repo' },
    ]);
  });

  it('after a state: every served repository that it governs', () => {
    const { submit, effects } = world();
    submit(announcement(alice, 'repo', { maintainers: [carol] }));
    submit(announcement(bob, 'repo', { maintainers: [carol] }));
    submit(announcement(mallory, 'repo'));
    submit(foreign(carol, 'repo'));
    effects.length = 0;
    submit(state(carol, 'repo'));
    expect(effects.map(({ pubkey }) => pubkey).sort()).toEqual([alice, bob].sort());
  });

  it('after a pull request: the served repositories that it names, and again when it is deleted', () => {
    const { submit, effects } = world();
    submit(announcement(alice, 'repo', { maintainers: [bob] }));
    submit(foreign(bob, 'repo'));
    effects.length = 0;
    const request = pullRequest(mallory, [
      address(alice, 'repo'),
      address(bob, 'repo'),
      address(carol, 'none'),
    ]);
    submit(request);
    const effect = { type: 'align-pull-request', eventId: request.id, ...repository };
    expect(effects).toEqual([effect]);
    submit(event(mallory, 5, [['e', request.id]]));
    expect(effects).toEqual([effect, effect]);
  });

  it('after a deletion: what the deleted announcement or state had a say in', () => {
    const { submit, effects } = world();
    submit(announcement(alice, 'repo', { maintainers: [bob] }));
    submit(state(bob, 'repo'));
    effects.length = 0;
    submit(event(bob, 5, [['a', `30618:${bob}:repo`]]));
    expect(effects).toEqual([{ type: 'align-repository', ...repository }]);
    effects.length = 0;
    submit(event(alice, 5, [['a', address(alice, 'repo')]]));
    expect(effects).toEqual([{ type: 'align-repository', ...repository }]);
  });
});

describe('Refused events that may be acceptable when another one came', () => {
  /** Whether the filters find an event, and it is accepted now. */
  function revives(here: World, arrived: NostrEvent, waiting: NostrEvent): void {
    expect(here.submit(waiting)).not.toBe('accept');
    expect(here.submit(arrived)).toBe('accept');
    expect(compileFilters(here.policy.retryCandidates(arrived))(waiting)).toBe(true);
    expect(here.submit(waiting)).toBe('accept');
  }
  const root = announcement(alice, 'repo', { maintainers: [bob] });

  it.each([
    ['an issue, by the announcement', root, event(carol, 1621, [['a', address(alice, 'repo')]])],
    ['a quote, by the announcement', root, event(carol, 1, [['q', address(alice, 'repo')]])],
    ['a comment, by the announcement', root, event(carol, 1111, [['A', address(alice, 'repo')]])],
    ['a reply to the announcement by id', root, event(carol, 1, [['e', root.id]])],
    ['the author’s state', root, state(alice, 'repo')],
    ['a maintainer’s state', root, state(bob, 'repo')],
    ['a maintainer’s announcement', root, foreign(bob, 'repo')],
    ['a pull request', root, pullRequest(carol, [address(alice, 'repo')], [['c', commit]])],
  ])('%s', (_, arrived, waiting) => revives(world(), arrived, waiting));

  it('what an accepted event refers to, by id and by address', () => {
    const here = world();
    here.submit(root);
    const note = event(carol, 1, []);
    revives(
      here,
      event(bob, 1, [
        ['a', address(alice, 'repo')],
        ['q', note.id],
      ]),
      note,
    );
    const article = event(carol, 30023, [['d', 'x:y']]);
    revives(
      here,
      event(bob, 1, [
        ['a', address(alice, 'repo')],
        ['a', `30023:${carol}:x:y`],
      ]),
      article,
    );
    const profile = event(carol, 0, []);
    revives(
      here,
      event(bob, 1, [
        ['a', address(alice, 'repo')],
        ['a', `0:${carol}:`],
      ]),
      profile,
    );
  });

  const content = 'x'.repeat(10_000);
  it.each([
    ['deletion request', event(carol, 5, [['e', 'e'.repeat(64)]], { content })],
    ['list of GRASP services', event(carol, 10317, [], { content })],
  ])('a large %s, when something of its author was accepted', (_, waiting) => {
    const here = world();
    here.submit(root);
    revives(here, event(carol, 1, [['a', address(alice, 'repo')]]), waiting);
  });

  it('nothing, by kinds that make nothing acceptable', () => {
    const { policy } = world();
    expect(policy.retryCandidates(event(carol, 5, [['e', 'e'.repeat(64)]]))).toEqual([]);
    expect(policy.retryCandidates(event(carol, 10317, [['e', 'e'.repeat(64)]]))).toEqual([]);
  });
});

describe('NIP-09 by way of policy and store', () => {
  it('keeps what is deleted from coming back, by id and by address, in any order of arrival', () => {
    const { submit } = world();
    submit(announcement(alice, 'repo'));
    const note = event(bob, 1, [['a', address(alice, 'repo')]]);
    const early = event(bob, 5, [['e', note.id]]);
    expect(submit(early)).toBe('accept');
    expect(submit(note)).toBe('known');
    const issue = event(bob, 1621, [['a', address(alice, 'repo')]]);
    expect(submit(issue)).toBe('accept');
    expect(submit(event(bob, 5, [['e', issue.id]]))).toBe('accept');
    expect(submit(issue)).toBe('known');
    const old = announcement(alice, 'gone');
    expect(submit(event(alice, 5, [['a', address(alice, 'gone')]]))).toBe('accept');
    expect(submit(old)).toBe('known');
    expect(submit(announcement(alice, 'gone'))).toBe('accept');
  });

  it('lets nobody delete what is not theirs', () => {
    const { submit, directory } = world();
    const root = announcement(alice, 'repo');
    submit(root);
    expect(
      submit(
        event(mallory, 5, [
          ['e', root.id],
          ['a', address(alice, 'repo')],
        ]),
      ),
    ).toBe('accept');
    expect(directory.isServed(repository)).toBe(true);
  });
});

it.skipIf(!hasRealEvents)('takes all real announcements and states of an archive of everything', () => {
  const here = world({ archiveAll: true });
  const real = realEvents().filter(({ kind }) => kind === 30617 || kind === 30618);
  const outcomes = [
    ...real.filter(({ kind }) => kind === 30617),
    ...real.filter(({ kind }) => kind === 30618),
  ].map((each) => here.submit(each));
  expect(outcomes.filter((outcome) => outcome !== 'accept' && outcome !== 'known')).toEqual([]);
  expect(here.store.size).toBe(25);
});

it('keeps a blacklisted repository unserved when its announcement was stored before', () => {
  const { directory } = world({ repositoryBlacklist: patterns('repo'), archiveAll: true });
  directory.onStored(announcement(alice, 'repo'));
  expect(directory.isAnnounced(repository)).toBe(true);
  expect(directory.isServed(repository)).toBe(false);
});
