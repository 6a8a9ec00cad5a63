import { parseBoundedJson } from './bounded-json.js';
import type { NostrEvent } from './event.js';
import { kinds } from './kinds.js';

/**
 * Who alone may publish an event (NIP-70): its author where it has a tag `["-"]`, and the author of a protected event
 * that it embeds as a repost (NIP-18). `undefined` where anybody may.
 */
export function protectingAuthor(event: NostrEvent): string | undefined {
  if (isProtected(event.tags)) return event.pubkey;
  if (event.kind !== kinds.repost && event.kind !== kinds.genericRepost) return undefined;
  return protectedAuthorIn(event.content);
}

function isProtected(tags: readonly unknown[]): boolean {
  return tags.some((tag) => Array.isArray(tag) && tag[0] === '-');
}

/** The author of the protected event that a content is, if it is one. */
function protectedAuthorIn(content: string): string | undefined {
  let embedded: unknown;
  try {
    embedded = parseBoundedJson(content);
  } catch {
    // What is no JSON embeds nothing.
    return undefined;
  }
  const { tags, pubkey } = (embedded ?? {}) as { tags?: unknown; pubkey?: unknown };
  if (!Array.isArray(tags) || !isProtected(tags)) return undefined;
  // One without an author has nobody who may publish it.
  return typeof pubkey === 'string' ? pubkey : '';
}
