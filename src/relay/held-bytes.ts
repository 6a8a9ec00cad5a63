import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';

/*
 * What things of a client take in memory while they are held, as measured: strings, objects, tables and kernel memory
 * together. `chars` is the length of the message that brought them.
 */

/** A request or a subscription, and each of its filters, beside their values. */
const requestBytesBase = 1_024;
const filterBytesBase = 1_024;
/** A value of a filter beside its characters: its place in the filter, its symbol, and its node in the kernels. */
const filterValueBytes = 160;
/** A tag, and each of its values beside its characters. */
const tagBytes = 96;
const tagValueBytes = 32;

/** A message that waits as it came. */
export function messageBytes(chars: number): number {
  return requestBytesBase + chars;
}

/** A request with filters, or the subscription that it opens. */
export function requestBytes(filters: readonly Filter[], chars: number): number {
  let bytes = requestBytesBase + chars;
  for (const filter of filters) {
    bytes += filterBytesBase;
    for (const entry of Object.values(filter)) {
      if (Array.isArray(entry)) bytes += entry.length * filterValueBytes;
    }
  }
  return bytes;
}

/** An event on its way to the store: as it was read, and as the text that is stored. */
export function publishedBytes({ tags }: NostrEvent, chars: number): number {
  let bytes = requestBytesBase + 2 * chars + tags.length * tagBytes;
  for (const tag of tags) bytes += tag.length * tagValueBytes;
  return bytes;
}
