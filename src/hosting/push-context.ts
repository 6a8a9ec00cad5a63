import { limits } from '../config/limits.js';
import type { Git } from '../git/git-command.js';
import type { RefChanges } from '../git/ref-changes.js';
import { isPullRequestRef } from '../git/ref-name.js';
import type { Refs } from '../git/ref-plan.js';
import { isEmpty, readRefs } from '../git/refs.js';
import type { PushCommand } from '../git-protocol/receive-request.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import { isPullRequest, parsePullRequest } from '../repositories/pull-request.js';
import type { RepositoryId } from '../repositories/repository-directory.js';
import type { EventStore } from '../store/event-store.js';
import { eventIdOf, type PushContext } from './push-verdict.js';
import { type StateSources, statesOf } from './states.js';

export type ContextParts = StateSources & {
  readonly git: Git;
  readonly refChanges: Pick<RefChanges, 'count'>;
  readonly store: Pick<EventStore, 'get'>;
  readonly purgatory: Purgatory;
};

/** What a push was judged by, and when that was read, by the changes of refs until then. */
export type PushLook = { readonly context: PushContext; readonly changes: number };

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
    pullRequests: await commitsOf(parts, commands),
    unannouncedRoom: parts.purgatory.awaited.roomFor(repository, addressGroup),
  };
  return { context, changes };
}

/** What the refs that are commanded are now. A command line is no place for a long list of them. */
async function currentRefs(git: Git, gitDir: string, commands: readonly PushCommand[]): Promise<Refs> {
  if (await isEmpty(gitDir)) return new Map();
  const names = commands.map(({ ref }) => ref).filter((ref) => ref.startsWith('refs/'));
  const isShort = names.length <= limits.pushRefsByNameMax;
  return await readRefs(git, gitDir, isShort ? names : ['refs/heads', 'refs/tags', 'refs/nostr']);
}

/** The commits of those pull requests that are known, by event id. */
async function commitsOf(
  { store, purgatory }: Pick<ContextParts, 'store' | 'purgatory'>,
  commands: readonly PushCommand[],
): Promise<PushContext['pullRequests']> {
  const commits = new Map<string, string | undefined>();
  for (const { ref } of commands) {
    if (!isPullRequestRef(ref)) continue;
    const id = eventIdOf(ref);
    const event = purgatory.pullRequest(id)?.event ?? (await store.get(id))?.event;
    if (event !== undefined)
      commits.set(id, isPullRequest(event) ? parsePullRequest(event).commit : undefined);
  }
  return commits;
}
