import { createHash } from 'node:crypto';
import type { Filter } from '../nostr/filter.js';

/** A short text that is the same for filters that differ only in `limit` and the order of their fields and values. */
export function filterKey({ limit: _, ...filter }: Filter): string {
  const fields = Object.entries(filter).map(([name, value]): [string, unknown] => [
    name,
    Array.isArray(value) ? [...new Set<unknown>(value)].sort() : value,
  ]);
  const text = JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(text).digest('base64');
}
