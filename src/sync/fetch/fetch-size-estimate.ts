/** An id on its way, with how often it was asked for in vain. */
export type AskedId = { readonly id: string; readonly asks: number };

/** What a relay was seen to do with asks: pure, so that the rule can be tested as one. */
export type FetchSizeEstimate = {
  /** The most ids that are asked for at once. */
  readonly askSizeMax: number;
  /** The most events that it sent for one ask. */
  readonly sentMax: number;
  /** The furthest place in an ask of an id that came: so many ids it looks at, whatever it may do with more. */
  readonly reach: number;
  /** How many ids are best asked for at once. */
  readonly askSize: number;
  /** The smallest ask that it did not answer at all. */
  readonly tooLarge: number;
};

/** What a relay is taken to look at in one ask while nothing is known of it; asks are not made smaller for being cut. */
const askSizeMin = 10;

export function newFetchSizeEstimate(askSizeMax: number): FetchSizeEstimate {
  return { askSizeMax, sentMax: 0, reach: 0, askSize: askSizeMax, tooLarge: Number.POSITIVE_INFINITY };
}

/** A new day: larger asks are tried again. */
export function refreshed({ askSizeMax, sentMax, reach }: FetchSizeEstimate): FetchSizeEstimate {
  return { ...newFetchSizeEstimate(askSizeMax), sentMax, reach };
}

/**
 * How many of the first ids in the queue to ask for together. What was asked for in vain is asked for again apart from
 * the rest, and by no more at once than the relay is known to look at, so that the answer is conclusive.
 */
export function askLength(estimate: FetchSizeEstimate, queue: Iterable<AskedId>, sizeMax: number): number {
  let isAgain: boolean | undefined;
  let length = 0;
  for (const { asks } of queue) {
    isAgain ??= asks > 0;
    const size = Math.min(sizeMax, estimate.askSize, isAgain ? surelyLookedAt(estimate) : sizeMax);
    if (length >= size || asks > 0 !== isAgain) break;
    length += 1;
  }
  return length;
}

/** How many ids the relay looks at: up to the furthest that came, or, before one came, a few. */
function surelyLookedAt({ reach }: FetchSizeEstimate): number {
  return reach > 0 ? reach : askSizeMin;
}

/** What came for an ask before it ended. */
export type AskAnswer = {
  /** The ids under which something came, forged or not. */
  readonly came: ReadonlySet<string>;
  /** Those of them that are accounted for: stored, or refused for good. */
  readonly served: ReadonlySet<string>;
  /** Whether it ended otherwise than by EOSE: CLOSED, silence. */
  readonly failed: boolean;
};

export type Account = {
  readonly estimate: FetchSizeEstimate;
  /** To be asked for again. */
  readonly again: readonly AskedId[];
  /** Given up for this relay. */
  readonly unserved: readonly string[];
};

/**
 * Accounts for one ask. An id that did not come, or came forged, is asked for once more, then given up, provided that
 * the relay did look for it. An ask that failed says nothing about its ids: it may have been too large, and is made
 * half as large until it is one id.
 */
export function accountFor(
  estimate: FetchSizeEstimate,
  asked: readonly AskedId[],
  { came, served, failed }: AskAnswer,
): Account {
  const wasTooLarge = failed && asked.length > 1;
  const next = learned(estimate, asked, came, wasTooLarge);
  const isConclusive = !wasTooLarge && wasLookedAtWhole(next, asked.length, came.size);
  const again: AskedId[] = [];
  const unserved: string[] = [];
  for (const { id, asks } of asked) {
    if (served.has(id)) continue;
    const isAnswered = came.has(id) || isConclusive;
    if (asks > 0 && isAnswered) unserved.push(id);
    else again.push({ id, asks: wasTooLarge && !isAnswered ? asks : asks + 1 });
  }
  return { estimate: next, again, unserved };
}

/**
 * Whether an answer was all that the relay has of an ask: the ask was no longer than the relay looks, and the answer was
 * not cut, for another one was longer, or as long as the ask.
 */
function wasLookedAtWhole(estimate: FetchSizeEstimate, asked: number, came: number): boolean {
  if (asked > surelyLookedAt(estimate)) return false;
  return estimate.sentMax === 0 || came < estimate.sentMax || asked <= estimate.sentMax;
}

/** The size of asks follows what the relay sends: as large as it takes, and no larger than what comes at once. */
function learned(
  estimate: FetchSizeEstimate,
  asked: readonly AskedId[],
  came: ReadonlySet<string>,
  wasTooLarge: boolean,
): FetchSizeEstimate {
  const size = asked.length;
  const sentMax = Math.max(estimate.sentMax, came.size);
  const reach = Math.max(estimate.reach, asked.findLastIndex(({ id }) => came.has(id)) + 1);
  const seen = { ...estimate, sentMax, reach };
  if (wasTooLarge) {
    const tooLarge = Math.min(estimate.tooLarge, size);
    return { ...seen, tooLarge, askSize: Math.min(estimate.askSize, Math.ceil(size / 2)) };
  }
  const wasCut = came.size > 0 && came.size < size && size > sentMax;
  if (wasCut) return { ...seen, askSize: Math.min(estimate.askSize, Math.max(askSizeMin, sentMax)) };
  if (came.size < size || size < estimate.askSize) return seen;
  const askSize = Math.min(estimate.askSizeMax, 2 * estimate.askSize, estimate.tooLarge - 1);
  return { ...seen, askSize: Math.max(estimate.askSize, askSize) };
}
