import { describe, expect, it, vi } from 'vitest';
import type { AcceptedEvent } from '../../src/admission/admission.js';
import { limits } from '../../src/config/limits.js';
import type { Clock } from '../../src/lib/clock.js';
import { StoredTopics } from '../../src/sync/topics/stored-topics.js';
import { address as addressOf, announcement, event, foreign, key, state, world } from '../policy/world.js';

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
  /** How many roots that refer to it are noted when it is announced, and in the end. */
  async function noted(roots: number): Promise<[number, number]> {
    const { store, directory, clock, submit } = world();
    const address = addressOf(key(0), 'repo');
    for (let number = 0; number < roots; number += 1) store.put(event(key(1), 1621, [['a', address]]));
    const listeners: ((accepted: AcceptedEvent) => void)[] = [];
    const feed = {
      onAccepted: (listener: (accepted: AcceptedEvent) => void) => {
        listeners.push(listener);
        return () => {};
      },
      onRemoved: () => () => {},
    };
    const ids = new Set<string>();
    const filters = {
      follow: () => {},
      follows: () => false,
      addAuthor: () => {},
      onChanged: () => {},
      roots: { addReference: (id: string) => void ids.add(id), addParent: () => {}, enterRoot: () => {} },
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
    const atOnce = ids.size;
    await expect.poll(() => ids.size).toBe(roots);
    stop.abort(new Error('seen enough'));
    await Promise.allSettled(running);
    return [atOnce, ids.size];
  }

  it('is read in later turns where very many roots refer to it', async () => {
    const atOnce = limits.syncRootsAtOnceMax;
    expect(await noted(atOnce)).toEqual([atOnce, atOnce]);
    expect(await noted(atOnce + 1)).toEqual([0, atOnce + 1]);
  });
});
