import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { isHex32 } from '../lib/bytes.js';
import { GraspError } from '../lib/errors.js';
import { isKind, isTimestamp } from './event.js';

/** The name of a single-letter tag in a filter, as `#e`. */
export type TagKey = `#${string}`;

/** A filter (NIP-01). An absent list matches everything, an empty list nothing. */
export type Filter = {
  ids?: string[];
  authors?: string[];
  kinds?: number[];
  since?: number;
  until?: number;
  limit?: number;
  [tag: TagKey]: string[];
};

/**
 * A filter that cannot be read or is above a limit, or (`unsupported_filter`) asks by what no relay has to know; the message is
 * fit for a client.
 */
export class InvalidFilterError extends GraspError {
  constructor(message: string, code: 'invalid_filter' | 'unsupported_filter' = 'invalid_filter') {
    super(code, message);
  }
}

const tagKey = /^#[A-Za-z]$/;

/** Reads a filter from the network. Unknown keys are an error, for an answer that ignores them would be wrong. */
export function parseFilter(value: unknown): Filter {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidFilterError('a filter is not an object');
  }
  const filter: Filter = {};
  for (const [key, entry] of Object.entries(value)) {
    if (key === 'ids' || key === 'authors') filter[key] = parseList(key, entry, isHexText);
    else if (key === 'kinds') filter.kinds = parseList(key, entry, isKind);
    else if (key === 'since' || key === 'until' || key === 'limit') filter[key] = parseWhole(key, entry);
    else if (tagKey.test(key)) filter[key as TagKey] = parseList(key, entry, isText);
    else throw new InvalidFilterError(`a filter has no '${key.slice(0, 40)}' here`, 'unsupported_filter');
  }
  if (exceeds('filterValuesMax', filterValues(filter))) {
    throw new InvalidFilterError(`a filter has more than ${limits.filterValuesMax} values`);
  }
  return filter;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isHexText(value: unknown): value is string {
  return typeof value === 'string' && isHex32(value);
}

function parseList<T>(key: string, value: unknown, isEntry: (entry: unknown) => entry is T): T[] {
  if (!Array.isArray(value)) throw new InvalidFilterError(`'${key}' is not a list`);
  if (exceeds('filterListItemsMax', value.length)) {
    throw new InvalidFilterError(`'${key}' has more than ${limits.filterListItemsMax} values`);
  }
  if (!value.every(isEntry)) throw new InvalidFilterError(`'${key}' has a value of the wrong form`);
  return [...new Set(value)];
}

function parseWhole(key: string, value: unknown): number {
  if (!isTimestamp(value)) throw new InvalidFilterError(`'${key}' is not a whole number`);
  return value;
}

/** Whether the filter can match nothing, because one of its lists is empty or its time range is. */
export function isEmptyFilter(filter: Filter): boolean {
  if ((filter.since ?? 0) > (filter.until ?? Number.MAX_SAFE_INTEGER)) return true;
  return Object.values(filter).some((entry) => Array.isArray(entry) && entry.length === 0);
}

/** How many values all lists of a filter have together. */
export function filterValues(filter: Filter): number {
  let values = 0;
  for (const entry of Object.values(filter)) if (Array.isArray(entry)) values += entry.length;
  return values;
}

/** The tag conditions of a filter, as `[letter, values]`. */
export function tagConditions(filter: Filter): [letter: string, values: string[]][] {
  const conditions: [string, string[]][] = [];
  for (const key of Object.keys(filter)) {
    if (!tagKey.test(key)) continue;
    const values = filter[key as TagKey];
    if (values !== undefined) conditions.push([key.slice(1), values]);
  }
  return conditions;
}
