import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { localAddressGroup } from '../../src/lib/budgets/address-group.js';
import { systemClock } from '../../src/lib/clock.js';
import { fixedSlice, TurnScheduler } from '../../src/lib/turns/turn-scheduler.js';
import { npubOf } from '../../src/nostr/keys.js';
import type { AnnouncedRepository } from '../../src/repositories/announced-repository.js';
import { Catalogue, SearchBusyError } from '../../src/web/catalogue.js';
import { type ListQuery, listQueryOf, urlQueryOf } from '../../src/web/list-query.js';
import { VirtualClock } from '../support/virtual-clock.js';

const owner = '1'.repeat(64);

function repository(number: number, changes: Partial<AnnouncedRepository> = {}): AnnouncedRepository {
  return {
    eventId: '',
    address: '',
    pubkey: owner,
    identifier: `repository-${number}`,
    name: '',
    description: '',
    announcedAt: number,
    standing: 'hosted',
    awaitsGitData: true,
    relays: [],
    ...changes,
  };
}

type Listed = {
  listed: AnnouncedRepository[];
  stateAt?: Readonly<Record<string, number>>;
  lacking?: string[];
};

function catalogueOf({ listed, stateAt = {}, lacking = [] }: Listed, clock = new VirtualClock()) {
  const calls = { listed: 0 };
  const catalogue = new Catalogue({
    directory: {
      *listed() {
        calls.listed += 1;
        yield* listed;
      },
      stateOf: ({ pubkey, identifier }) => {
        const created_at = stateAt[identifier];
        return created_at === undefined ? undefined : { id: '', pubkey, identifier, created_at };
      },
    },
    lacks: ({ identifier }) => lacking.includes(identifier),
    clock,
    turns: new TurnScheduler(systemClock, fixedSlice(1), setImmediate),
  });
  const find = async (
    query: Partial<ListQuery> = {},
    signal = new AbortController().signal,
    party: string = localAddressGroup,
  ) => {
    const { entries, ...rest } = await catalogue.find(
      { text: '', page: 1, lacking: false, ...query },
      party,
      signal,
    );
    return { ...rest, found: entries.map(({ repository: { identifier } }) => identifier) };
  };
  return { catalogue, find, clock, calls };
}

describe('the catalogue of repositories', () => {
  it('lists those that changed last first: by their announcement or their state', async () => {
    const listed = [1, 2, 3].map((number) => repository(number));
    const { find } = catalogueOf({ listed, stateAt: { 'repository-1': 10 } });
    expect((await find()).found).toEqual(['repository-1', 'repository-3', 'repository-2']);
  });

  it('finds by all words, in name, identifier, description and owner, whatever their case', async () => {
    const other = '2'.repeat(64);
    const { find } = catalogueOf({
      listed: [
        repository(3, { name: 'Relay TOOLS' }),
        repository(2, { description: 'tools for people', pubkey: other }),
        repository(1, { identifier: 'tools' }),
      ],
    });
    expect((await find({ text: 'tOOls' })).found).toEqual(['repository-3', 'repository-2', 'tools']);
    expect((await find({ text: ' tools  relay ' })).found).toEqual(['repository-3']);
    expect((await find({ text: npubOf(other) })).found).toEqual(['repository-2']);
    expect((await find({ text: `people ${npubOf(owner)}` })).found).toEqual([]);
  });

  it('gives one page, the last one where there are fewer', async () => {
    const size = limits.listedRepositoriesMax;
    const { find } = catalogueOf({
      listed: Array.from({ length: size + 1 }, (_, number) => repository(number)),
    });
    expect(await find({ page: 9 })).toEqual({ total: size + 1, page: 2, pages: 2, found: ['repository-0'] });
    expect((await find()).found.length).toBe(size);
  });

  it('gives those only that lack something, where that is asked for', async () => {
    const { find } = catalogueOf({ listed: [repository(1), repository(2)], lacking: ['repository-1'] });
    expect((await find({ lacking: true })).found).toEqual(['repository-1']);
  });

  it('is made anew only when it is old, and never for nobody', async () => {
    const listed = [repository(1)];
    const { find, clock, calls } = catalogueOf({ listed });
    expect(calls.listed).toBe(0);
    await Promise.all([find(), find()]);
    listed.push(repository(2));
    expect((await find()).total).toBe(1);
    await clock.advance(limits.catalogueAgeMsMax);
    expect((await find()).total).toBe(2);
    expect(calls.listed).toBe(2);
  });

  it('is made in turns, however long it takes to find who maintains a repository', async () => {
    let nowMs = 0;
    let looks = 0;
    let most = 0;
    const nextTurn = (task: () => void) =>
      setImmediate(() => {
        most = Math.max(most, looks);
        looks = 0;
        task();
      });
    const catalogue = new Catalogue({
      directory: {
        listed: () => Array.from({ length: 300 }, (_, number) => repository(number)).values(),
        stateOf: () => {
          nowMs += 5;
          looks += 1;
          return undefined;
        },
      },
      lacks: () => false,
      clock: new VirtualClock(),
      turns: new TurnScheduler({ monotonic: () => nowMs }, fixedSlice(5), nextTurn),
    });
    const { total } = await catalogue.find(
      { text: '', page: 1, lacking: false },
      '192.0.2.1',
      new AbortController().signal,
    );
    expect(total).toBe(300);
    expect(most).toBeLessThanOrEqual(2);
  });

  it('leaves the event loop its turns, also with very many', async () => {
    const description = 'a description of some length, as people write it '.repeat(4);
    const listed = Array.from({ length: 100_000 }, (_, number) => repository(number, { description }));
    const { find } = catalogueOf({ listed });
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    expect((await find({ text: 'repository-99999' })).total).toBe(1);
    isOver = true;
    expect(turns).toBeGreaterThan(10);
  });

  it('refuses when too many search, and forgets those who left', async () => {
    const { find } = catalogueOf({
      listed: Array.from({ length: 2_000 }, (_, number) => repository(number)),
    });
    const stop = new AbortController();
    const searches = Array.from({ length: limits.searchesAtOnceMax + limits.searchesWaitingMax }, () =>
      find({ text: 'repository' }, stop.signal),
    );
    const ended = Promise.allSettled(searches);
    await expect(find({ text: 'repository' })).rejects.toThrow(SearchBusyError);
    await expect(find({ lacking: true })).rejects.toThrow(SearchBusyError);
    // The list itself is there for everybody.
    expect((await find()).total).toBe(2_000);
    stop.abort();
    await ended;
    expect((await find({ text: 'repository' })).total).toBe(2_000);
  });

  it('has places for others, however many searches of one wait', async () => {
    const { find } = catalogueOf({
      listed: Array.from({ length: 2_000 }, (_, number) => repository(number)),
    });
    const stop = new AbortController();
    const flood = Array.from({ length: 500 }, () => find({ text: 'repository' }, stop.signal, '192.0.2.1'));
    const ended = Promise.allSettled(flood);
    expect((await find({ text: 'repository' }, undefined, '192.0.2.2')).total).toBe(2_000);
    stop.abort();
    const refused = (await ended).filter(
      (each) => each.status === 'rejected' && each.reason instanceof SearchBusyError,
    );
    expect(refused).toHaveLength(500 - limits.searchesAtOnceMax - limits.searchesWaitingPerAddressMax);
  });
});

describe('what is asked of a list', () => {
  it('is read from the query, cut, and nonsense is not said', () => {
    const read = (query: string) => listQueryOf(new URLSearchParams(query));
    expect(read('q=+two+words+&page=3&lacking=1')).toEqual({ text: 'two words', page: 3, lacking: true });
    for (const page of ['0', '-1', 'x', '1e99', '1.5']) expect(read(`page=${page}`).page).toBe(1);
    expect(read(`q=${'a'.repeat(1000)}`).text.length).toBe(limits.searchCharsMax);
  });

  it('is written as it is read', () => {
    const asked = { text: `a&b="c"`, page: 2, lacking: true };
    expect(listQueryOf(new URLSearchParams(urlQueryOf(asked, 2)))).toEqual(asked);
    expect(urlQueryOf({ text: '', lacking: false }, 1)).toBe('');
  });
});
