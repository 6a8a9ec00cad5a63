import { limits } from '../config/limits.js';
import type { Git } from '../git/git-command.js';
import type { RefChanges } from '../git/ref-changes.js';
import { isPullRequestRef, isRefName } from '../git/ref-name.js';
import type { Refs } from '../git/ref-plan.js';
import { isEmpty, readRefs } from '../git/refs.js';
import type { PushCommand } from '../git-protocol/receive-request.js';
import type { NostrEvent } from '../nostr/event.js';
import { reading } from '../policy/structure.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import { isPullRequest, parsePullRequest } from '../repositories/pull-request.js';
import type { RepositoryId } from '../repositories/repository-directory.js';
import type { EventStore } from '../store/event-store.js';
import type { PushLook } from './push-rules.js';
import { eventIdOf, type KnownEvent } from './push-verdict.js';
import { type StateSources, statesOf } from './states.js';

export type ContextParts = StateSources & {
  readonly git: Git;
  readonly refChanges: Pick<RefChanges, 'count'>;
  readonly store: Pick<EventStore, 'get'>;
  readonly purgatory: Purgatory;
};

/** Everything that commands on a repository are judged by, as it is now; refs that cannot have changed are not read again. */
export async function pushContext(
  parts: ContextParts,
  repository: RepositoryId,
  gitDir: string,
  commands: readonly PushCommand[],
  addressGroup: string,
  earlier?: PushLook,
): Promise<PushLook> {
  const changes = parts.refChanges.count;
  const refs =
    earlier?.changes === changes ? earlier.context.refs : await currentRefs(parts.git, gitDir, commands);
  const context = {
    refs,
    states: await statesOf(parts, repository),
    events: await eventsOf(parts, commands, readPullRequest),
    unannouncedRoom: parts.purgatory.awaited.roomFor(repository, addressGroup),
  };
  return { context, changes };
}

/**
 * What the refs that are commanded are now; those whose names git would not take are none. To git a name is a pattern, and one
 * with wildcards can be made so that it takes ages. A command line is no place for a long list of them.
 */
export async function currentRefs(git: Git, gitDir: string, commands: readonly PushCommand[]): Promise<Refs> {
  if (await isEmpty(gitDir)) return new Map();
  const names = commands.map(({ ref }) => ref).filter(isRefName);
  if (names.length === 0) return new Map();
  const isShort = names.length <= limits.pushRefsByNameMax;
  return await readRefs(git, gitDir, isShort ? names : ['refs/heads', 'refs/tags', 'refs/nostr']);
}

/** What the events of those refs say that are known, stored or held, by id. */
export async function eventsOf(
  parts: Pick<ContextParts, 'store' | 'purgatory'>,
  commands: readonly PushCommand[],
  read: (event: NostrEvent) => KnownEvent,
): Promise<ReadonlyMap<string, KnownEvent>> {
  const events = new Map<string, KnownEvent>();
  for (const { ref } of commands) {
    if (!isPullRequestRef(ref)) continue;
    const id = eventIdOf(ref);
    const event = await eventOf(parts, id);
    if (event !== undefined) events.set(id, read(event));
  }
  return events;
}

/** An event, held or stored. */
export async function eventOf(
  { store, purgatory }: Pick<ContextParts, 'store' | 'purgatory'>,
  id: string,
): Promise<NostrEvent | undefined> {
  return purgatory.get(id)?.event ?? (await store.get(id))?.event;
}

/** A pull request, if the event is one; it may have been taken under other rules, by an import. */
export function readPullRequest(event: NostrEvent): KnownEvent {
  const read = isPullRequest(event) ? reading(() => parsePullRequest(event)) : undefined;
  return read !== undefined && 'value' in read
    ? { type: 'pull-request', commit: read.value.commit }
    : { type: 'unfit', reason: 'that event is no pull request' };
}
