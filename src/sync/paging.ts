import type { Filter, TagKey } from '../nostr/filter.js';

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
};

/** What came as the answer to one page. Only different events that match the question are counted. */
export type Page = {
  readonly count: number;
  /** Whether any of them is stored. */
  readonly isKept: boolean;
  readonly oldest: number;
  readonly newest: number;
  /** Whether they came newest first. */
  readonly sorted: boolean;
  /** Whether we ended it before the relay did. */
  readonly cut: boolean;
  /** The kinds and authors that were seen, at most a few. */
  readonly kinds: readonly number[];
  readonly authors: readonly string[];
};

export type PagingLimits = {
  /** What the relay says it puts into one page at most. */
  readonly eventsPerFilter: number | undefined;
  readonly pageEventsDefault: number;
  readonly pageEventsMax: number;
};

/** Below this, a page is not taken for one that the relay cut short. */
const fullPageEventsMin = 5;

/** Begins at the newest event and goes back to `since`, or over the given stretch only. */
export function startPaging(
  filter: Filter,
  since: number,
  until: number | undefined,
  limits: PagingLimits,
): Paging {
  const limit = Math.min(limits.pageEventsDefault, limits.eventsPerFilter ?? limits.pageEventsDefault);
  return {
    stretches: [{ filter, since, until, limit, mode: 'descend', seen: undefined }],
    pages: 0,
    pagesInVain: 0,
    largestPage: 0,
    deepSeconds: 0,
  };
}

/** The next question, or `undefined` when everything was asked. */
export function nextPage(paging: Paging): Filter | undefined {
  const stretch = paging.stretches.at(-1);
  if (stretch === undefined) return undefined;
  const question: Filter = { ...stretch.filter, limit: stretch.limit };
  if (stretch.since > 0) question.since = stretch.since;
  if (stretch.until !== undefined) question.until = stretch.until;
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

/** Takes the answer to `nextPage`. Every step makes the rest smaller, whatever the relay sends. */
export function takePage(paging: Paging, page: Page, limits: PagingLimits): Paging {
  const stretch = paging.stretches.at(-1);
  if (stretch === undefined) throw new TypeError('there is no page to take');
  const largestPage = Math.max(paging.largestPage, page.count);
  const isFull =
    page.cut ||
    (page.count >= fullPageEventsMin &&
      page.count >= Math.min(largestPage, stretch.limit, limits.eventsPerFilter ?? stretch.limit));
  const next = after(stretch, page, isFull, limits);
  return {
    stretches: [...paging.stretches.slice(0, -1), ...next.rest],
    pages: paging.pages + 1,
    pagesInVain: page.isKept ? 0 : paging.pagesInVain + (page.count > 0 ? 1 : 0),
    largestPage,
    deepSeconds: paging.deepSeconds + (next.lost ? 1 : 0),
  };
}

type Next = { readonly rest: readonly Stretch[]; readonly lost?: boolean };

function after(stretch: Stretch, page: Page, isFull: boolean, limits: PagingLimits): Next {
  if (page.count === 0) return { rest: [] };
  if (stretch.mode === 'second') return afterSecond(stretch, page, isFull, limits);
  if (stretch.mode === 'halve' || !page.sorted) return { rest: isFull ? halves(stretch, page, limits) : [] };
  if (page.oldest !== stretch.until) return { rest: [{ ...stretch, until: page.oldest }] };
  // The whole page lies in the second that it began with.
  const older = page.oldest > stretch.since ? [{ ...stretch, until: page.oldest - 1 }] : [];
  return { rest: isFull ? [...older, secondOf(stretch, page.oldest, page.count, limits)] : older };
}

/** Pages in no order say nothing about what is older: the stretch is halved until its pages are not full. */
function halves(stretch: Stretch, page: Page, limits: PagingLimits): Stretch[] {
  const until = stretch.until ?? page.newest;
  const beyond: Stretch[] =
    stretch.until === undefined ? [{ ...stretch, since: until + 1, mode: 'halve' }] : [];
  if (until <= stretch.since) return [...beyond, secondOf(stretch, until, page.count, limits)];
  // Half of what was seen, not of the centuries without an event.
  const middle = Math.min(until - 1, Math.floor((page.oldest + until) / 2));
  return [
    ...beyond,
    { ...stretch, until: middle, mode: 'halve' },
    { ...stretch, since: middle + 1, until, mode: 'halve' },
  ];
}

/** The question for one second that fills a page: first with a larger limit, where that is allowed. */
function secondOf(stretch: Stretch, second: number, seen: number, limits: PagingLimits): Stretch {
  const limit = Math.min(stretch.limit * 4, largestLimit(limits));
  return { ...stretch, since: second, until: second, mode: 'second', limit, seen };
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
    rest: narrower.map((filter) => ({ ...stretch, filter, seen: undefined })),
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
