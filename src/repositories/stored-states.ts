import { supersedes } from '../nostr/address.js';
import { type ByRepository, enter, leave } from './by-repository.js';
import type { RepositoryId } from './repository-directory.js';

/** A stored repository state, without its refs: those are read when they are applied. */
export type StateEntry = RepositoryId & { readonly id: string; readonly created_at: number };

/** The newest state of each author, by identifier. */
export class StoredStates {
  readonly #all: ByRepository<StateEntry> = new Map();

  at({ pubkey, identifier }: RepositoryId): StateEntry | undefined {
    return this.#all.get(identifier)?.get(pubkey);
  }

  /** Those of an identifier, by author. */
  named(identifier: string): ReadonlyMap<string, StateEntry> | undefined {
    return this.#all.get(identifier);
  }

  /** Enters one, in the place of an older one. */
  enter(state: StateEntry): void {
    enter(this.#all, state, state);
  }

  leave(repository: RepositoryId): void {
    leave(this.#all, repository);
  }
}

/** The newest of the states of these authors, if they have any. */
export function newestOf(
  states: ReadonlyMap<string, StateEntry>,
  authors: Iterable<string>,
): StateEntry | undefined {
  let newest: StateEntry | undefined;
  for (const pubkey of authors) {
    const state = states.get(pubkey);
    if (state !== undefined && (newest === undefined || supersedes(state, newest))) newest = state;
  }
  return newest;
}
