/** An id on its way, with how often it was asked for in vain. */
export type AskedId = { readonly id: string; readonly asks: number };

/** What a relay was seen to serve of one ask: pure, so that the rule can be tested as one. */
export type ServingRecord = {
  /** The most ids that are asked for at once. */
  readonly askSizeMax: number;
  /** The most ids that it served of one ask: so many it looks at, whatever it may do with more. */
  readonly servedMax: number;
  /** How many ids are best asked for at once. */
  readonly askSize: number;
  /** The smallest ask that it did not answer at all. */
  readonly tooLarge: number;
};

/** What a relay is taken to look at in one ask while nothing is known of it; asks are not made smaller for being cut. */
const askSizeMin = 10;

export function newServingRecord(askSizeMax: number): ServingRecord {
  return { askSizeMax, servedMax: 0, askSize: askSizeMax, tooLarge: Number.POSITIVE_INFINITY };
}

/** A new day: larger asks are tried again. */
export function refreshed(record: ServingRecord): ServingRecord {
  return { ...newServingRecord(record.askSizeMax), servedMax: record.servedMax };
}

/**
 * How many of the first ids in the queue to ask for together. What was asked for in vain is asked for again apart from
 * the rest, and by no more at once than the relay is known to look at, so that the answer is conclusive.
 */
export function askLength(record: ServingRecord, queue: Iterable<AskedId>, sizeMax: number): number {
  let isAgain: boolean | undefined;
  let length = 0;
  for (const { asks } of queue) {
    isAgain ??= asks > 0;
    const size = Math.min(sizeMax, record.askSize, isAgain ? conclusiveSize(record) : sizeMax);
    if (length >= size || asks > 0 !== isAgain) break;
    length += 1;
  }
  return length;
}

/** How many ids the relay surely looks at: as many as it served of one ask, or, before it served any, a few. */
function conclusiveSize({ servedMax }: ServingRecord): number {
  return servedMax > 0 ? servedMax : askSizeMin;
}

export type AskResult = {
  readonly record: ServingRecord;
  /** To be asked for again. */
  readonly again: readonly AskedId[];
  /** Given up for this relay. */
  readonly unserved: readonly string[];
};

/**
 * Accounts for one ask. An id that did not come is asked for once more, then given up, provided that the relay looks at
 * as many ids at once. An ask that `failed` (CLOSED, silence) says nothing about its ids: it may have been too large,
 * and is made half as large until it is one id.
 */
export function settleAsk(
  record: ServingRecord,
  asked: readonly AskedId[],
  served: ReadonlySet<string>,
  failed: boolean,
): AskResult {
  const missing = asked.filter(({ id }) => !served.has(id));
  const wasTooLarge = failed && asked.length > 1;
  const next = learned(record, asked.length, served.size, wasTooLarge);
  // Only an ask that the relay is known to look at whole says that it has no more.
  const isConclusive = asked.length <= conclusiveSize(next);
  const again: AskedId[] = [];
  const unserved: string[] = [];
  for (const { id, asks } of missing) {
    if (wasTooLarge) again.push({ id, asks });
    else if (asks === 0 || !isConclusive) again.push({ id, asks: asks + 1 });
    else unserved.push(id);
  }
  return { record: next, again, unserved };
}

/** The size of asks follows what the relay serves: as large as it takes, and no larger than it looks at. */
function learned(record: ServingRecord, asked: number, served: number, wasTooLarge: boolean): ServingRecord {
  const servedMax = Math.max(record.servedMax, served);
  if (wasTooLarge) {
    const tooLarge = Math.min(record.tooLarge, asked);
    return { ...record, servedMax, tooLarge, askSize: Math.min(record.askSize, Math.ceil(asked / 2)) };
  }
  const wasCut = served > 0 && served < asked && asked > servedMax;
  if (wasCut)
    return { ...record, servedMax, askSize: Math.min(record.askSize, Math.max(askSizeMin, servedMax)) };
  if (served < asked || asked < record.askSize) return { ...record, servedMax };
  const askSize = Math.max(
    record.askSize,
    Math.min(record.askSizeMax, 2 * record.askSize, record.tooLarge - 1),
  );
  return { ...record, servedMax, askSize };
}
