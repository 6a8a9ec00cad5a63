import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { GraspError } from '../lib/errors.js';
import { boundedElements, JsonBoundsError, type JsonElement, parseBoundedJson } from './bounded-json.js';
import { type NostrEvent, parseEvent } from './event.js';
import { type Filter, InvalidFilterError, parseFilter } from './filter.js';

/** What a client sends to a relay (NIP-01, 42, 45, 77). NEG payloads are hex. */
export type ClientMessage =
  | { readonly type: 'EVENT'; readonly event: NostrEvent }
  | { readonly type: 'REQ' | 'COUNT'; readonly subscription: string; readonly filters: Filter[] }
  | { readonly type: 'CLOSE' | 'NEG-CLOSE'; readonly subscription: string }
  | { readonly type: 'AUTH'; readonly event: NostrEvent }
  | {
      readonly type: 'NEG-OPEN';
      readonly subscription: string;
      readonly filter: Filter;
      readonly payload: string;
    }
  | { readonly type: 'NEG-MSG'; readonly subscription: string; readonly payload: string };

/** What a relay sends to a client (NIP-01, 42, 45, 77). */
export type RelayMessage =
  | { readonly type: 'EVENT'; readonly subscription: string; readonly event: NostrEvent }
  | { readonly type: 'OK'; readonly eventId: string; readonly accepted: boolean; readonly reason: string }
  | { readonly type: 'EOSE'; readonly subscription: string }
  | { readonly type: 'CLOSED'; readonly subscription: string; readonly reason: string }
  | { readonly type: 'NOTICE'; readonly text: string }
  | { readonly type: 'AUTH'; readonly challenge: string }
  | { readonly type: 'COUNT'; readonly subscription: string; readonly count: number }
  | { readonly type: 'NEG-MSG'; readonly subscription: string; readonly payload: string }
  | {
      readonly type: 'NEG-ERR';
      readonly subscription: string;
      readonly reason: string;
      /** The most items that the relay reconciles, if it says so (a number in the 4th element). */
      readonly itemsMax: number | undefined;
    };

/** A message that cannot be read; `subject` is the subscription or event id that it was about, if it could be seen. */
export class InvalidMessageError extends GraspError {
  readonly messageType: string;
  readonly subject: string | undefined;

  constructor(message: string, messageType = '', subject?: string, cause?: unknown) {
    super('invalid_message', message, { cause });
    this.messageType = messageType;
    this.subject = subject;
  }
}

/** Most elements of a frame that are told apart; any with more is no message. */
const elementsMax = 64;

/** What is read of a frame at once. */
export type MessagePiece = {
  readonly chars: number;
  /** No more than so many. */
  readonly values: number;
  /** Whether it is an event. */
  readonly isEvent: boolean;
};

/** Reads a frame from a client. Throws `InvalidMessageError`. */
export function parseClientMessage(frame: string): ClientMessage {
  return clientMessageOf(parseFrame(frame));
}

/**
 * Reads a long frame from a client in pieces, the filters of a request one by one: tells of each piece
 * before it is read, and gives the message at last. Throws `InvalidMessageError`.
 */
export function* readClientMessage(frame: string): Generator<MessagePiece, ClientMessage> {
  const elements = elementsOf(frame);
  const type = parseElement(elements[0]);
  if (type !== 'REQ' && type !== 'COUNT') {
    const isEvent = type === 'EVENT' || type === 'AUTH';
    yield pieceOf(elements, isEvent);
    return clientMessageOf(checkFrame(elements.map(isEvent ? parseElement : parseShortElement)));
  }
  const subscription = parseSubscription(type, parseElement(elements[1]));
  const filters: Filter[] = [];
  const texts = within(type, subscription, () => checkFilterCount(elements.slice(2)));
  for (const element of texts) {
    yield pieceOf([element], false);
    filters.push(within(type, subscription, () => parseFilter(parseShortElement(element))));
  }
  return { type, subscription, filters };
}

function clientMessageOf([type, ...rest]: [type: string, ...rest: unknown[]]): ClientMessage {
  switch (type) {
    case 'EVENT':
    case 'AUTH':
      return { type, event: within(type, eventIdOf(rest[0]), () => parseEvent(rest[0])) };
    case 'REQ':
    case 'COUNT': {
      const subscription = parseSubscription(type, rest[0]);
      return {
        type,
        subscription,
        filters: within(type, subscription, () => checkFilterCount(rest.slice(1)).map(parseFilter)),
      };
    }
    case 'CLOSE':
    case 'NEG-CLOSE':
      return { type, subscription: parseSubscription(type, rest[0]) };
    case 'NEG-OPEN': {
      const subscription = parseSubscription(type, rest[0]);
      const filter = within(type, subscription, () => parseSetFilter(rest[1]));
      return { type, subscription, filter, payload: parseText(type, subscription, rest[2]) };
    }
    case 'NEG-MSG': {
      const subscription = parseSubscription(type, rest[0]);
      return { type, subscription, payload: parseText(type, subscription, rest[1]) };
    }
    default:
      throw new InvalidMessageError(`unknown message type '${type.slice(0, 20)}'`, type);
  }
}

/** Reads a frame from a relay. Throws `InvalidMessageError`; the type of a message that we do not know is one too. */
export function parseRelayMessage(frame: string): RelayMessage {
  const [type, ...rest] = parseFrame(frame);
  switch (type) {
    case 'EVENT': {
      const subscription = parseSubscription(type, rest[0]);
      return { type, subscription, event: within(type, subscription, () => parseEvent(rest[1])) };
    }
    case 'OK':
      return {
        type,
        eventId: parseText(type, undefined, rest[0]),
        accepted: rest[1] === true,
        reason: shortText(rest[2]),
      };
    case 'EOSE':
      return { type, subscription: parseSubscription(type, rest[0]) };
    case 'CLOSED':
      return { type, subscription: parseSubscription(type, rest[0]), reason: shortText(rest[1]) };
    case 'NOTICE':
      return { type, text: shortText(rest[0]) };
    case 'AUTH':
      return { type, challenge: parseChallenge(rest[0]) };
    case 'COUNT': {
      const subscription = parseSubscription(type, rest[0]);
      return { type, subscription, count: parseCount(subscription, rest[1]) };
    }
    case 'NEG-MSG': {
      const subscription = parseSubscription(type, rest[0]);
      return { type, subscription, payload: parseText(type, subscription, rest[1]) };
    }
    case 'NEG-ERR': {
      const subscription = parseSubscription(type, rest[0]);
      return { type, subscription, reason: shortText(rest[1]), itemsMax: parseItemsMax(rest[2]) };
    }
    default:
      throw new InvalidMessageError(`unknown message type '${type.slice(0, 20)}'`, type);
  }
}

function parseFrame(frame: string): [type: string, ...rest: unknown[]] {
  return checkFrame(parsing(() => parseBoundedJson(frame)));
}

function checkFrame(message: unknown): [type: string, ...rest: unknown[]] {
  if (!Array.isArray(message) || typeof message[0] !== 'string') {
    throw new InvalidMessageError('the message is not an array that begins with its type');
  }
  if (message.length > elementsMax) throw new InvalidMessageError(`more than ${elementsMax} elements`);
  return message as [string, ...unknown[]];
}

function pieceOf(elements: readonly JsonElement[], isEvent: boolean): MessagePiece {
  const chars = elements.reduce((sum, { text }) => sum + text.length, 0);
  return { chars, values: elements.reduce((sum, { commas }) => sum + commas, 0), isEvent };
}

function elementsOf(frame: string): JsonElement[] {
  return parsing(() => boundedElements(frame, elementsMax));
}

function parseElement(element: JsonElement | undefined): unknown {
  return element === undefined ? undefined : parsing(() => JSON.parse(element.text));
}

/** For an element that is no event: it has no more values than a filter may have. */
function parseShortElement(element: JsonElement): unknown {
  if (element.commas > limits.filterValuesMax + limits.jsonFieldsMax) {
    throw new InvalidMessageError(`a filter has more than ${limits.filterValuesMax} values`);
  }
  return parseElement(element);
}

function parsing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const reason = cause instanceof JsonBoundsError ? cause.message : 'the message is not JSON';
    throw new InvalidMessageError(reason, '', undefined, cause);
  }
}

function parseSubscription(type: string, value: unknown): string {
  if (typeof value !== 'string' || value.length === 0 || exceeds('subscriptionIdCharsMax', value.length)) {
    throw new InvalidMessageError(
      `a subscription id has 1 to ${limits.subscriptionIdCharsMax} characters`,
      type,
      typeof value === 'string' ? value.slice(0, limits.subscriptionIdCharsMax) : undefined,
    );
  }
  return value;
}

/** Throws unless these can be all filters of a request. */
function checkFilterCount<T>(filters: readonly T[]): readonly T[] {
  if (filters.length === 0) throw new InvalidMessageError('there is no filter');
  if (exceeds('requestFiltersMax', filters.length)) {
    throw new InvalidMessageError(`more than ${limits.requestFiltersMax} filters`);
  }
  return filters;
}

/**
 * The filter of a reconciliation. A `limit` is refused: what both sides compare is all that matches, and an answer that
 * ignores it would be wrong.
 */
function parseSetFilter(value: unknown): Filter {
  const filter = parseFilter(value);
  if (filter.limit === undefined) return filter;
  throw new InvalidFilterError("a filter of NEG-OPEN has no 'limit'; narrow it by 'since' and 'until'");
}

function parseText(type: string, subject: string | undefined, value: unknown): string {
  if (typeof value !== 'string') throw new InvalidMessageError('a string is missing', type, subject);
  return value;
}

function parseCount(subscription: string, value: unknown): number {
  const count = (value as { count?: unknown } | null | undefined)?.count;
  if (!Number.isSafeInteger(count))
    throw new InvalidMessageError('a count is missing', 'COUNT', subscription);
  return count as number;
}

/** A number of items that a relay may mean as its most; `undefined` for what is none. */
function parseItemsMax(value: unknown): number | undefined {
  const items = typeof value === 'number' ? Math.floor(value) : 0;
  return Number.isSafeInteger(items) && items > 0 ? items : undefined;
}

/** What a relay says in words, cut before anybody looks at it: a remote may send megabytes of it. */
function shortText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, limits.remoteTextCharsMax) : '';
}

/** A challenge is signed as it is, so a long one cannot be cut. */
function parseChallenge(value: unknown): string {
  const challenge = parseText('AUTH', undefined, value);
  if (!exceeds('remoteTextCharsMax', challenge.length)) return challenge;
  throw new InvalidMessageError('the challenge is too long', 'AUTH');
}

function eventIdOf(value: unknown): string | undefined {
  const id = (value as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id.slice(0, 64) : undefined;
}

function within<T>(type: string, subject: string | undefined, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new InvalidMessageError(
      cause instanceof Error ? cause.message : String(cause),
      type,
      subject,
      cause,
    );
  }
}
