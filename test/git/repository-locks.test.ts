import { describe, expect, it } from 'vitest';
import { RepositoryLocks } from '../../src/git/locks/repository-locks.js';
import { deferred, onAbort } from '../../src/lib/abort.js';

const { signal } = new AbortController();
const repository = { pubkey: 'ab'.repeat(32), identifier: 'r' };

/** Resolves when the signal aborts. */
async function aborted(of: AbortSignal): Promise<void> {
  const told = deferred<void>();
  using _ = onAbort(of, () => told.resolve());
  await told.promise;
}

describe('work beside changes of a repository', () => {
  it('is passed by those, and ended by who needs its files to stay', async () => {
    const locks = new RepositoryLocks();
    const order: string[] = [];
    const beside = locks.useBeside(repository, signal, async (wanted) => {
      await aborted(wanted);
      order.push('ended');
    });
    await locks.use(repository, signal, async () => {
      order.push('changed');
      await locks.useStill(repository, async () => void order.push('removed'));
    });
    await beside;
    expect([order, locks.size]).toEqual([['changed', 'ended', 'removed'], 0]);
  });

  it('is ended by that also while it waits to be alone itself', async () => {
    const locks = new RepositoryLocks();
    const order: string[] = [];
    const waits = deferred<void>();
    const removed = locks.use(repository, signal, async () => {
      await waits.promise;
      await locks.useStill(repository, async () => void order.push('removed'));
    });
    const beside = locks.useBeside(repository, signal, async (wanted) => {
      waits.resolve();
      await locks.use(repository, wanted, async () => void order.push('alone'));
    });
    await expect(beside).rejects.toThrow(/abort/i);
    await removed;
    expect([order, locks.size]).toEqual([['removed'], 0]);
  });
});
