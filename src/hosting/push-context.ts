import { limits } from '../config/limits.js';
import type { Git } from '../git/git-command.js';
import { countPullRequestRefs } from '../git/pull-request-refs.js';
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
import { eventIdOf, type KnownEvent, type PushContext } from './push-verdict.js';
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
  const current =
    earlier?.changes === changes ? earlier.context : await currentRefs(parts.git, gitDir, commands);
  const events = await eventsOf(parts, commands, readPullRequest);
  const context = {
    refs: current.refs,
    pullRequestRefs: current.pullRequestRefs,
    states: await statesOf(parts, repository),
    events,
    maintainers: parts.directory.maintainersAmong(repository, authorsOf(events)),
    unannouncedRoom: parts.purgatory.awaited.roomFor(repository, addressGroup),
  };
  return { context, changes };
}

function authorsOf(events: ReadonlyMap<string, KnownEvent>): Set<string> {
  return new Set([...events.values()].flatMap((event) => (event.type === 'unfit' ? [] : event.author)));
}

/** What refs are now, as far as commands are judged by it. */
export type CurrentRefs = Pick<PushContext, 'refs' | 'pullRequestRefs'>;

/** What the refs that are commanded are now, and how many there are of pull requests where any of these is. */
export async function currentRefs(
  git: Git,
  gitDir: string,
  commands: readonly PushCommand[],
): Promise<CurrentRefs> {
  if (await isEmpty(gitDir)) return { refs: new Map(), pullRequestRefs: 0 };
  const isAnyProposed = commands.some(({ ref }) => isPullRequestRef(ref));
  const pullRequestRefs = isAnyProposed ? await countPullRequestRefs(git, gitDir) : 0;
  return { refs: await commandedRefs(git, gitDir, commands), pullRequestRefs };
}

/**
 * Those whose names git would not take are none. To git a name is a pattern, and one with wildcards can be made so that it
 * takes ages. A command line is no place for a long list of them.
 */
async function commandedRefs(git: Git, gitDir: string, commands: readonly PushCommand[]): Promise<Refs> {
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
    ? { type: 'pull-request', author: event.pubkey, commit: read.value.commit }
    : { type: 'unfit', reason: 'that event is no pull request' };
}
