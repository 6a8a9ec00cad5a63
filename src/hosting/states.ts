import { setImmediate as nextTurn } from 'node:timers/promises';
import { isObjectId } from '../git/object-id.js';
import { supersedes } from '../nostr/address.js';
import { firstTagValue, type NostrEvent } from '../nostr/event.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import { listedRefs } from '../repositories/repository-state.js';
import type { EventStore } from '../store/event-store.js';
import type { PushState } from './push-verdict.js';

export type StateSources = {
  readonly directory: Pick<RepositoryDirectory, 'maintainersAmong' | 'stateOf'>;
  readonly store: Pick<EventStore, 'get'>;
  readonly purgatory: Pick<Purgatory, 'statesBy'>;
};

/** A state with the event that it is read from. */
export type EventState = PushState & { readonly event: NostrEvent };

/** The states that may govern a repository, stored and held, of its maintainers only; newest first. */
export async function statesOf(sources: StateSources, repository: RepositoryId): Promise<EventState[]> {
  const { directory, store, purgatory } = sources;
  const held = purgatory.statesBy(repository.identifier, (authors) =>
    directory.maintainersAmong(repository, authors),
  );
  const states = held.map(({ event, refs }) => stateOf(event, refs, true));
  const entry = directory.stateOf(repository);
  const stored = entry === undefined ? undefined : await store.get(entry.id);
  if (stored !== undefined) {
    const { event } = stored;
    // One with very many refs takes long to be taken apart, and again to be read.
    await nextTurn();
    states.push(stateOf(event, listedRefs(event), false));
  }
  return states.sort((a, b) => (supersedes(a, b) ? -1 : 1));
}

function stateOf(event: NostrEvent, refs: ReadonlyMap<string, string>, isHeld: boolean): EventState {
  return { event, id: event.id, created_at: event.created_at, isHeld, refs };
}

/** The branch that `HEAD` is to stand for, if the state names one; with `ref: ` before it, or without. */
export function headOf({ event }: EventState): string | undefined {
  const name = firstTagValue(event, 'HEAD')?.replace(/^ref: /, '');
  return name?.startsWith('refs/heads/') ? name : undefined;
}

/** Whether all that the state says can be true: some values may be no object ids. */
export function isSatisfiable({ refs }: EventState): boolean {
  return [...refs.values()].every(isObjectId);
}
