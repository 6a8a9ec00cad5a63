import { smallest } from '../../lib/collections/lists.js';

/**
 * What a relay means by the text of a CLOSED, NOTICE, OK or NEG-ERR. Of the machine-readable prefixes of NIP-01
 * `auth-required:` decides; beyond that the text is all that a relay says.
 */
export type Rejection =
  /** Wait, then ask again. */
  | { readonly type: 'slow-down' }
  /** Authenticate (NIP-42), then ask again. */
  | { readonly type: 'auth' }
  /** The answer would have too many events; `itemsMax` is the relay's cap if it names it. */
  | { readonly type: 'too-many-results'; readonly itemsMax: number | undefined }
  | { readonly type: 'too-many-subscriptions' }
  | { readonly type: 'too-many-filters' }
  /** Anything else. */
  | { readonly type: 'other' };

/** The remote said no (CLOSED, NEG-ERR, a NOTICE): `reason` are its words, `rejection` is what they mean. */
export type Rejected = { readonly type: 'rejected'; readonly rejection: Rejection; readonly reason: string };

/*
 * Phrases are looked for in the words of a text, each with a space before and after it, so that `rate limit` also
 * stands for `rate-limit` and `RATE_LIMIT`, and ` subs` for every word that begins so. Each is looked for once, from
 * left to right: a pattern that tries one end after the other takes the square of the time.
 */
const slowDown = [
  'rate limit',
  'ratelimit',
  'slow down',
  'slowing down',
  'too many requests',
  'too many messages',
  'too fast',
  'throttl',
];
const tooManySubscriptions = [
  'too many subs',
  'too many reqs',
  'too many queries',
  'subscription limit',
  'maximum subscriptions',
  'maximum number of subscriptions',
];
const tooManyFilters = ['too many filters', 'filter limit', 'filters limit'];
const things = [' results', ' records', ' events', ' elements', ' items', ' ids'];
const tooManyResults = [
  ...things.map((thing) => `too many${thing}`),
  'too big',
  'too large',
  'too broad',
  'max records',
  'maxrecords',
  'max sync events',
  'max syncevents',
];
/** Words that are said, or not, between `too many` and what there is too many of. */
const adjectives = / (?:open|concurrent|active|query)(?= )/g;

/** Reads a reason. `itemsMax` is the number that stood beside it (4th element of NEG-ERR). */
export function readRejection(reason: string, itemsMax?: number): Rejection {
  if (reason.slice(0, 14).toLowerCase() === 'auth-required:') return { type: 'auth' };
  const said = wordsOf(reason);
  const plainly = said.replaceAll(adjectives, '');
  // Some say that under the prefix `rate-limited:`, but waiting does not help.
  if (says(plainly, tooManySubscriptions) || saysInTurn(said, [' at most '], [' open subscriptions'])) {
    return { type: 'too-many-subscriptions' };
  }
  if (says(said, slowDown)) return { type: 'slow-down' };
  if (says(said, tooManyFilters)) return { type: 'too-many-filters' };
  if (itemsMax !== undefined || isAboutSize(said, plainly)) {
    return { type: 'too-many-results', itemsMax: itemsMax ?? numberIn(reason) };
  }
  return { type: 'other' };
}

/** `itemsMax` is the number that stood beside the reason (4th element of NEG-ERR). */
export function rejected(reason: string, itemsMax?: number): Rejected {
  return { type: 'rejected', reason, rejection: readRejection(reason, itemsMax) };
}

/** A silence since a NOTICE that asked us to slow down: that was the answer. */
export const slowedDown: Rejected = {
  type: 'rejected',
  rejection: { type: 'slow-down' },
  reason: 'rate-limited: by a NOTICE',
};

function isAboutSize(said: string, plainly: string): boolean {
  const ends = things.map((thing) => `${thing} `);
  const bounds = [' exceed', ' above', ' over', ' more than', ' limit', ' max'];
  return (
    says(plainly, tooManyResults) ||
    saysInTurn(said, ends, bounds) ||
    saysInTurn(said, [' limit ', ' max ', ' at most '], things)
  );
}

/** The words of a text in lower case, each with a space before and after it. */
function wordsOf(text: string): string {
  return ` ${text.toLowerCase().replaceAll(/[^a-z0-9]+/g, ' ')} `;
}

function says(words: string, phrases: readonly string[]): boolean {
  return phrases.some((phrase) => words.includes(phrase));
}

/** Whether one of `later` stands anywhere behind one of `first`. */
function saysInTurn(words: string, first: readonly string[], later: readonly string[]): boolean {
  const begin = smallest(first.map((phrase) => words.indexOf(phrase)).filter((at) => at >= 0));
  return begin < words.length && later.some((phrase) => words.indexOf(phrase, begin + 1) >= 0);
}

/** The number in a text that is most likely its cap: the smallest that can be one. */
function numberIn(text: string): number | undefined {
  const numbers = (text.match(/\d[\d_,]*/g) ?? []).map((digits) => Number(digits.replaceAll(/[_,]/g, '')));
  const cap = smallest(numbers.filter((number) => Number.isSafeInteger(number) && number >= 10));
  return Number.isFinite(cap) ? cap : undefined;
}

const negentropyNotice = [
  'neg',
  'unknown',
  'unrecogni',
  'unsupported',
  'not supported',
  'bad msg',
  'invalid',
  'command',
  'message type',
  'parse',
];

/** Whether a NOTICE, while a NEG-OPEN waits for its first answer, says that the relay cannot do it. */
export function rejectsNegentropy(notice: string): boolean {
  return says(wordsOf(notice), negentropyNotice);
}
