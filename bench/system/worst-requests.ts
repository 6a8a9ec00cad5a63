import type { Filter } from '../../src/nostr/filter.js';

/** Public keys and addresses of repositories that the relay has events of. */
export type KnownValues = { readonly authors: readonly string[]; readonly addresses: readonly string[] };

/** As many filters, with as many values, as fit: values that nothing has, and those that everything has. */
export function worstRequests(known: KnownValues, client: number): Filter[][] {
  const filters = (count: number, filterOf: (at: number) => Filter) =>
    Array.from({ length: count }, (_, at) => filterOf(client * 20 + at));
  return [
    filters(20, (at) => ({ '#t': values(5_000, at * 5_000) })),
    filters(3, (at) => ({ authors: hexValues(5_000, at * 5_000) })),
    filters(3, (since) => ({
      authors: [...known.authors, ...hexValues(4_500 - known.authors.length, 0)],
      since,
    })),
    filters(4, (since) => ({
      authors: [...known.authors],
      '#p': [...known.authors],
      kinds: [1, 1111, 1617],
      since,
    })),
    filters(20, (since) => ({ since, limit: 5_000 })),
    filters(20, (since) => ({ '#a': [...known.addresses.slice(0, 400)], since, limit: 5_000 })),
  ];
}

function values(count: number, from: number): string[] {
  return Array.from({ length: count }, (_, at) => (from + at).toString(36));
}

function hexValues(count: number, from: number): string[] {
  return Array.from({ length: count }, (_, at) => (from + at).toString(16).padStart(64, '0'));
}
