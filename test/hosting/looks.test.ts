import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { RepositoryLocks } from '../../src/git/locks/repository-locks.js';
import { Looks } from '../../src/hosting/promotion/looks.js';
import { deferred } from '../../src/lib/abort.js';
import { address, announcement, key, pullRequest, state } from '../policy/world.js';
import { client } from './client.js';
import { hostingWorld } from './hosting-world.js';

const { signal } = new AbortController();
const owner = key(1);
const main = 'refs/heads/main';
const repository = { pubkey: owner, identifier: 'r' };

/** A lock of `r` that somebody has, and the looks that want it. */
function lockedWorld() {
  const locks = new RepositoryLocks();
  const { promise, resolve } = deferred<void>();
  const busy = locks.use(repository, signal, () => promise);
  const done: string[] = [];
  return { locks, looks: new Looks(locks, signal), busy, done, unlock: resolve };
}

describe('A look', () => {
  it('waits alone for the lock of its repository: a push is not behind the others', async () => {
    const { locks, looks, done, unlock } = lockedWorld();
    const made = [1, 2, 3].map((n) => looks.make(repository, async () => void done.push(`look ${n}`)));
    // Whoever waits for a turn has it by then.
    await new Promise((resolve) => setImmediate(resolve));
    const pushed = locks.use(repository, signal, async () => void done.push('push'));
    unlock();
    await Promise.all([...made, pushed]);
    expect(done).toEqual(['look 1', 'push', 'look 2', 'look 3']);
  });

  it('is made of few repositories at once, one owner after the other: pushes have their commands run beside them', async () => {
    const looks = new Looks(new RepositoryLocks(), signal);
    const ends = deferred<void>();
    const begun: string[] = [];
    const look = (pubkey: string, identifier: string) =>
      looks.make({ pubkey, identifier }, async () => {
        begun.push(`${identifier}`);
        await ends.promise;
      });
    const made = ['a1', 'a2', 'a3', 'a4'].map((name) => look(owner, name));
    made.push(look(key(2), 'b1'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toHaveLength(limits.heldLooksAtOnceMax);
    ends.resolve();
    await Promise.all(made);
    expect(begun).toEqual(['a1', 'a2', 'a3', 'b1', 'a4']);
  });

  it('keeps no place while it waits for who works on its repository', async () => {
    const { looks, done, unlock, busy } = lockedWorld();
    const waiting = looks.make(repository, async () => void done.push('look'));
    const others = ['s', 't', 'u'].map((identifier) =>
      looks.make({ pubkey: owner, identifier }, async () => {}),
    );
    await Promise.all(others);
    expect(done).toEqual([]);
    unlock();
    await Promise.all([busy, waiting]);
    expect(done).toEqual(['look']);
  });

  it('at all that is held of a repository is made once for all that comes before it begins', async () => {
    const { looks, done, unlock } = lockedWorld();
    const began = deferred<void>();
    const ended = deferred<void>();
    const look = async (ids: ReadonlySet<string>) => {
      done.push([...ids].join(' '));
      began.resolve();
      await ended.promise;
    };
    const made = ['a', 'b', 'c'].map((id) => looks.makeOne(repository, id, look));
    await looks.makeOne({ ...repository, pubkey: key(2) }, 'd', async (ids) => void done.push(...ids));
    unlock();
    await began.promise;
    made.push(looks.makeOne(repository, 'e', look));
    made.push(looks.makeOne(repository, 'f', look));
    ended.resolve();
    await Promise.all(made);
    expect(done).toEqual(['d', 'a b c', 'e f']);
  });

  it('fails for all for whose sake it is made, and the next is made anew', async () => {
    const { looks, unlock } = lockedWorld();
    const fail = async () => {
      throw new Error('git failed');
    };
    const made = ['a', 'b'].map((id) => looks.makeOne(repository, id, fail));
    unlock();
    const ends = await Promise.allSettled(made);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(looks.makeOne(repository, 'a', async () => {})).resolves.toBeUndefined();
  });

  it('runs no git where what it was for is held no longer', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r'), state(owner, 'r', [main, first]));
    await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    const { promise, resolve } = deferred<void>();
    const busy = world.parts.locks.use(repository, world.signal, () => promise);
    const events = [
      state(owner, 'r', [main, 'a'.repeat(40)]),
      pullRequest(key(2), [address(owner, 'r')], [['c', 'b'.repeat(40)]]),
    ];
    const before = world.faulty.ran.length;
    const held = events.map((event) => world.hold(event));
    await new Promise((next) => setImmediate(next));
    for (const { id } of events) await world.purgatory.release(id, 'replaced');
    resolve();
    await busy;
    await Promise.all(held);
    expect(world.faulty.ran.slice(before)).toEqual([]);
  });

  it('asks git once about many held states, and about so many objects at once', async () => {
    using mine = client();
    await using world = await hostingWorld();
    const keys = Array.from({ length: 21 }, (_, at) => key(at + 2));
    const first = mine.commit('one');
    await world.hold(announcement(owner, 'r', { maintainers: keys }), state(owner, 'r', [main, first]));
    await world.push(repository, { lines: [[main, first]], pack: mine.pack([first]) });
    const askedFor = async (...tags: string[][]) => {
      const last = keys.pop()!;
      await world.hold(state(last, 'r', ...tags));
      const before = world.faulty.ran.length;
      const again = keys.pop()!;
      await world.hold(state(again, 'r', ...tags));
      return world.faulty.ran.slice(before).filter((command) => JSON.stringify(command).includes('cat-file'));
    };
    const one = (await askedFor([main, '1'.repeat(40)])).length;
    expect(one).toBe(1);
    for (let at = 0; at < 12; at += 1)
      await world.hold(state(keys.pop()!, 'r', [main, `${at}`.padStart(40, '2')]));
    expect(await askedFor([main, '3'.repeat(40)])).toHaveLength(one);
    const many = Array.from({ length: limits.heldObjectsAskedMax * 0.6 }, (_, at) => [
      `refs/heads/${at}`,
      `${at}`.padStart(40, 'a'),
    ]);
    // The newest two do not go together, the others go with the second.
    expect(await askedFor(...many)).toHaveLength(one + 1);
  });
});
