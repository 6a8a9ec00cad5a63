import { createHash } from 'node:crypto';
import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { isHex32, utf8Length } from '../lib/bytes.js';
import { GraspError } from '../lib/errors.js';
import { isoTimeOf } from '../lib/text/iso-time.js';

/** A Nostr event (NIP-01). Treated as immutable everywhere. `created_at` is in seconds since 1970. */
export type NostrEvent = {
  id: string;
  pubkey: string;
  created_at: number;
  kind: number;
  tags: string[][];
  content: string;
  sig: string;
};

/** An event that breaks NIP-01 or a limit; the message is fit for a client (without the `invalid:` prefix). */
export class InvalidEventError extends GraspError {
  constructor(message: string) {
    super('invalid_event', message);
  }
}

const lowerHex128 = /^[0-9a-f]{128}$/;

/**
 * Checks the shape of a value that came from the network, not its id nor its signature, and returns it as an event
 * that has the seven fields of NIP-01 and no other. Throws `InvalidEventError`.
 */
export function parseEvent(value: unknown): NostrEvent {
  if (typeof value !== 'object' || value === null) throw new InvalidEventError('event is not an object');
  const { id, pubkey, created_at, kind, tags, content, sig } = value as Record<string, unknown>;
  if (typeof id !== 'string' || !isHex32(id))
    throw new InvalidEventError('id is not 64 lower-case hex digits');
  if (typeof pubkey !== 'string' || !isHex32(pubkey)) {
    throw new InvalidEventError('pubkey is not 64 lower-case hex digits');
  }
  if (typeof sig !== 'string' || sig.length !== 128 || !lowerHex128.test(sig)) {
    throw new InvalidEventError('sig is not 128 lower-case hex digits');
  }
  if (!isTimestamp(created_at)) throw new InvalidEventError('created_at is not a whole number of seconds');
  if (!isKind(kind)) throw new InvalidEventError('kind is not a whole number from 0 to 65535');
  if (typeof content !== 'string') throw new InvalidEventError('content is not a string');
  if (!isTags(tags)) throw new InvalidEventError('tags are not arrays of strings');
  if (exceeds('eventTagsMax', tags.length))
    throw new InvalidEventError(`more than ${limits.eventTagsMax} tags`);
  return { id, pubkey, created_at, kind, tags, content, sig };
}

/** Whether `value` can be a `created_at`: whole seconds, not negative, exact as a JavaScript number. */
export function isTimestamp(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether `value` can be a kind (NIP-01: 0 to 65535). */
export function isKind(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65535;
}

function isTags(value: unknown): value is string[][] {
  return (
    Array.isArray(value) &&
    value.every((tag) => Array.isArray(tag) && tag.every((part) => typeof part === 'string'))
  );
}

/**
 * Whether a string of the event cannot be UTF-8: it has half a surrogate pair, by way of an escape of JSON. Such an event
 * has no one serialisation, so its id depends on who computes it.
 */
export function hasLoneSurrogates({ content, tags }: Pick<NostrEvent, 'content' | 'tags'>): boolean {
  return !content.isWellFormed() || tags.some((tag) => tag.some((part) => !part.isWellFormed()));
}

/** The serialisation whose hash is the id (NIP-01). */
export function serialiseForHash(event: NostrEvent): string {
  return JSON.stringify([0, event.pubkey, event.created_at, event.kind, event.tags, event.content]);
}

/** The SHA-256 of the NIP-01 serialisation, in lower-case hex: what the `id` must be. */
export function eventHash(event: NostrEvent): string {
  return createHash('sha256').update(serialiseForHash(event), 'utf8').digest('hex');
}

/** The event as JSON, fields in the order of NIP-01, without white space: the bytes that clients are sent. */
export function eventJson(event: NostrEvent): string {
  const { id, pubkey, created_at, kind, tags, content, sig } = event;
  return JSON.stringify({ id, pubkey, created_at, kind, tags, content, sig });
}

/** Of which event the bytes were estimated last: on its way into the store many ask for them, which takes long for a long one. */
let estimated: { readonly event: NostrEvent; readonly bytes: number } | undefined;

/**
 * An upper estimate of the bytes that an event takes on the wire and on the disk, where an escape of JSON takes six for one
 * character.
 */
export function eventBytes(event: NostrEvent): number {
  if (estimated?.event !== event) {
    const { content, tags } = event;
    const bytes = 350 + utf8Length(JSON.stringify(content)) + utf8Length(JSON.stringify(tags));
    estimated = { event, bytes };
  }
  return estimated.bytes;
}

/** Whether two events are the same in everything. Of two that have one id, the other may be forged. */
export function isSameEvent(one: NostrEvent, other: NostrEvent): boolean {
  return (
    one.id === other.id &&
    one.sig === other.sig &&
    one.pubkey === other.pubkey &&
    one.created_at === other.created_at &&
    one.kind === other.kind &&
    one.content === other.content &&
    haveSameItems(one.tags, other.tags, (tag, otherTag) => haveSameItems(tag, otherTag, Object.is))
  );
}

function haveSameItems<T>(
  one: readonly T[],
  other: readonly T[],
  isSame: (item: T, otherItem: T) => boolean,
): boolean {
  return one.length === other.length && one.every((item, at) => isSame(item, other[at] as T));
}

/** The second element of the first tag with that name, if there is one. */
export function firstTagValue(event: NostrEvent, name: string): string | undefined {
  return event.tags.find((tag) => tag[0] === name)?.[1];
}

/** The second elements of all tags with that name. */
export function tagValues(event: NostrEvent, name: string): string[] {
  return event.tags.flatMap((tag) => (tag[0] === name && tag[1] !== undefined ? [tag[1]] : []));
}

/** Whether events are found by that tag (NIP-01): it is named by a single letter, and has a value. */
export function isIndexedTag(tag: readonly string[]): tag is readonly [letter: string, value: string] {
  const [name, value] = tag;
  if (name?.length !== 1 || value === undefined) return false;
  const code = name.charCodeAt(0) | 0x20;
  return code >= 0x61 && code <= 0x7a;
}

/** How many such tags an event has. */
export function indexedTagCount({ tags }: Pick<NostrEvent, 'tags'>): number {
  let count = 0;
  for (const tag of tags) if (isIndexedTag(tag)) count += 1;
  return count;
}

/** When the event expires (NIP-40), in seconds since 1970, if it does. */
export function expirationOf(event: NostrEvent): number | undefined {
  const value = firstTagValue(event, 'expiration');
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** Whether the event's time is over (NIP-40) at `nowSeconds`. */
export function isExpired(event: NostrEvent, nowSeconds: number): boolean {
  const expiration = expirationOf(event);
  return expiration !== undefined && expiration <= nowSeconds;
}

/** What an event is called in what the operator is told. */
export function nameOfEvent(event: Pick<NostrEvent, 'id' | 'kind' | 'created_at'>): string {
  return `event ${event.id}, kind ${event.kind}, of ${isoTimeOf(event.created_at)}`;
}
