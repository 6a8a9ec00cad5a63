import { describe, expect, it } from 'vitest';
import { moderationRoutes } from '../../../src/daemon/operator/moderation-routes.js';
import { type Moderation, ProtectedKeyError } from '../../../src/moderation/moderation.js';
import { createMemoryStore } from '../../../src/store/memory-store.js';
import { key } from '../../policy/world.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const [owner, alice, bob] = [key(9), key(1), key(2)];

/** What `/ban` answers, where taking away never ends; `banned` has who is banned by now. */
function ban(pubkeys: readonly string[]) {
  const clock = new VirtualClock();
  const banned: string[] = [];
  const moderation = {
    async banPubkey(pubkey: string) {
      if (pubkey === owner) throw new ProtectedKeyError(pubkey);
      banned.push(pubkey);
      return { total: 1, removed: 0, ended: new Promise<void>(() => {}) };
    },
  } as unknown as Moderation;
  const { store } = createMemoryStore({ clock });
  const route = moderationRoutes({ store, moderation, clock }).find(({ path }) => path === '/ban');
  if (route === undefined || !('answer' in route)) throw new Error('there is no /ban');
  const body = { targets: pubkeys.map((value) => ({ type: 'pubkey', value })) };
  const reports = route.answer(body, new AbortController().signal) as AsyncGenerator<unknown>;
  return { banned, reports };
}

describe('several that are banned at once', () => {
  it('are all banned before the first report, also where nobody reads on', async () => {
    const { banned, reports } = ban([alice, bob]);
    expect((await reports.next()).value).toMatchObject({ value: alice, isDone: false });
    await reports.return(undefined);
    expect(banned).toEqual([alice, bob]);
  });

  it('are told where one cannot be banned, and that those before it are', async () => {
    const { banned, reports } = ban([alice, owner, bob]);
    await expect(reports.next()).rejects.toThrow('cannot be banned; what was named before it is banned');
    expect(banned).toEqual([alice]);
  });
});
