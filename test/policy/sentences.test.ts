import { describe, expect, it } from 'vitest';
import { address, announcement, commit, event, foreign, key, pullRequest, state, world } from './world.js';

/** Sentences of the policy that the tables and the tests of the git side do not name. */
const [alice, bob, mallory] = [key(1), key(2), key(4)];

describe('One policy for direct and synced events', () => {
  it('is not told where an event came from', () => {
    const { policy } = world();
    expect([policy.precheck.length, policy.decide.length]).toEqual([1, 1]);
  });

  it('decides alike when asked twice, and changes nothing by it', () => {
    const { policy, directory, store } = world();
    const submitted = announcement(alice, 'repo');
    expect(policy.decide(submitted)).toEqual(policy.decide(submitted));
    expect([directory.isKnown('repo'), store.size]).toEqual([false, 0]);
  });
});

it('Reasons start with a NIP-01 prefix and have one line', () => {
  const strict = world({
    eventBlacklist: [bob],
    repositoryBlacklist: [{ pubkey: undefined, identifier: 'bad' }],
  });
  const readOnly = world({
    archiveReadOnly: true,
    archiveWhitelist: [{ pubkey: bob, identifier: undefined }],
  });
  const choosy = world({ repositoryWhitelist: [{ pubkey: bob, identifier: undefined }] });
  const reasons = [
    strict.submit(event(bob, 1, [])),
    strict.submit(announcement(alice, 'bad')),
    strict.submit(announcement(alice, '..')),
    strict.submit(foreign(alice, 'repo')),
    strict.submit(state(alice, 'repo')),
    strict.submit(state(alice, 'repo', ['refs/heads/a b', 'x'])),
    strict.submit(pullRequest(alice, [])),
    strict.submit(pullRequest(alice, [], [])),
    strict.submit(event(alice, 1, [])),
    strict.submit(event(alice, 5, [])),
    strict.submit(event(alice, 5, [['e', 'e'.repeat(64)]], { content: 'x'.repeat(10_000) })),
    readOnly.submit(announcement(alice, 'repo')),
    choosy.submit(announcement(alice, 'repo')),
  ];
  for (const reason of reasons) expect(reason).toMatch(/^(invalid|blocked): \S.*$/);
  expect(new Set(reasons).size).toBeGreaterThanOrEqual(11);
});

it('The router picks one sub-policy by kind', () => {
  const here = world();
  here.submit(announcement(alice, 'repo'));
  const tags = [
    ['d', 'repo'],
    ['a', address(alice, 'repo')],
    ['refs/heads/x', 'junk'],
  ];
  expect(here.submit(event(alice, 30619, tags))).toBe('accept');
  expect(here.submit(event(alice, 30618, tags))).toMatch(/^invalid: 'refs\/heads\/x'/);
  expect(here.submit(event(alice, 30617, tags))).toBe('accept');
  expect(here.submit(event(alice, 1617, tags))).toBe('accept');
  expect(here.submit(event(alice, 1618, tags))).toMatch(/^invalid: missing commit/);
  expect(here.submit(event(alice, 1619, tags))).toMatch(/^invalid: missing commit/);
});

it('An identifier may contain `:`; an address is split at its first two only', async () => {
  const { submit, directory, pullRequestsOf } = world();
  expect(submit(announcement(alice, 'a:b:c', { maintainers: [bob] }))).toBe('accept');
  expect(submit(state(bob, 'a:b:c'))).toBe('accept');
  const request = pullRequest(mallory, [address(alice, 'a:b:c')], [['c', commit]]);
  expect(submit(request)).toBe('accept');
  expect(await pullRequestsOf({ pubkey: alice, identifier: 'a:b:c' })).toEqual([request.id]);
  expect(submit(event(alice, 5, [['a', address(alice, 'a:b')]]))).toBe('accept');
  expect(directory.isServed({ pubkey: alice, identifier: 'a:b:c' })).toBe(true);
  expect(submit(event(alice, 5, [['a', address(alice, 'a:b:c')]]))).toBe('accept');
  expect(directory.isServed({ pubkey: alice, identifier: 'a:b:c' })).toBe(false);
});

describe('Storing', () => {
  it('NIP-01 replaceable and addressable rules: newest wins; on a tie the lowest id', () => {
    const { submit, store } = world();
    const [first, second] = [announcement(alice, 'repo'), announcement(alice, 'repo')];
    expect([submit(second), submit(first)]).toEqual(['accept', 'known']);
    const twin = event(alice, 30617, [...second.tags, ['t', 'x']], { created_at: second.created_at });
    submit(twin);
    expect(store.has(twin.id < second.id ? twin.id : second.id)).toBe(true);
    expect(store.size).toBe(1);
  });

  it('ephemeral kinds are not stored', () => {
    const { submit, store } = world();
    submit(announcement(alice, 'repo'));
    expect(submit(event(bob, 20_001, [['a', address(alice, 'repo')]]))).toBe('accept');
    expect(store.size).toBe(1);
  });

  it('NIP-40: what has expired is not taken', () => {
    const { submit } = world();
    expect(submit(announcement(alice, 'repo', { tags: [['expiration', '1']] }))).toBe('known');
  });
});
