import type { RepositoryId } from './repository-directory.js';

/** By identifier, then by author: one of each, as the store keeps one announcement and state at each address. */
export type ByRepository<T> = Map<string, Map<string, T>>;

/** Enters a value, in the place of one that is there. */
export function enter<T>(map: ByRepository<T>, { pubkey, identifier }: RepositoryId, value: T): void {
  const byAuthor = map.get(identifier);
  if (byAuthor === undefined) map.set(identifier, new Map([[pubkey, value]]));
  else byAuthor.set(pubkey, value);
}

/** Takes out what is there. */
export function leave(map: ByRepository<unknown>, { pubkey, identifier }: RepositoryId): void {
  const byAuthor = map.get(identifier);
  byAuthor?.delete(pubkey);
  if (byAuthor?.size === 0) map.delete(identifier);
}
