import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/lib/random.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import { compileFilters } from '../../src/nostr/filter-match.js';
import { PageReader, unknownHabits } from '../../src/sync/catchup/page-reader.js';
import { nextPage, type PagingLimits, startPaging, takePage } from '../../src/sync/catchup/paging.js';
import { pubkey } from './support/events.js';

fc.configureGlobal({ seed: 20260101 });

/** Many distinct events, made fast: their ids are only numbers. */
function eventAt(number: number, created_at: number, template: Partial<NostrEvent> = {}): NostrEvent {
  const id = number.toString(16).padStart(64, '0');
  return {
    id,
    pubkey: pubkey(number % 3),
    created_at,
    kind: 1,
    tags: [['a', 'x']],
    content: '',
    sig: '',
    ...template,
  };
}

type Relay = (question: Filter) => { events: NostrEvent[]; cut?: boolean };

/** A relay that answers newest first (ties by lowest id), at most `cap` events. */
function capped(events: readonly NostrEvent[], cap: number): Relay {
  const sorted = [...events].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
  return (question) => ({
    events: sorted.filter(compileFilters([question])).slice(0, Math.min(cap, question.limit ?? cap)),
  });
}

/** The same in an order of its own. */
function shuffled(relay: Relay, seed: number): Relay {
  const random = seededRandom(seed);
  return (question) => {
    const { events } = relay(question);
    return {
      events: events
        .map((event) => ({ event, at: random.next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ event }) => event),
    };
  };
}

const limits: PagingLimits = { eventsPerFilter: undefined, pageEventsDefault: 50, pageEventsMax: 500 };

/** The same, taking `until` for the first second that is not asked for. */
function exclusive(relay: Relay): Relay {
  return ({ until, ...question }) =>
    relay(until === undefined ? question : { ...question, until: until - 1 });
}

function pageThrough(
  relay: Relay,
  filter: Filter,
  since = 0,
  within = limits,
  pagesMax = 5_000,
  habits = unknownHabits,
) {
  const got = new Set<string>();
  let paging = startPaging(filter, since, undefined, within, habits);
  for (let question = nextPage(paging); question !== undefined; question = nextPage(paging)) {
    if (paging.pages >= pagesMax) throw new Error('pages without end');
    const { events, cut } = relay(question);
    const reader = new PageReader(question);
    for (const event of events) if (reader.take(event)) got.add(event.id);
    paging = takePage(paging, reader.page(cut === true), within);
  }
  return { got, paging };
}

/** Events of the given seconds, of each no more than so many. */
function eventsAt(seconds: readonly number[], perSecondMax: number): NostrEvent[] {
  const perSecond = new Map<number, number>();
  return seconds
    .filter((second) => {
      const count = (perSecond.get(second) ?? 0) + 1;
      perSecond.set(second, count);
      return count <= perSecondMax;
    })
    .map((second, number) => eventAt(number, second));
}

const all: Filter = { '#a': ['x', 'y'] };
const idsOf = (events: readonly NostrEvent[]) => new Set(events.map(({ id }) => id));

describe('paged REQ by until (docs/sync.md §5, fallback)', () => {
  it('gets everything from a relay with any cap, however the events lie in time', () => {
    const times = fc.array(fc.nat(60), { maxLength: 300 });
    fc.assert(
      fc.property(times, fc.integer({ min: 10, max: 80 }), (seconds, cap) => {
        const perSecond = new Map<number, number>();
        const events = seconds
          .filter((second) => {
            perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
            return (perSecond.get(second) as number) <= cap;
          })
          .map((second, number) => eventAt(number, second));
        const { got, paging } = pageThrough(capped(events, cap), all);
        expect(got).toEqual(idsOf(events));
        expect(paging.deepSeconds).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('asks for nothing below `since`', () => {
    const events = Array.from({ length: 100 }, (_, number) => eventAt(number, number));
    const { got } = pageThrough(capped(events, 30), all, 40);
    expect(got).toEqual(idsOf(events.filter(({ created_at }) => created_at >= 40)));
  });

  it('passes a second that is deeper than a page by a larger limit, without loss', () => {
    const events = Array.from({ length: 400 }, (_, number) => eventAt(number, number < 300 ? 7 : number));
    const { got, paging } = pageThrough(capped(events, 500), all);
    expect(got).toEqual(idsOf(events));
    expect(paging.deepSeconds).toBe(0);
  });

  it('passes a second that is deeper than the cap of the relay by narrower questions, without loss', () => {
    const events = Array.from({ length: 160 }, (_, number) =>
      eventAt(number, 7, {
        kind: [1, 1111, 1621, 7][number % 4] as number,
        tags: [['a', number % 2 === 0 ? 'x' : 'y']],
        pubkey: pubkey(number % 5),
      }),
    );
    const older = Array.from({ length: 30 }, (_, number) => eventAt(1_000 + number, number % 7));
    const { got, paging } = pageThrough(capped([...events, ...older], 50), all);
    expect(got).toEqual(idsOf([...events, ...older]));
    expect(paging.deepSeconds).toBe(0);
  });

  it('counts pages in a row of which nothing is kept', () => {
    const page = (count: number, isKept: boolean, at: number) => ({
      ...{ count, isKept, oldest: at, newest: at, sorted: true, cut: false, kinds: [1], authors: [] },
    });
    let paging = startPaging(all, 0, undefined, limits);
    for (const at of [90, 80, 70]) paging = takePage(paging, page(5, false, at), limits);
    expect(paging.pagesInVain).toBe(3);
    expect(takePage(paging, page(5, true, 60), limits).pagesInVain).toBe(0);
    expect(takePage(paging, page(0, false, 60), limits).pagesInVain).toBe(3);
  });

  it('counts a second that cannot be told apart, and goes on', () => {
    const deep = Array.from({ length: 60 }, (_, number) => eventAt(number, 7, { pubkey: pubkey(0) }));
    const older = Array.from({ length: 20 }, (_, number) => eventAt(100 + number, number % 7));
    const { got, paging } = pageThrough(capped([...deep, ...older], 20), { '#a': ['x'] });
    for (const { id } of older) expect(got.has(id)).toBe(true);
    expect(paging.deepSeconds).toBeGreaterThan(0);
  });

  it('gets everything from pages in no order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { maxLength: 300 }), fc.nat(), (seconds, seed) => {
        const events = [...new Set(seconds)].map((second, number) => eventAt(number, second));
        const { got } = pageThrough(shuffled(capped(events, 40), seed), all);
        expect(got).toEqual(idsOf(events));
      }),
      { numRuns: 100 },
    );
  });

  it('gets a created_at of 0 and of 2^53 − 1', () => {
    const events = [0, 5, Number.MAX_SAFE_INTEGER].map((second, number) => eventAt(number, second));
    for (const relay of [capped(events, 50), shuffled(capped(events, 50), 3)]) {
      expect(pageThrough(relay, all).got).toEqual(idsOf(events));
    }
  });

  it('obeys max_limit', () => {
    const events = Array.from({ length: 90 }, (_, number) => eventAt(number, number));
    const asked: (number | undefined)[] = [];
    const relay = capped(events, 20);
    const { got } = pageThrough(
      (question) => {
        asked.push(question.limit);
        return relay(question);
      },
      all,
      0,
      { ...limits, eventsPerFilter: 20 },
    );
    expect(got).toEqual(idsOf(events));
    expect(Math.max(...(asked as number[]))).toBe(20);
  });

  it('ends with a relay that ignores until and sends its newest page for ever', () => {
    const events = Array.from({ length: 200 }, (_, number) => eventAt(number, number));
    const newest = capped(events, 50)({ limit: 50 }).events;
    expect(pageThrough(() => ({ events: newest }), all).paging.pages).toBeLessThan(200);
  });

  it('counts only events that match and are new in the page: duplicates and others do not keep it going', () => {
    const one = eventAt(1, 10);
    const other = eventAt(2, 10, { tags: [] });
    const { paging } = pageThrough(() => ({ events: [one, one, other, one] }), all);
    expect(paging.pages).toBeLessThan(5);
  });

  it('ends whatever the relay sends', () => {
    const anyEvent = fc.record({ number: fc.nat(500), second: fc.nat(1_000) });
    fc.assert(
      fc.property(
        fc.array(fc.array(anyEvent, { maxLength: 60 }), { minLength: 1, maxLength: 20 }),
        (pages) => {
          let turn = 0;
          const relay: Relay = () => {
            turn += 1;
            const page = pages[turn % pages.length] as { number: number; second: number }[];
            return { events: page.map(({ number, second }) => eventAt(number, second)) };
          };
          pageThrough(relay, all);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('a relay whose until is exclusive, or whose pages are very small (docs/sync.md §5)', () => {
  const times = fc.array(fc.nat(60), { maxLength: 200 });

  it('loses nothing when until is exclusive, in order or not', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 10, max: 60 }), fc.nat(1000), (seconds, cap, seed) => {
        const events = eventsAt(seconds, cap - 1);
        const relay = exclusive(capped(events, cap));
        expect(pageThrough(relay, all).got).toEqual(idsOf(events));
        expect(pageThrough(shuffled(relay, seed), all).got).toEqual(idsOf(events));
      }),
    );
  });

  it('finds out with one page, and asks a second further from then on, also for the next filter', () => {
    const events = eventsAt([9, 8, 7, 6, 5], 1);
    const first = pageThrough(exclusive(capped(events, 50)), all);
    expect(first.paging.habits.until).toBe('exclusive');
    expect(first.paging.deepSeconds).toBe(0);
    const second = pageThrough(exclusive(capped(events, 50)), all, 0, limits, 100, first.paging.habits);
    expect(second.paging.pages).toBe(first.paging.pages - 1);
    expect(pageThrough(capped(events, 50), all).paging.habits.until).toBe('inclusive');
  });

  it('takes one for inclusive again that sends something of the second beyond', () => {
    const events = eventsAt([9, 8, 7, 6, 5], 1);
    const relay = capped(events, 50);
    let isGone = true;
    // What was seen last is gone when it is asked about first.
    const forgetful: Relay = (question) => {
      const answer = relay(question);
      if (question.until !== 5 || !isGone) return answer;
      isGone = false;
      return { events: [] };
    };
    const { got, paging } = pageThrough(forgetful, all);
    expect(got).toEqual(idsOf(events));
    expect(paging.habits.until).toBe('inclusive');
  });

  it('a second that is seen and served neither way is counted', () => {
    const events = eventsAt([9, 8, 7], 1);
    const relay = capped(events, 50);
    const { paging } = pageThrough(
      (question) => relay({ ...question, until: (question.until ?? 100) - 2 }),
      all,
    );
    expect(paging.deepSeconds).toBeGreaterThan(0);
    const vanishing: Relay = (question) => (question.until === undefined ? relay(question) : { events: [] });
    expect(pageThrough(vanishing, all).paging.deepSeconds).toBe(1);
    expect(paging.habits.until).toBe('exclusive');
  });

  it('with pages of 1 to 4 events gets all that a page can hold, and counts what it cannot', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 4 }), fc.boolean(), (seconds, cap, isExclusive) => {
        const relay = (events: readonly NostrEvent[]) =>
          isExclusive ? exclusive(capped(events, cap)) : capped(events, cap);
        const shallow = eventsAt(seconds, cap);
        expect(pageThrough(relay(shallow), all).got).toEqual(idsOf(shallow));
        const deep = eventsAt(seconds, 6);
        const known = { ...unknownHabits, cutsPages: true, largestPage: cap };
        for (const habits of [unknownHabits, known]) {
          const { got, paging } = pageThrough(relay(deep), all, 0, limits, 5_000, habits);
          const seen = new Set([...deep].map(({ created_at }) => created_at));
          const isOneSecond = seen.size < 2 && habits === unknownHabits;
          if (got.size < deep.length && !isOneSecond) expect(paging.deepSeconds).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('asks about a second again by kind and author when the relay turns out to cut pages that small', () => {
    const deep = Array.from({ length: 8 }, (_, at) => eventAt(at, 50, { kind: at % 2 === 0 ? 1 : 1111 }));
    const events = [...deep, eventAt(100, 40), eventAt(101, 30)];
    const { got, paging } = pageThrough(capped(events, 3), all);
    expect(got).toEqual(idsOf(events));
    expect(paging.habits).toMatchObject({ cutsPages: true, largestPage: 3 });
  });

  it('does not take small answers of other relays for cut ones', () => {
    const events = [eventAt(1, 50), eventAt(2, 50), eventAt(3, 50)];
    expect(pageThrough(capped(events, 500), all).paging).toMatchObject({ pages: 3, deepSeconds: 0 });
  });

  it('believes a relay that publishes how little it puts into a page', () => {
    const deep = Array.from({ length: 4 }, (_, at) => eventAt(at, 50, { kind: 1 + at }));
    const within = { ...limits, eventsPerFilter: 2 };
    const kinds: Filter = { ...all, kinds: [1, 2, 3, 4] };
    expect(pageThrough(capped(deep, 2), kinds, 0, within).got).toEqual(idsOf(deep));
  });
});
