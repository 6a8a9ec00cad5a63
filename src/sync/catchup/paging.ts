import type { Filter, TagKey } from '../../nostr/filter.js';
import { mergeHabits, type Page, type PagingHabits, unknownHabits, untilFor } from './page-reader.js';

/** A stretch of time that is to be paged, newest second first. Both ends belong to it. */
type Stretch = {
  readonly filter: Filter;
  readonly since: number;
  /** `undefined`: without end. */
  readonly until: number | undefined;
  readonly limit: number;
  /** `descend` by `until`; `halve` where pages come in no order; `second` for one deep second. */
  readonly mode: 'descend' | 'halve' | 'second';
  /** For `second`: how many events the question with a smaller limit brought; `undefined` when limits do not help. */
  readonly seen: number | undefined;
  /** Whether something was seen in the second of `until`, so that a page without it says something about the relay. */
  readonly expectsUntil: boolean;
  /** The size of the page that this one goes on from, if it was smaller than asked for: more to come means it was cut. */
  readonly before: number | undefined;
};

/** Paging of one filter: pure, `(state, page) → state`. It can be kept and gone on with on another connection. */
export type Paging = {
  readonly stretches: readonly Stretch[];
  readonly pages: number;
  /** The most events that the relay was seen to put into one page. */
  readonly largestPage: number;
  /** How many pages in a row brought events of which none is kept; those without any do not count. */
  readonly pagesInVain: number;
  /** Seconds of which the relay may hold more than there was a way to ask for. */
  readonly deepSeconds: number;
  readonly habits: PagingHabits;
  /** Seconds that a small page lay in whole: to be asked about again should it turn out that the relay cuts pages so small. */
  readonly doubtful: readonly Stretch[];
};

export type PagingLimits = {
  /** What the relay says it puts into one page at most. */
  readonly eventsPerFilter: number | undefined;
  readonly pageEventsDefault: number;
  readonly pageEventsMax: number;
};

/** Below this, a page is not taken for one that the relay cut short, unless it was seen to cut pages that small. */
const fullPageEventsMin = 5;
/** Most seconds that are remembered as doubtful. */
const doubtfulMax = 100;

/** Begins at the newest event and goes back to `since`, or over the given stretch only. */
export function startPaging(
  filter: Filter,
  since: number,
  until: number | undefined,
  limits: PagingLimits,
  habits = unknownHabits,
): Paging {
  const limit = Math.min(limits.pageEventsDefault, limits.eventsPerFilter ?? limits.pageEventsDefault);
  const whole = { filter, since, until, limit, mode: 'descend', seen: undefined } as const;
  return {
    stretches: [{ ...whole, expectsUntil: false, before: undefined }],
    habits,
    doubtful: [],
    pages: 0,
    pagesInVain: 0,
    largestPage: 0,
    deepSeconds: 0,
  };
}

/** Takes in what other filters showed of the relay; to be done before the next question, not between it and its answer. */
export function learnHabits(paging: Paging, habits: PagingHabits): Paging {
  return { ...paging, habits: mergeHabits(paging.habits, habits) };
}

/** The next question, or `undefined` when everything was asked. */
export function nextPage(paging: Paging): Filter | undefined {
  const stretch = paging.stretches.at(-1);
  if (stretch === undefined) return undefined;
  const question: Filter = { ...stretch.filter, limit: stretch.limit };
  if (stretch.since > 0) question.since = stretch.since;
  if (stretch.until !== undefined) question.until = untilFor(paging.habits, stretch.until);
  return question;
}

/** Pages do not become smaller than this. */
const pageEventsMin = 10;

/** The connection broke while a page came: smaller ones may get through whole. What came of it was no page. */
export function shrinkPages(paging: Paging): Paging {
  const stretches = paging.stretches.map((stretch) => ({
    ...stretch,
    limit: Math.min(stretch.limit, Math.max(pageEventsMin, stretch.limit >> 1)),
  }));
  return { ...paging, stretches };
}

/** Takes the answer to `nextPage`. Every step makes the rest smaller, whatever the relay sends, or tells how to ask. */
export function takePage(paging: Paging, page: Page, limits: PagingLimits): Paging {
  const stretch = paging.stretches.at(-1);
  if (stretch === undefined) throw new TypeError('there is no page to take');
  const pages = paging.pages + 1;
  const pagesInVain = page.isKept ? 0 : paging.pagesInVain + (page.count > 0 ? 1 : 0);
  const { until, isToBeAskedAgain } = lookAtUntil(paging.habits, stretch, page);
  if (isToBeAskedAgain) return { ...paging, pages, pagesInVain, habits: { ...paging.habits, until } };
  const largestPage = Math.max(paging.largestPage, page.count);
  const cutsPages = provesCut(stretch, page);
  const habits = mergeHabits(paging.habits, { until, cutsPages, largestPage: page.count });
  const isFull = isFullPage(stretch, page, { limits, largestPage, habits });
  const next = after(stretch, page, isFull, limits);
  const stretches = [...paging.stretches.slice(0, -1), ...next.rest];
  const doubtful = [...paging.doubtful, ...(next.doubtful ?? [])].slice(0, doubtfulMax);
  const isLost = next.lost === true || lacksUntil(habits, stretch, page);
  return {
    // They were cut after all, or it is not known yet.
    stretches: habits.cutsPages
      ? [...stretches, ...doubtful.filter((each) => isCut(each, habits))]
      : stretches,
    doubtful: habits.cutsPages ? [] : doubtful,
    pages,
    pagesInVain,
    largestPage,
    deepSeconds: paging.deepSeconds + (isLost ? 1 : 0),
    habits,
  };
}

/**
 * What a page says about `until`. Nothing of a second in which something was seen: the relay may leave that second out,
 * and is asked again a second further. Something of the second beyond that: it does not.
 */
function lookAtUntil(
  { until }: PagingHabits,
  stretch: Stretch,
  page: Page,
): { readonly until: PagingHabits['until']; readonly isToBeAskedAgain: boolean } {
  const newest = page.count > 0 ? page.newest : Number.NEGATIVE_INFINITY;
  if (stretch.until === undefined || until === 'inclusive') return { until, isToBeAskedAgain: false };
  if (until === 'exclusive') {
    return newest > stretch.until
      ? { until: 'inclusive', isToBeAskedAgain: true }
      : { until, isToBeAskedAgain: false };
  }
  if (newest === stretch.until) return { until: 'inclusive', isToBeAskedAgain: false };
  return stretch.expectsUntil && !page.cut
    ? { until: 'exclusive', isToBeAskedAgain: true }
    : { until, isToBeAskedAgain: false };
}

/** Whether something was seen in the last second of a stretch, and the relay does not serve it whichever way it is asked. */
function lacksUntil({ until }: PagingHabits, stretch: Stretch, page: Page): boolean {
  if (until !== 'exclusive' || !stretch.expectsUntil || page.cut) return false;
  return page.count === 0 || page.newest !== stretch.until;
}

/** Whether a page brought something that the one before it, smaller than asked for, should have had. */
function provesCut({ before, until, expectsUntil }: Stretch, page: Page): boolean {
  if (before === undefined || until === undefined || page.count === 0) return false;
  return expectsUntil ? page.oldest < until : page.oldest <= until;
}

/** Whether the relay may have more than it put into a page. */
function isFullPage(
  stretch: Stretch,
  { cut, count }: Page,
  known: { readonly limits: PagingLimits; readonly largestPage: number; readonly habits: PagingHabits },
): boolean {
  if (cut || count >= (known.limits.eventsPerFilter ?? Number.POSITIVE_INFINITY)) return true;
  if (count >= fullPageEventsMin) return count >= Math.min(known.largestPage, stretch.limit);
  return count > 0 && known.habits.cutsPages && count >= known.habits.largestPage;
}

function isCut(doubt: Stretch, habits: PagingHabits): boolean {
  return (doubt.seen ?? 0) >= habits.largestPage;
}

type Next = {
  readonly rest: readonly Stretch[];
  readonly lost?: boolean;
  readonly doubtful?: readonly Stretch[];
};

function after(stretch: Stretch, page: Page, isFull: boolean, limits: PagingLimits): Next {
  if (page.count === 0) return { rest: [] };
  if (stretch.mode === 'second') return afterSecond(stretch, page, isFull, limits);
  if (stretch.mode === 'halve' || !page.sorted) return { rest: isFull ? halves(stretch, page, limits) : [] };
  const before = page.cut || page.count >= stretch.limit ? undefined : page.count;
  if (page.oldest !== stretch.until) {
    return { rest: [{ ...stretch, until: page.oldest, expectsUntil: true, before }] };
  }
  // The whole page lies in the second that it began with.
  const until = page.oldest - 1;
  const older = page.oldest > stretch.since ? [{ ...stretch, until, expectsUntil: false, before }] : [];
  const second = secondOf(stretch, page.oldest, page.count, limits);
  return isFull ? { rest: [...older, second] } : { rest: older, doubtful: [second] };
}

/** Pages in no order say nothing about what is older: the stretch is halved until its pages are not full. */
function halves(stretch: Stretch, page: Page, limits: PagingLimits): Stretch[] {
  const until = stretch.until ?? page.newest;
  const isNewest = stretch.until === undefined;
  const half = { ...stretch, mode: 'halve', before: undefined } as const;
  const later: Stretch[] = isNewest ? [{ ...half, since: until + 1 }] : [];
  if (until <= stretch.since) return [...later, secondOf(stretch, until, page.count, limits)];
  // Half of what was seen, not of the centuries without an event.
  const middle = Math.min(until - 1, Math.floor((page.oldest + until) / 2));
  return [
    ...later,
    { ...half, until: middle, expectsUntil: false },
    { ...half, since: middle + 1, until, expectsUntil: isNewest || stretch.expectsUntil },
  ];
}

/** The question for one second that fills a page: first with a larger limit, where that is allowed. */
function secondOf(stretch: Stretch, second: number, seen: number, limits: PagingLimits): Stretch {
  const limit = Math.min(stretch.limit * 4, largestLimit(limits));
  const only = { since: second, until: second, expectsUntil: true, before: undefined } as const;
  return { ...stretch, ...only, mode: 'second', limit, seen };
}

function largestLimit(limits: PagingLimits): number {
  return Math.min(limits.pageEventsMax, limits.eventsPerFilter ?? limits.pageEventsMax);
}

/** Goes on with a larger limit for as long as that brings more, then with narrower questions, until none is full. */
function afterSecond(stretch: Stretch, page: Page, isFull: boolean, limits: PagingLimits): Next {
  if (!isFull) return { rest: [] };
  const limit = Math.min(stretch.limit * 4, largestLimit(limits));
  if (stretch.seen !== undefined && page.count > stretch.seen && limit > stretch.limit) {
    return { rest: [{ ...stretch, limit, seen: page.count }] };
  }
  const narrower = narrowed(stretch.filter, page);
  return {
    rest: narrower.map((filter) => ({ ...stretch, filter, seen: undefined, expectsUntil: false })),
    lost: narrower.length === 0,
  };
}

/** Questions that together ask for as much of `filter` as can be told apart, each for less. */
function narrowed(filter: Filter, page: Page): Filter[] {
  const key = (Object.keys(filter) as (keyof Filter)[]).find((name) => {
    const values = filter[name];
    return Array.isArray(values) && values.length > 1;
  });
  if (key !== undefined) {
    const values = filter[key as TagKey] as string[];
    const middle = values.length >> 1;
    return [
      { ...filter, [key]: values.slice(0, middle) },
      { ...filter, [key]: values.slice(middle) },
    ];
  }
  if (filter.kinds === undefined) {
    return [...new Set([...commonKinds, ...page.kinds])].map((kind) => ({ ...filter, kinds: [kind] }));
  }
  if (filter.authors === undefined) return page.authors.map((author) => ({ ...filter, authors: [author] }));
  return [];
}

/** Kinds that hang on repositories and roots (NIP-34, 22, 25, 57, 09 …): asked for one by one in a deep second. */
const commonKinds: readonly number[] = [
  1, 5, 7, 1111, 1617, 1618, 1619, 1621, 1622, 1630, 1631, 1632, 1633, 1985, 9735, 30617, 30618,
];
