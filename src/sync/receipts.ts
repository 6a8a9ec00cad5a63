/** What became of an id that was to be downloaded. */
export type Receipt = 'arrived' | 'not-served';

/** An id on its way, with how often it was asked for in vain. */
export type AskedId = { readonly id: string; readonly asks: number };

/** What a relay was seen to serve of one ask: pure, so that the rule can be tested as one. */
export type ServingRecord = {
  /** The most ids that it served of one ask. */
  readonly servedMax: number;
  /** How many ids are best asked for at once. */
  readonly askSize: number;
};

/** Asks do not become smaller than this, whatever a relay serves. */
const askSizeMin = 50;

export function newServingRecord(askSize: number): ServingRecord {
  return { servedMax: 0, askSize };
}

export type AskResult = {
  readonly record: ServingRecord;
  /** To be asked for again. */
  readonly again: readonly AskedId[];
  /** Given up for this relay. */
  readonly unserved: readonly string[];
};

/**
 * Accounts for one ask. An id that did not come is asked for once more, then given up. An ask of which a part came,
 * and that was larger than any the relay served whole, may have been cut by a cap of the relay: it proves nothing
 * about the rest, but that fewer ids have to be asked for at once. As each such ask brings something, this ends.
 * So does an ask that `failed` (CLOSED, silence): it may have been too large, and is made half as large until it is
 * one id.
 */
export function settleAsk(
  record: ServingRecord,
  asked: readonly AskedId[],
  served: ReadonlySet<string>,
  failed: boolean,
): AskResult {
  const missing = asked.filter(({ id }) => !served.has(id));
  const servedMax = Math.max(record.servedMax, served.size);
  const wasCut = missing.length > 0 && served.size > 0 && asked.length > servedMax;
  const wasTooLarge = failed && asked.length > 1;
  const again: AskedId[] = [];
  const unserved: string[] = [];
  for (const { id, asks } of missing) {
    if (wasTooLarge) again.push({ id, asks });
    else if (asks === 0 || wasCut) again.push({ id, asks: asks + 1 });
    else unserved.push(id);
  }
  let { askSize } = record;
  if (wasTooLarge) askSize = Math.min(askSize, Math.ceil(asked.length / 2));
  else if (wasCut) askSize = Math.min(askSize, Math.max(askSizeMin, servedMax));
  return { record: { servedMax, askSize }, again, unserved };
}
