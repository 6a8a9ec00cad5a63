import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { InvalidEventError, indexedTagCount, type NostrEvent } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';

/** What an event says, or the reason for which it is refused whatever is stored. */
export type Reading<T> = { readonly value: T } | { readonly reason: string };

/** Runs a parser; what is wrong with the event's structure becomes an `invalid:` reason. */
export function reading<T>(parse: () => T): Reading<T> {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof InvalidEventError) return { reason: `invalid: ${error.message}` };
    throw error;
  }
}

/**
 * Why an event is refused for its tags of a single letter, if it is: under each of them the index has it for as long as it is
 * stored, in memory. Other tags, as the refs of a state, cost no more than their bytes.
 */
export function refusalOfTags(event: NostrEvent): string | undefined {
  const limit = event.kind === kinds.followList ? 'followListTagsMax' : 'indexedTagsMax';
  if (!exceeds(limit, indexedTagCount(event))) return undefined;
  return `invalid: more than ${limits[limit]} tags of a single letter`;
}
