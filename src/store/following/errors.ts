import { StoreError } from '../event-store.js';

/** A change was asked of a store that follows what another process writes. */
export function storeFollows(): StoreError {
  const message = 'this graspd only follows what another writes to the database';
  return new StoreError('store_follows', message, { retryable: true });
}

/** What is missing cannot be read any more, or what was read is not what the log has: only the whole log can tell. */
export function leftBehind(why: string): StoreError {
  return new StoreError('store_left_behind', `${why}: the store is to be opened anew`);
}

export function storeClosed(): StoreError {
  return new StoreError('store_closed', 'the store was closed');
}
