import { limits } from '../config/limits.js';

/** What of a list of repositories a reader asks for. */
export type ListQuery = {
  /** What is searched for, cut; empty for all. */
  readonly text: string;
  /** From 1. */
  readonly page: number;
  /** Only those that lack something. */
  readonly lacking: boolean;
};

/** Reads the query of a URL: `q`, `page`, `lacking`. What makes no sense there counts as not said. */
export function listQueryOf(query: URLSearchParams): ListQuery {
  const page = Number(query.get('page') ?? '1');
  return {
    text: (query.get('q') ?? '').trim().slice(0, limits.searchCharsMax),
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
    lacking: query.get('lacking') === '1',
  };
}

/** The query of a URL that asks for a page of the same list, with the other parameters that the reader came with. */
export function urlQueryOf(
  { text, lacking }: Omit<ListQuery, 'page'>,
  page: number,
  others: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams(others);
  if (text !== '') query.set('q', text);
  if (lacking) query.set('lacking', '1');
  if (page > 1) query.set('page', String(page));
  const words = query.toString();
  return words === '' ? '' : `?${words}`;
}
