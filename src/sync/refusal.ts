/**
 * What a relay means by the text of a CLOSED, NOTICE, OK or NEG-ERR. The machine-readable prefix of NIP-01 decides
 * where there is one; beyond that these texts are all that relays say.
 */
export type Refusal =
  /** Pause, then ask again. */
  | { readonly type: 'slow-down' }
  /** Authenticate (NIP-42), then ask again. */
  | { readonly type: 'auth' }
  /** The answer would have too many events; `itemsMax` is the relay's cap if it names it. */
  | { readonly type: 'too-many-results'; readonly itemsMax: number | undefined }
  | { readonly type: 'too-many-subscriptions' }
  | { readonly type: 'too-many-filters' }
  /** Anything else. */
  | { readonly type: 'other' };

const slowDown = /^rate-limited:|rate.?limit|slow(ing)? down|too many (requests|messages)|too fast|throttl/i;
const tooManySubscriptions =
  /too many (open |concurrent |active )*(subs|reqs|subscriptions|queries)|subscription limit|maximum (number of )?(concurrent )?subscriptions|at most .*open subscriptions/i;
const tooManyFilters = /too many filters|filters? limit/i;
const things = '(?:results|records|events|elements|items|ids)';
const tooManyResults = new RegExp(
  `too many (?:query )?${things}|${things}\\b.*\\b(?:exceed|above|over|more than|limit|max)|` +
    `(?:limit|max|at most)\\b.*\\b${things}|too (?:big|large|broad)|max_?(?:records|sync_?events)`,
  'i',
);

/** Reads a reason. `itemsMax` is the number that stood beside it (4th element of NEG-ERR). */
export function readRefusal(reason: string, itemsMax?: number): Refusal {
  if (/^auth-required:/i.test(reason)) return { type: 'auth' };
  // Some say that under the prefix `rate-limited:`, but waiting does not help.
  if (tooManySubscriptions.test(reason)) return { type: 'too-many-subscriptions' };
  if (slowDown.test(reason)) return { type: 'slow-down' };
  if (tooManyFilters.test(reason)) return { type: 'too-many-filters' };
  if (itemsMax !== undefined || tooManyResults.test(reason)) {
    return { type: 'too-many-results', itemsMax: itemsMax ?? numberIn(reason) };
  }
  return { type: 'other' };
}

/** The number in a text that is most likely its cap: the smallest that can be one. */
function numberIn(text: string): number | undefined {
  const numbers = [...text.matchAll(/\d[\d_,]*/g)].map(([digits]) => Number(digits.replaceAll(/[_,]/g, '')));
  const caps = numbers.filter((number) => Number.isSafeInteger(number) && number >= 10);
  return caps.length > 0 ? Math.min(...caps) : undefined;
}

const negentropyNotice =
  /neg|unknown|unrecogni|unsupported|not supported|bad msg|invalid|command|message type|parse/i;

/** Whether a NOTICE, while a NEG-OPEN waits for its first answer, says that the relay cannot do it. */
export function refusesNegentropy(notice: string): boolean {
  return negentropyNotice.test(notice);
}
