import { setMaxListeners } from 'node:events';
import { setImmediate as rest } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AlignmentPlaces } from '../../src/alignment/alignment-places.js';
import { limits } from '../../src/config/limits.js';
import { RepositoryLocks } from '../../src/git/locks/repository-locks.js';
import { deferred } from '../../src/lib/abort.js';

const { signal } = new AbortController();
// As many listeners as there are repositories that wait.
setMaxListeners(0, signal);
const repository = (identifier: string | number) => ({ pubkey: 'a'.repeat(64), identifier: `${identifier}` });

/** Places, and works that have begun there and end when they are told to. */
function somePlaces() {
  const locks = new RepositoryLocks();
  const places = new AlignmentPlaces(locks);
  const working = new Map<string, () => void>();
  let heldUp = 0;
  return {
    locks,
    places,
    working,
    heldUp: () => heldUp,
    async begin(identifier: string | number): Promise<void> {
      const work = async () => {
        const end = deferred<void>();
        working.set(`${identifier}`, end.resolve);
        await end.promise;
        working.delete(`${identifier}`);
      };
      void places.use(repository(identifier), signal, work, () => {
        heldUp += 1;
      });
      await rest();
    },
    /** Keeps the lock of a repository; gives the way to let it go. */
    lock(identifier: string | number): () => void {
      const end = deferred<void>();
      void locks.use(repository(identifier), signal, () => end.promise);
      return end.resolve;
    },
  };
}

describe('Places to align repositories', () => {
  it('are taken by nobody who waits for the lock of one', async () => {
    const { places, working, heldUp, begin, lock } = somePlaces();
    for (let n = 0; n < limits.alignmentsAtOnceMax; n += 1) {
      lock(`locked ${n}`);
      await begin(`locked ${n}`);
    }
    expect([heldUp(), places.isAny]).toEqual([limits.alignmentsAtOnceMax, true]);
    await begin('free');
    expect([...working.keys()]).toEqual(['free']);
  });

  it('are as many as may work at once, also for who waited for its lock', async () => {
    const { locks, places, working, begin, lock } = somePlaces();
    const unlock = lock('locked');
    await begin('locked');
    for (let n = 0; n < limits.alignmentsAtOnceMax; n += 1) await begin(n);
    expect(places.isAny).toBe(false);
    unlock();
    await rest();
    expect(working.has('locked')).toBe(false);
    working.get('0')?.();
    await rest();
    expect(working.has('locked')).toBe(true);
    expect(places.isAny).toBe(false);
    for (const end of working.values()) end();
    await rest();
    expect([locks.size, places.isAny]).toEqual([0, true]);
  });

  it('are none for one more while very many wait for their locks', async () => {
    const { places, begin, lock } = somePlaces();
    const unlock = lock(0);
    await begin(0);
    for (let n = 1; n < limits.alignmentsHeldUpMax; n += 1) {
      expect(places.isAny).toBe(true);
      lock(n);
      await begin(n);
    }
    expect(places.isAny).toBe(false);
    unlock();
    await rest();
    expect(places.isAny).toBe(false);
  });
});
