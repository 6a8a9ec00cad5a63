import { describe, expect, it } from 'vitest';
import { withoutHolding } from '../../src/policy/decision.js';
import {
  address,
  announcement,
  commit,
  event,
  foreign,
  key,
  npubOf,
  patterns,
  pullRequest,
  state,
  type World,
  world,
} from './world.js';

const [alice, bob, carol, mallory] = [key(1), key(2), key(3), key(4)];
const sha1 = '1'.repeat(40);
const unannounced = 'invalid: no announcement exists for this repository';
const notAuthorized = 'invalid: author not authorized for this repository';
const notRelated = 'blocked: the event neither refers to an accepted event nor is referred to by one';
const notListed = 'blocked: the announcement does not list this service in both clone and relays';
const noObjectId = "invalid: 'refs/heads/main' has no object id of 40 or 64 hex digits";

const holding = (more: Parameters<typeof world>[0] = {}): World => world({ holds: true, ...more });

/** A world in which the repository is announced, and has its git data. */
function served(
  more: Parameters<typeof world>[0] = {},
): World & { repository: ReturnType<typeof announcement> } {
  const made = holding(more);
  const repository = announcement(alice, 'repo', { maintainers: [bob] });
  made.submit(repository);
  made.promote(repository);
  return { ...made, repository };
}

describe('30617 is held', () => {
  it('when it lists us and has no earlier version stored', () => {
    const { submit, promote, store } = holding();
    const first = announcement(alice, 'repo');
    expect(submit(first)).toBe('hold');
    expect(store.size).toBe(0);
    expect(submit(announcement(alice, 'repo')), 'a newer one in its place').toBe('hold');
    expect(submit(announcement(alice, 'other')), 'of another repository').toBe('hold');
    promote(announcement(alice, 'repo'));
    expect(submit(announcement(alice, 'repo')), 'a newer one of a stored one').toBe('accept');
    expect(submit(announcement(bob, 'repo')), 'the same identifier of somebody else').toBe('hold');
  });

  it('also when our clone URL has no npub in its path: host and port decide', () => {
    const { submit } = holding();
    expect(submit(announcement(alice, 'repo', { clone: ['https://git.example.com/test.git'] }))).toBe('hold');
  });

  it('not when it is archived, unless the operator says so', () => {
    const elsewhere = { archiveWhitelist: patterns(npubOf(alice)) };
    expect(holding(elsewhere).submit(foreign(alice, 'repo'))).toBe('accept');
    expect(holding({ archiveAll: true }).submit(announcement(alice, 'repo')), 'lists us too').toBe('hold');
    expect(holding({ archiveAll: true, archiveReadOnly: true }).submit(announcement(alice, 'repo'))).toBe(
      'accept',
    );
    const held = holding({ ...elsewhere, archiveHoldUntilGitData: true });
    expect(held.submit(foreign(alice, 'repo'))).toBe('hold');
    expect(held.submit(foreign(bob, 'repo'))).toBe(notListed);
  });

  it('with a held announcement that names its author, where it does not list us', () => {
    const { submit, promote } = holding();
    const repository = announcement(alice, 'repo', { maintainers: [bob] });
    submit(repository);
    expect(submit(foreign(bob, 'repo', [carol]))).toBe('hang');
    expect(submit(foreign(carol, 'repo')), 'in chains').toBe('hang');
    expect(submit(foreign(mallory, 'repo'))).toBe(notListed);
    expect(submit(foreign(alice, 'repo')), 'its own author, who moves away').toBe(notListed);
    promote(repository);
    expect(submit(foreign(bob, 'repo'))).toBe('accept');
  });
});

describe('30618 is held', () => {
  it('when it is authorised and governs what lists us; held announcements count', () => {
    const { submit } = holding();
    expect(submit(state(alice, 'repo'))).toBe(unannounced);
    submit(announcement(alice, 'repo', { maintainers: [bob] }));
    expect(submit(state(alice, 'repo', ['refs/heads/main', sha1]))).toBe('hold');
    expect(submit(state(bob, 'repo'))).toBe('hold');
    expect(submit(state(mallory, 'repo'))).toBe(notAuthorized);
    expect(served().submit(state(bob, 'repo', ['refs/heads/main', sha1]))).toBe('hold');
  });

  it('also when a value is no object id, after it was looked at who announced what', () => {
    const odd = (author: string, identifier = 'repo') =>
      state(author, identifier, ['refs/heads/main', 'abc123']);
    const { submit } = served();
    expect(submit(odd(alice, 'other'))).toBe(unannounced);
    expect(submit(odd(mallory))).toBe(notAuthorized);
    expect(submit(odd(alice))).toBe('hold');
    const archived = holding({ archiveWhitelist: patterns(npubOf(alice)) });
    archived.submit(foreign(alice, 'repo'));
    expect(archived.submit(odd(alice)), 'of what waits for nothing').toBe(noObjectId);
  });

  it('with HEAD as `ref: refs/heads/x` and bare', () => {
    const { submit } = served();
    expect(submit(state(alice, 'repo', ['HEAD', 'ref: refs/heads/x']))).toBe('hold');
    expect(submit(state(alice, 'repo', ['HEAD', 'refs/heads/x']))).toBe('hold');
    expect(submit(state(alice, 'repo', ['HEAD', 'x']))).toMatch(/^invalid: HEAD/);
  });

  it('not when it governs nothing that lists us', () => {
    const { submit, promote } = holding({ archiveAll: true });
    const repository = foreign(alice, 'repo', [bob]);
    expect(submit(repository)).toBe('accept');
    expect(submit(state(bob, 'repo', ['refs/heads/main', sha1]))).toBe('accept');
    promote(announcement(carol, 'repo', { maintainers: [bob] }));
    expect(submit(state(bob, 'repo', ['refs/heads/main', sha1]))).toBe('hold');
  });

  it('when a held announcement that hangs on another alone gives its author a say', () => {
    const { purgatory, submit } = holding();
    const repository = announcement(alice, 'repo', { maintainers: [bob] });
    submit(repository);
    const named = foreign(bob, 'repo', [carol]);
    submit(named);
    expect(purgatory.get(named.id)?.parents).toEqual([repository.id]);
    expect(submit(state(carol, 'repo'))).toBe('hold');
  });
});

describe('1618 and 1619 are held', () => {
  it('when they name a repository that lists us, until their commit is here', () => {
    const { submit } = served({ archiveWhitelist: patterns(npubOf(carol)) });
    submit(foreign(carol, 'elsewhere'));
    const update = event(bob, 1619, [
      ['a', address(alice, 'repo')],
      ['c', commit],
    ]);
    expect(submit(pullRequest(bob, [address(alice, 'repo')]))).toBe('hold');
    expect(submit(update)).toBe('hold');
    expect(submit(pullRequest(bob, [address(carol, 'elsewhere')])), 'of what is archived').toBe('accept');
    expect(submit(pullRequest(bob, [address(carol, 'elsewhere'), address(alice, 'repo')]))).toBe('hold');
    expect(submit(pullRequest(bob, [address(bob, 'nothing')]))).toBe(notRelated);
    expect(submit(pullRequest(bob, [address(alice, 'repo')], []))).toMatch(/^invalid: missing commit/);
  });

  it('with a held announcement, and until their commit is here once that is stored', () => {
    const { submit, promote, policy } = holding();
    const repository = announcement(alice, 'repo');
    submit(repository);
    const request = pullRequest(bob, [address(alice, 'repo')]);
    expect(submit(request)).toBe('hang');
    promote(repository);
    expect(policy.decide(request)).toMatchObject({ type: 'hold', parents: [] });
  });
});

describe('Others are held', () => {
  it('with the held event that they refer to, or that refers to them, in chains', () => {
    const { submit, purgatory } = holding();
    const repository = announcement(alice, 'repo');
    const quoted = event(carol, 1, []);
    submit(repository);
    const issue = event(bob, 1621, [
      ['a', address(alice, 'repo')],
      ['e', quoted.id],
    ]);
    const comment = event(carol, 1111, [['E', issue.id]]);
    expect(submit(comment)).toBe(notRelated);
    expect(submit(issue)).toBe('hang');
    expect(submit(comment)).toBe('hang');
    expect(submit(quoted)).toBe('hang');
    expect(purgatory.get(comment.id)?.parents).toEqual([issue.id]);
    expect(submit(event(carol, 20_001, [['E', issue.id]])), 'what is never stored').toBe(notRelated);
  });

  it('not when something stored is reason enough', () => {
    const { submit, repository } = served();
    submit(announcement(alice, 'held'));
    const both = event(bob, 1621, [
      ['a', address(alice, 'held')],
      ['a', address(alice, 'repo')],
    ]);
    expect(submit(both)).toBe('accept');
    expect(submit(event(alice, 5, [['e', repository.id]])), 'a deletion').toBe('accept');
    expect(submit(event(alice, 10_317, [])), 'a list of services').toBe('accept');
  });
});

describe('A held announcement', () => {
  it('counts for who maintains what and for what is on disk, and is no stored one', () => {
    const { submit, directory, purgatory } = holding();
    const repository = announcement(alice, 'repo', { maintainers: [bob] });
    const id = { pubkey: alice, identifier: 'repo' };
    submit(repository);
    expect(directory.isServed(id)).toBe(true);
    expect([...directory.served()]).toEqual([id]);
    expect(directory.servedCount).toBe(1);
    expect(directory.isKnown('repo')).toBe(true);
    expect(directory.isMaintainer(bob, 'repo')).toBe(true);
    expect([...directory.maintainersOf(id)]).toEqual([alice, bob]);
    expect(directory.isAnnounced(id)).toBe(false);
    expect(directory.isStoredMaintainer(bob, 'repo')).toBe(false);
    expect(directory.repositoryAt(address(alice, 'repo'))).toBeUndefined();
    void purgatory.release(repository.id, 'expired');
    expect(directory.isServed(id)).toBe(false);
    expect([...directory.served()]).toEqual([]);
    expect(directory.servedCount).toBe(0);
    expect(directory.isKnown('repo')).toBe(false);
    expect(directory.isMaintainer(bob, 'repo')).toBe(false);
  });

  it('has its say while it is held, whatever becomes of a stored one at its place', () => {
    const { submit, promote, directory, store, policy, purgatory } = holding();
    const older = announcement(alice, 'repo', { maintainers: [carol] });
    const newer = announcement(alice, 'repo', { maintainers: [bob] });
    submit(newer);
    promote(older);
    expect(directory.isMaintainer(carol, 'repo')).toBe(true);
    policy.onRemoved([{ ...older, bytes: 0 }]);
    store.remove(older.id);
    expect(directory.isMaintainer(carol, 'repo')).toBe(false);
    expect(directory.isMaintainer(bob, 'repo')).toBe(true);
    void purgatory.release(newer.id, 'deleted');
    expect(directory.isMaintainer(bob, 'repo')).toBe(false);
  });
});

it('What cannot be held, as it comes from another relay, is accepted at once or refused as without holding', () => {
  const { submit, policy, purgatory } = served();
  const hosted = announcement(alice, 'held');
  submit(hosted);
  const decide = (submitted: Parameters<typeof policy.decide>[0]) => {
    expect(policy.decide(submitted).type).toBe('hold');
    const decision = withoutHolding(policy.decide(submitted));
    return decision.type === 'reject' ? decision.reason : decision.type;
  };
  expect(decide(announcement(carol, 'new'))).toBe('accept');
  expect(decide(state(alice, 'repo', ['refs/heads/main', sha1]))).toBe('accept');
  expect(decide(pullRequest(bob, [address(alice, 'repo')]))).toBe('accept');
  expect(decide(state(alice, 'repo', ['refs/heads/main', 'abc123']))).toBe(noObjectId);
  expect(decide(state(alice, 'held', ['refs/heads/main', sha1]))).toBe(notAuthorized);
  expect(decide(event(bob, 1621, [['a', address(alice, 'held')]]))).toBe(notRelated);
  expect(purgatory.has(hosted.id)).toBe(true);
});
