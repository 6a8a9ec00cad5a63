import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { isQuotaRefusal, KeyQuotas, type QuotaSettings } from '../../src/policy/key-quotas.js';
import { countStored, QuotaPolicy } from '../../src/policy/quota-policy.js';
import { announcement, event, key, world } from './world.js';

const [alice, bob] = [key(1), key(2)];
const wide: QuotaSettings = {
  keyRepositoriesMax: 1_000,
  keyEventsMax: 250_000,
  keyBytesMax: 1_000_000_000,
  repositoriesMax: 100_000,
};

/** The real policy and store with quotas before them. */
function quotaWorld(settings: Partial<QuotaSettings> = {}, allowed: ReadonlySet<string> = new Set()) {
  const { store, clock, policy: rules } = world();
  const open = () => {
    const quotas = new KeyQuotas({ ...wide, ...settings });
    countStored(store, quotas);
    return new QuotaPolicy(rules, quotas, store, { isAllowed: (pubkey) => allowed.has(pubkey) });
  };
  let policy = open();
  const submit = (submitted: NostrEvent): string => {
    const decision = policy.decide(submitted);
    if (decision.type === 'reject') return decision.reason;
    const { removed } = store.put(submitted);
    policy.onRemoved(removed);
    policy.onStored(submitted);
    return 'accept';
  };
  return {
    store,
    clock,
    submit,
    restart: () => {
      policy = open();
    },
  };
}

const deletion = (pubkey: string, id = 'e'.repeat(64)) => event(pubkey, 5, [['e', id]]);

describe('quotas of keys', () => {
  it('repositories of one key: the next is refused with what to do, another key is not, an update is taken', () => {
    const { submit } = quotaWorld({ keyRepositoriesMax: 2 });
    expect(submit(announcement(alice, 'a'))).toBe('accept');
    expect(submit(announcement(alice, 'b'))).toBe('accept');
    expect(submit(announcement(alice, 'c'))).toMatch(
      /^restricted: this key has 2 repositories here.*delete one/,
    );
    expect(submit(announcement(alice, 'a', { maintainers: [bob] }))).toBe('accept');
    expect(submit(announcement(bob, 'c'))).toBe('accept');
  });

  it('do not bind a key that the operator allowed', () => {
    const allowed = new Set([alice]);
    const { submit } = quotaWorld({ keyRepositoriesMax: 1, repositoriesMax: 2 }, allowed);
    for (const identifier of ['a', 'b', 'c']) expect(submit(announcement(alice, identifier))).toBe('accept');
    expect(submit(announcement(bob, 'a'))).toMatch(/^rate-limited:/);
    allowed.delete(alice);
    expect(submit(announcement(alice, 'd'))).toMatch(/^restricted:/);
  });

  it('repositories of all keys: the next is refused as one to be tried later', () => {
    const { submit } = quotaWorld({ repositoriesMax: 2 });
    expect(submit(announcement(alice, 'a'))).toBe('accept');
    expect(submit(announcement(bob, 'a'))).toBe('accept');
    expect(submit(announcement(key(3), 'a'))).toMatch(/^rate-limited: this relay has 2 repositories/);
  });

  it('events and bytes of one key', () => {
    const { submit } = quotaWorld({ keyEventsMax: 3 });
    const repository = announcement(alice, 'a');
    submit(repository);
    const comment = () => event(bob, 1111, [['e', repository.id]]);
    expect([submit(comment()), submit(comment()), submit(comment())]).toEqual(['accept', 'accept', 'accept']);
    expect(submit(comment())).toMatch(/^restricted: this key has 3 events here/);
    const narrow = quotaWorld({ keyBytesMax: 10_000 });
    const said = (content: string) => event(bob, 1111, [['e', repository.id]], { content });
    narrow.submit(repository);
    expect(narrow.submit(said('x'.repeat(4_000)))).toBe('accept');
    expect(narrow.submit(said('x'.repeat(8_000)))).toMatch(
      /^restricted: the events of this key take 10000 bytes/,
    );
    expect(narrow.submit(said('x'))).toBe('accept');
  });

  it('survive a restart, and removal gives back', () => {
    const here = quotaWorld({ keyRepositoriesMax: 1 });
    const first = announcement(alice, 'a');
    here.submit(first);
    here.restart();
    expect(here.submit(announcement(alice, 'b'))).toMatch(/^restricted:/);
    expect(here.submit(deletion(alice, first.id))).toBe('accept');
    expect(here.submit(announcement(alice, 'b'))).toBe('accept');
    here.store.remove(first.id);
  });

  it('a stranger has few deletions; who has something stored can always delete it', () => {
    const { submit } = quotaWorld({ keyEventsMax: 1_000 });
    submit(announcement(alice, 'a'));
    for (let number = 0; number < limits.strangerEventsMax; number += 1) {
      expect(submit(deletion(alice))).toBe('accept');
      expect(submit(deletion(bob))).toBe('accept');
    }
    expect(submit(deletion(bob))).toMatch(/^restricted: this key has nothing here but deletions/);
    expect(submit(deletion(alice))).toBe('accept');
    expect(submit(event(bob, 10317, []))).toMatch(/^restricted:/);
    expect(isQuotaRefusal(submit(deletion(bob)))).toBe(true);
  });

  it('a stranger who has a small deletion here has no more bytes than other strangers', () => {
    const { submit } = quotaWorld();
    const large = (pubkey: string) =>
      event(pubkey, 5, [['e', 'e'.repeat(64)]], { content: 'x'.repeat(40_000) });
    expect(submit(deletion(bob))).toBe('accept');
    let taken = 0;
    while (submit(large(bob)) === 'accept') taken += 1;
    expect(taken * 65_536).toBeLessThanOrEqual(limits.strangerBytesMax);
    const quotas = new KeyQuotas(wide);
    const unrelated = (pubkey: string) => ({ pubkey, kind: 5, bytes: 65_536 });
    for (let number = 0; number < limits.strangersBytesMax / 65_536; number += 1)
      quotas.add(unrelated(key(number % 5_000)));
    expect(quotas.refusal(unrelated(key(9_999)), false)).toMatch(/^rate-limited:/);
  });

  it('deletions have room beyond the bytes of their key, but not without end', () => {
    const { submit } = quotaWorld({ keyBytesMax: 200_000 });
    const repository = announcement(bob, 'a');
    submit(repository);
    const large = (kind: number) => event(bob, kind, [['e', repository.id]], { content: 'x'.repeat(20_000) });
    while (submit(large(1111)) === 'accept');
    expect(submit(deletion(bob))).toBe('accept');
    let taken = 0;
    while (
      taken < 50 &&
      submit(event(bob, 5, [['e', 'e'.repeat(64)]], { content: 'x'.repeat(20_000) })) === 'accept'
    )
      taken += 1;
    expect(taken).toBeLessThan(5);
  });

  it('a deletion that has expired counts, for its effect is kept for good', async () => {
    const here = quotaWorld();
    const expiration = `${Math.floor(here.clock.now() / 1_000) + 60}`;
    for (let number = 0; number < limits.strangerEventsMax; number += 1) {
      const tags = [
        ['e', 'e'.repeat(64)],
        ['expiration', expiration],
      ];
      expect(here.submit(event(bob, 5, tags))).toBe('accept');
    }
    await here.clock.advance(61_000);
    expect(here.store.size).toBe(0);
    expect(here.submit(deletion(bob))).toMatch(/^restricted: this key has nothing here but deletions/);
    here.restart();
    expect(here.submit(deletion(bob))).toMatch(/^restricted: this key has nothing here but deletions/);
  });

  it('all strangers together have so many; known keys are not kept from deleting by that', () => {
    const quotas = new KeyQuotas(wide);
    const unrelated = (pubkey: string) => ({ pubkey, kind: 5, bytes: 512 });
    for (let number = 0; number < limits.strangersEventsMax; number += 1)
      quotas.add(unrelated(key(number % 5_000)));
    quotas.add({ pubkey: alice, kind: 1621, bytes: 512 });
    expect(quotas.refusal(unrelated(key(9_999)), false)).toMatch(/^rate-limited:/);
    expect(quotas.refusal(unrelated(alice), false)).toBeUndefined();
    quotas.remove(unrelated(key(0)));
    expect(quotas.refusal(unrelated(key(9_999)), false)).toBeUndefined();
  });

  it('stop no maintainer who imports 50,000 issues into a repository, and deletes them again', () => {
    const quotas = new KeyQuotas(wide);
    const issue = { pubkey: alice, kind: 1621, bytes: 8_192 };
    quotas.add({ pubkey: alice, kind: 30617, bytes: 1_024 });
    let refusals = 0;
    for (let number = 0; number < 50_000; number += 1) {
      if (quotas.refusal(issue, false) !== undefined) refusals += 1;
      quotas.add(issue);
    }
    for (let number = 0; number < 50_000; number += 1) {
      const request = { pubkey: alice, kind: 5, bytes: 512 };
      if (quotas.refusal(request, false) !== undefined) refusals += 1;
      quotas.add(request);
      quotas.remove(issue);
    }
    expect(refusals).toBe(0);
  });
});
