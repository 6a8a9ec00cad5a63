import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { PeerGoneError } from '../../src/sync/errors.js';
import { WantedIds, type WantedSource } from '../../src/sync/fetch/wanted-ids.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { addressOf, announcement } from './support/events.js';

const repository = announcement('repo', []);
const never = () => new Promise<never>(() => {});

/** Runs the wanted ids against relays that answer by `fetch`; returns who was asked for what, in order. */
async function play(
  relays: readonly string[],
  fetch: (relay: string, ids: readonly string[]) => Promise<readonly string[]>,
  options: {
    named?: readonly string[];
    add?: readonly (readonly string[])[];
    forMs?: number;
    cause?: NostrEvent | undefined;
  } = {},
) {
  const asked: [relay: string, ids: readonly string[]][] = [];
  const clock = new VirtualClock();
  const sources = relays.map(
    (relay): WantedSource => ({
      relay,
      fetch: async (ids, signal) => {
        asked.push([relay, ids]);
        const aborted = new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
        return await Promise.race([fetch(relay, ids), aborted]);
      },
    }),
  );
  const wanted = new WantedIds({
    clock,
    store: { has: () => false },
    directory: {
      repositoryAt: (address) =>
        address === addressOf(repository) ? { relays: options.named ?? [] } : undefined,
    },
    connected: () => sources,
  });
  const stop = new AbortController();
  const running = wanted.run(stop.signal).catch(() => {});
  for (const ids of options.add ?? [['1', '2']]) {
    wanted.add(ids, 'cause' in options ? options.cause : repository);
    await clock.advance(options.forMs ?? 10);
  }
  stop.abort(new Error('stopped'));
  await clock.advance(1);
  await running;
  return asked;
}

describe('ids that are wanted again (docs/sync.md §6)', () => {
  it('are asked first of the relays that the announcement of the repository names', async () => {
    const asked = await play(['a', 'b', 'c'], async (_, ids) => ids, { named: ['c'] });
    expect(asked.map(([relay]) => relay)).toEqual(['c', 'a', 'b']);
  });

  it('are asked of all when the store lost them, and nothing says which repository they are about', async () => {
    const asked = await play(['a', 'b', 'c'], async (_, ids) => ids, { named: ['c'], cause: undefined });
    expect(asked.map(([relay]) => relay)).toEqual(['a', 'b', 'c']);
  });

  it('are asked of no further relay when they came', async () => {
    const serve = async (relay: string, ids: readonly string[]) => (relay === 'a' ? ids.slice(1) : []);
    expect(await play(['a', 'b', 'c'], serve)).toEqual([
      ['a', ['1', '2']],
      ['b', ['2']],
    ]);
  });

  it('are asked of a bounded number of relays, of others the next time', async () => {
    const relays = Array.from({ length: limits.wantedRelaysMax + 5 }, (_, number) => `${number}`);
    const asked = await play(relays, async (_, ids) => ids, { add: [['1'], ['2']] });
    expect(asked.filter(([, ids]) => ids[0] === '1').length).toBe(limits.wantedRelaysMax);
    expect(new Set(asked.map(([relay]) => relay)).size).toBe(relays.length);
  });

  it('are asked of the next relay when one is gone, or takes too long', async () => {
    const fetch = async (relay: string, ids: readonly string[]) => {
      if (relay === 'gone') throw new PeerGoneError(relay);
      return relay === 'slow' ? await never() : ids;
    };
    const forMs = limits.wantedFetchMsMax + 10;
    const asked = await play(['gone', 'slow', 'last'], fetch, { forMs });
    expect(asked.map(([relay]) => relay)).toEqual(['gone', 'slow', 'last']);
  });
});

describe('the repositories that wanted ids are remembered for', () => {
  it('are so many at most, however many events name them, and are forgotten with the ids', async () => {
    const clock = new VirtualClock();
    const wanted = new WantedIds({
      clock,
      store: { has: () => true },
      directory: { repositoryAt: () => undefined },
      connected: () => [],
    });
    const names = Array.from({ length: limits.wantedRepositoriesMax }, (_, at) => [
      'a',
      `30617:${'1'.repeat(64)}:${at}`,
    ]);
    const cause = { ...repository, kind: 1618, tags: names };
    const causes = Math.ceil(limits.wantedRepositoriesInAllMax / names.length) + 10;
    for (let at = 0; at < causes; at += 1) wanted.add([`${at}`, `again ${at}`, '0'], cause);
    expect(wanted.size).toBe(2 * causes);
    expect(wanted.repositories).toBeLessThanOrEqual(limits.wantedRepositoriesInAllMax);
    expect(wanted.repositories).toBeGreaterThan(limits.wantedRepositoriesInAllMax - names.length);
    const stop = new AbortController();
    const running = wanted.run(stop.signal);
    await clock.advance(10);
    expect(wanted.size).toBe(0);
    expect(wanted.repositories).toBe(0);
    stop.abort();
    await running;
  });
});
