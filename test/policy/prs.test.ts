import { describe, expect, it } from 'vitest';
import { withoutHolding } from '../../src/policy/decision.js';
import { prsTarget, whyNotIn } from '../../src/repositories/prs-repositories.js';
import { address, announcement, event, key, npubOf, pullRequest, world } from './world.js';

const [owner, signer, other] = [key(1), key(2), key(3)];
const commit = 'c'.repeat(40);
const notRelated = 'blocked: the event neither refers to an accepted event nor is referred to by one';
const url = (by = signer, name = 'repo') => `https://git.example.com/prs/${npubOf(by)}/${name}.git`;

/** A pull request of the signer for a repository that nobody announced here. */
function proposal(clone: string[], { by = signer, names = ['repo'], kind = 1618 } = {}) {
  const tags = [...names.map((name) => ['a', address(owner, name)]), ['c', commit], ['clone', ...clone]];
  return event(by, kind, tags);
}

const withPrs = () => world({ grasp06Enable: true, holds: true });

describe('a pull request that would be refused as unrelated', () => {
  it.each([1618, 1619])('is held, kind %i, where it is to be had from /prs of its signer here', (kind) => {
    const { submit, policy } = withPrs();
    expect(submit(proposal([url()], { kind }))).toBe('hold');
    expect(submit(proposal(['https://elsewhere.example/x.git', url()], { kind }))).toBe('hold');
    const synced = withoutHolding(policy.decide(proposal([url()], { kind })));
    expect(synced.type, 'from other relays it is taken at once').toBe('accept');
  });

  it('is refused while that is off, which is the default', () => {
    expect(world({ holds: true }).submit(proposal([url()]))).toBe(notRelated);
  });

  it.each([
    ['the address of another key', [url(other)]],
    ['another identifier than its a tag', [url(signer, 'other')]],
    ['another host', [url().replace('git.', 'other.')]],
    ['another port', [url().replace('.com', '.com:8443')]],
    ['a host that has ours in its name', [url().replace('https://', 'https://evil-')]],
    ['our host in the path of another', [`https://elsewhere.example/${url()}`]],
    ['no clone URL', []],
    ['another scheme', [url().replace('https', 'ssh')]],
    ['an announced path', [`https://git.example.com/${npubOf(signer)}/repo.git`]],
    ['a path that goes on', [`${url()}/info`]],
    ['a query', [`${url()}?x`]],
    ['a hex key', [`https://git.example.com/prs/${signer}/repo.git`]],
    ['no .git', [url().replace('.git', '').replace('.example', '.git.example')]],
  ])('is refused with %s', (_, clone) => {
    expect(withPrs().submit(proposal(clone))).toBe(notRelated);
  });

  it('is refused without a repository in its a tags, and so is any other kind', () => {
    expect(withPrs().submit(proposal([url()], { names: [] }))).toBe(notRelated);
    expect(withPrs().submit(proposal([url()], { kind: 1617 }))).toBe(notRelated);
    const toState = event(signer, 1618, [
      ['a', `30618:${owner}:repo`],
      ['c', commit],
      ['clone', url()],
    ]);
    expect(withPrs().submit(toState)).toBe(notRelated);
  });

  it.each([
    ['the repository that it is for', { pubkey: owner, identifier: 'repo' }, notRelated],
    ['all of its owner', { pubkey: owner, identifier: undefined }, notRelated],
    ['all that is called so', { pubkey: undefined, identifier: 'repo' }, notRelated],
    ['all of its signer', { pubkey: signer, identifier: undefined }, notRelated],
    ['another', { pubkey: other, identifier: 'repo' }, 'hold'],
  ])('where the operator blocked %s', (_, blocked, outcome) => {
    const { submit } = world({ grasp06Enable: true, holds: true, repositoryBlacklist: [blocked] });
    expect(submit(proposal([url()]))).toBe(outcome);
  });

  it('is understood with its identifier encoded, and on any of several repositories', () => {
    const name = 'a b:ü';
    const encoded = proposal([url(signer, encodeURIComponent(name))], { names: ['x', name] });
    expect(withPrs().submit(encoded)).toBe('hold');
    expect(withPrs().serving.prsRepositoriesOf(encoded)).toEqual([{ signer, identifier: name }]);
  });

  it('hangs on no held announcement, and is held for its commit where it is related as well', () => {
    const { submit, promote } = withPrs();
    const repository = announcement(owner, 'repo');
    submit(repository);
    expect(submit(proposal([url()]))).toBe('hold');
    promote(repository);
    expect(submit(proposal([url()]))).toBe('hold');
    expect(submit(pullRequest(other, [address(owner, 'repo')]))).toBe('hold');
  });

  it('makes what hangs on it acceptable, as all that is stored does', () => {
    const { submit, promote } = withPrs();
    const root = proposal([url()]);
    submit(root);
    expect(submit(event(other, 1111, [['E', root.id]]))).toBe('hang');
    promote(root);
    expect(submit(event(other, 1111, [['E', root.id]]))).toBe('accept');
    expect(submit(event(owner, 1631, [['e', root.id]]))).toBe('accept');
  });

  it('is looked at in its first hundred clone URLs', () => {
    const many = Array.from({ length: 100 }, () => 'https://elsewhere.example/x.git');
    expect(withPrs().submit(proposal([...many, url()]))).toBe(notRelated);
  });
});

describe('the path of a repository of pull requests', () => {
  it('is read as sent, decoded once', () => {
    const npub = npubOf(signer);
    expect(prsTarget(`/prs/${npub}/repo.git/info/refs`)).toEqual({
      repository: { signer, identifier: 'repo' },
      rest: 'info/refs',
    });
    expect(prsTarget(`/prs/${npub}/a%20b%253A.git`)?.repository.identifier).toBe('a b%3A');
    const wrong = [
      '/',
      `/${npub}/repo.git`,
      `/prs/${signer}/repo.git`,
      `/prs/${npub}/repo`,
      `/prs/${npub}/.git`,
    ];
    const unfit = ['a%2fb', '..', '%2e%2e', 'a%5Cb', '%00', '%zz', 'x'.repeat(252)].map(
      (name) => `/prs/${npub}/${name}.git`,
    );
    const keys = [
      `/prs/${npub.toUpperCase()}/r.git`,
      `/prs/${npub.slice(0, -1)}q/r.git`,
      `/PRS/${npub}/r.git`,
    ];
    const readable = [...wrong, ...unfit, ...keys].filter((path) => prsTarget(path) !== undefined);
    expect(readable).toEqual([]);
  });

  it('has the events that fit it, and others with a reason for who pushes', () => {
    const repository = { signer, identifier: 'repo' };
    const { serving } = withPrs();
    const why = (known: ReturnType<typeof proposal>) =>
      whyNotIn(known, repository, (text) => serving.isOwnService(text));
    expect(why(proposal([url()]))).toBeUndefined();
    expect(why(proposal([url(other)]))).toContain('clone tag');
    expect(why(proposal([url()], { names: ['x'] }))).toContain('a tags');
    expect(why(proposal([url()], { by: other }))).toContain('another key');
    expect(why(proposal([url()], { kind: 1621 }))).toContain('no pull request');
  });
});
