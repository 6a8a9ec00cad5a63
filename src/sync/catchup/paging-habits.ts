/** How a relay was seen to answer pages: over all filters, for what one shows holds for the next. */
export type PagingHabits = {
  /** Whether `until` takes in its own second. Exclusive is what a relay seems to be until it sends something of it. */
  readonly until: 'unknown' | 'exclusive' | 'inclusive';
  /** The most events that it put into one page. */
  readonly largestPage: number;
  /** Whether it was seen to have more than it put into a page that was smaller than asked for. */
  readonly cutsPages: boolean;
};

export const unknownHabits: PagingHabits = { until: 'unknown', largestPage: 0, cutsPages: false };

/** What both know of the same relay. */
export function mergeHabits(a: PagingHabits, b: PagingHabits): PagingHabits {
  const either = (until: PagingHabits['until']) => a.until === until || b.until === until;
  return {
    until: either('inclusive') ? 'inclusive' : either('exclusive') ? 'exclusive' : 'unknown',
    largestPage: Math.max(a.largestPage, b.largestPage),
    cutsPages: a.cutsPages || b.cutsPages,
  };
}

/** What to ask the relay for so that this second is taken in. */
export function untilFor({ until }: PagingHabits, second: number): number {
  return until === 'exclusive' ? second + 1 : second;
}
