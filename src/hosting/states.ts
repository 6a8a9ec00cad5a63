import { setImmediate as nextTurn } from 'node:timers/promises';
import { isObjectId } from '../git/object-id.js';
import { isHeadOrTag } from '../git/ref-name.js';
import { supersedes } from '../nostr/address.js';
import { firstTagValue, type NostrEvent } from '../nostr/event.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import type { EventStore } from '../store/event-store.js';
import type { PushState } from './push-verdict.js';

const peeledSuffix = '^{}';

export type StateSources = {
  readonly directory: Pick<RepositoryDirectory, 'maintainersAmong' | 'stateOf'>;
  readonly store: Pick<EventStore, 'get'>;
  readonly purgatory: Pick<Purgatory, 'statesOf'>;
};

/** A state with the event that it is read from. */
export type EventState = PushState & { readonly event: NostrEvent };

/** The states that may govern a repository, stored and held, of its maintainers only; newest first. */
export async function statesOf(sources: StateSources, repository: RepositoryId): Promise<EventState[]> {
  const { directory, store, purgatory } = sources;
  const held = purgatory.statesOf(repository.identifier).map(({ event }) => event);
  const authors = new Set(held.map(({ pubkey }) => pubkey));
  const maintainers = directory.maintainersAmong(repository, authors);
  const ofMaintainers = held.filter(({ pubkey }) => maintainers.has(pubkey));
  const states = ofMaintainers.map((event) => stateOf(event, true));
  const entry = directory.stateOf(repository);
  const stored = entry === undefined ? undefined : await store.get(entry.id);
  if (stored !== undefined) {
    const { event } = stored;
    // One with very many refs takes long to be taken apart, and again to be read.
    await nextTurn();
    states.push(stateOf(event, false));
  }
  return states.sort((a, b) => (supersedes(a, b) ? -1 : 1));
}

/** A state as its event has it: values that are no object ids stay, and match nothing. */
function stateOf(event: NostrEvent, isHeld: boolean): EventState {
  const refs = new Map<string, string>();
  for (const [name = '', value = ''] of event.tags) {
    if (isHeadOrTag(name) && !name.endsWith(peeledSuffix)) refs.set(name, value);
  }
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
