import { describe, expect, it, vi } from 'vitest';
import type { AcceptedEvent } from '../../src/admission/admission.js';
import { limits } from '../../src/config/limits.js';
import type { Clock } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { StoredTopics } from '../../src/sync/topics/stored-topics.js';
import { address as addressOf, announcement, event, foreign, key, state, world } from '../policy/world.js';
import { settle } from '../support/virtual-clock.js';

type Parts = ConstructorParameters<typeof StoredTopics>[0];

/** Has what is stored followed; gives the authors that were added, with the addresses. */
async function follow({ store, directory, clock }: ReturnType<typeof world>): Promise<[string, string][]> {
  const added: [string, string][] = [];
  const filters = {
    follow: () => {},
    addAuthor: (pubkey: string, subject: string) => void added.push([pubkey, subject]),
    onChanged: () => {},
    roots: { addReference: () => {} },
  };
  const feed = { onAccepted: () => () => {}, onRemoved: () => () => {} };
  const topics = new StoredTopics({
    store,
    directory,
    clock: clock as Clock,
    filters: filters as unknown as Parts['filters'],
    admission: { feed } as unknown as Parts['admission'],
    windowMs: 1,
  });
  const stop = new AbortController();
  const end = new Error('seen enough');
  const first = async () => {
    stop.abort(end);
    throw end;
  };
  await expect(topics.run(stop.signal, first)).rejects.toBe(end);
  return added;
}

describe('what is followed at the start', () => {
  it('is nothing more for strangers who are named and name each other, and of maintainers those who said something', async () => {
    const all = world();
    const { submit, directory, store } = all;
    const strangers = Array.from({ length: limits.announcementMaintainersMax }, (_, index) => key(index + 1));
    expect(submit(announcement(key(0), 'repo', { maintainers: strangers }))).toBe('accept');
    for (const stranger of strangers.slice(0, 50))
      expect(submit(foreign(stranger, 'repo', strangers))).toBe('accept');
    expect(submit(state(key(60), 'repo'))).toBe('accept');
    const some = vi.spyOn(store, 'some');
    const maintainersOf = vi.spyOn(directory, 'maintainersOf');
    const added = await follow(all);
    const address = `30617:${key(0)}:repo`;
    const expected = [key(0), ...strangers.slice(0, 50), key(60)];
    expect(new Set(added.map(([pubkey, subject]) => `${pubkey} ${subject}`))).toEqual(
      new Set(expected.map((pubkey) => `${pubkey} ${address}`)),
    );
    expect([some.mock.calls.length, maintainersOf.mock.calls.length]).toEqual([0, 1]);
  });
});

describe('a repository that is announced', () => {
  const address = addressOf(key(0), 'repo');
  const atOnce = limits.syncReferringAtOnceMax;

  /** Has a repository announced to which these events refer, and `refused` ones; gives what was noted by then, and in the end. */
  async function noted(stored: readonly NostrEvent[], refused: readonly NostrEvent[] = []) {
    const here = world();
    const { store, directory, clock, submit } = here;
    for (const event of stored) store.put(event);
    for (const event of refused) here.refused.add(event, 'blocked: because');
    const listeners: ((accepted: AcceptedEvent) => void)[] = [];
    const feed = {
      onAccepted: (listener: (accepted: AcceptedEvent) => void) => {
        listeners.push(listener);
        return () => {};
      },
      onRemoved: () => () => {},
    };
    const roots: string[] = [];
    const people: string[] = [];
    const filters = {
      follow: () => {},
      follows: () => false,
      addAuthor: (pubkey: string) => {
        if (pubkey !== key(0)) people.push(pubkey);
      },
      onChanged: () => {},
      roots: { addReference: (id: string) => void roots.push(id), addParent: () => {}, enterRoot: () => {} },
    };
    const topics = new StoredTopics({
      store,
      directory,
      clock: clock as Clock,
      filters: filters as unknown as Parts['filters'],
      admission: { feed } as unknown as Parts['admission'],
      windowMs: 1,
    });
    const stop = new AbortController();
    const running = [topics.run(stop.signal, async () => {}), topics.readOn(stop.signal)];
    await expect.poll(() => topics.isLoaded).toBe(true);
    const announced = announcement(key(0), 'repo');
    submit(announced);
    for (const listener of listeners) listener({ event: announced, stored: true } as AcceptedEvent);
    const begun = { roots: roots.length, people: people.length };
    await settle();
    stop.abort(new Error('seen enough'));
    await Promise.allSettled(running);
    return { begun, roots: new Set(roots), people: new Set(people) };
  }

  const events = (count: number, kind: number, author: (at: number) => string) =>
    Array.from({ length: count }, (_, at) => event(author(at), kind, [['a', address]]));

  it('is read in later turns where very many roots refer to it', async () => {
    const roots = (count: number) => events(count, 1621, () => key(1));
    const few = await noted(roots(atOnce));
    expect([few.begun.roots, few.roots.size]).toEqual([atOnce, atOnce]);
    const many = await noted(roots(atOnce + 1));
    expect([many.begun.roots, many.roots.size]).toEqual([0, atOnce + 1]);
  });

  it('has its people found in later turns where very much refers to it, and all of them', async () => {
    const replies = (count: number) => events(count, 1, (at) => key(1 + at));
    const few = await noted(replies(atOnce));
    expect([few.begun.people, few.people.size]).toEqual([atOnce, atOnce]);
    const many = await noted(replies(atOnce + 1));
    expect([many.begun.people, many.people.size]).toEqual([0, atOnce + 1]);
    // Also of what is only remembered.
    const hidden = await noted(
      replies(3),
      events(atOnce, 1, () => key(9)),
    );
    expect([hidden.begun.people, hidden.people.size]).toEqual([0, 3]);
  });

  it('has the people of so many events that refer to it, the newest', async () => {
    const { syncAuthorEventsMax: most } = limits;
    const replies = (count: number) => events(count, 1, (at) => (at === 0 ? key(2) : key(1)));
    expect((await noted(replies(most))).people).toEqual(new Set([key(1), key(2)]));
    expect((await noted(replies(most + 1))).people).toEqual(new Set([key(1)]));
  });
});
