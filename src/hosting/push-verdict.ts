import { limits } from '../config/limits.js';
import { hasRoomForPullRequest } from '../git/pull-request-refs.js';
import { isHeadOrTag, isPullRequestRef, isRefName, pullRequestRef } from '../git/ref-name.js';
import { isZeroId, type PushCommand } from '../git-protocol/receive-request.js';
import { DeclaredRefs } from './declared-refs.js';

/** Clients know these words. */
const onlyPullRequests = 'GRASP-06: only pushes to refs/nostr/<event-id> are accepted';

/** A state that may govern the repository, of a key in its recursive maintainer set. */
export type PushState = {
  readonly id: string;
  readonly created_at: number;
  /** Whether it waits for its git data: then nothing follows it yet. */
  readonly isHeld: boolean;
  /** Values by full ref name; whatever is no object id matches nothing. */
  readonly refs: ReadonlyMap<string, string>;
};

/** What the event of a ref of a pull request says: who signed it and which commit it names, or why it has no ref there. */
export type KnownEvent =
  | { readonly type: 'pull-request'; readonly author: string; readonly commit: string }
  | { readonly type: 'unfit'; readonly reason: string };

/** What a push is judged by. */
export type PushContext = {
  /** What the refs of the repository are. */
  readonly refs: ReadonlyMap<string, string>;
  /** Newest first: later `created_at`, then the lower id. */
  readonly states: readonly PushState[];
  /** The events, stored and held, whose refs are pushed, by id. */
  readonly events: ReadonlyMap<string, KnownEvent>;
  /** Which of their authors maintain the repository. */
  readonly maintainers: ReadonlySet<string>;
  /** How many refs of pull requests there are; told where any is pushed. */
  readonly pullRequestRefs: number;
  /** How many refs of pull requests that are not known yet may be added. */
  readonly unannouncedRoom: number;
};

/**
 * What becomes of a command: `set` is right and to be done, from what the ref is now; `same` is so already; `refused` with
 * a reason for the person who pushes.
 */
export type CommandVerdict = { readonly command: PushCommand } & (
  | { readonly type: 'set'; readonly from: string | undefined; readonly to: string | undefined }
  | { readonly type: 'same' }
  | { readonly type: 'refused'; readonly reason: string }
);

/**
 * Judges each command of a push for itself. Heads and tags have to become what the newest state says, or, where that is
 * held, an older one that is held too; refs of pull requests what their events say, while an unknown event may follow. With
 * `isAtomic` one wrong command refuses all.
 */
export function judgePush(
  commands: readonly PushCommand[],
  context: PushContext,
  isAtomic: boolean,
): CommandVerdict[] {
  const added = { refs: 0, unannounced: 0 };
  const declared = new DeclaredRefs(
    context.states,
    commands.map(({ ref }) => ref),
  );
  const verdicts = commands.map((command): CommandVerdict => {
    const verdict = judgeCommand(command, context, declared, added);
    if (verdict.type === 'set' && isAdded(command, context)) {
      added.refs += 1;
      if (isUnannounced(command, context)) added.unannounced += 1;
    }
    return verdict;
  });
  return isAtomic ? allOrNothing(verdicts) : verdicts;
}

/** Refs of pull requests that the commands before add. */
type Added = { readonly refs: number; readonly unannounced: number };

/** The same for a repository of pull requests (GRASP-06): anything but their refs refuses the whole push. */
export function judgePrsPush(
  commands: readonly PushCommand[],
  context: PushContext,
  isAtomic: boolean,
): CommandVerdict[] {
  if (commands.every(({ ref }) => isPullRequestRef(ref))) return judgePush(commands, context, isAtomic);
  return commands.map((command) => refused(command, onlyPullRequests));
}

/** With one command that is refused, all are. */
export function allOrNothing(verdicts: readonly CommandVerdict[]): CommandVerdict[] {
  const wrong = verdicts.find(({ type }) => type === 'refused');
  if (wrong === undefined) return [...verdicts];
  const reason = `${wrong.command.ref} was refused, and the push is atomic`;
  return verdicts.map((verdict) => (verdict.type === 'refused' ? verdict : refused(verdict.command, reason)));
}

function judgeCommand(
  command: PushCommand,
  context: PushContext,
  declared: DeclaredRefs,
  added: Added,
): CommandVerdict {
  const { ref } = command;
  if (!isRefName(ref)) return refused(command, 'this is no ref name');
  if (isHeadOrTag(ref)) return judgeDeclared(command, context, declared);
  if (isPullRequestRef(ref)) return judgePullRequest(command, context, added);
  return refused(
    command,
    'only refs/heads/*, refs/tags/* and refs/nostr/<event id in lower-case hex> are taken here',
  );
}

function judgeDeclared(command: PushCommand, { refs }: PushContext, declared: DeclaredRefs): CommandVerdict {
  const from = refs.get(command.ref);
  const to = isZeroId(command.new) ? undefined : command.new;
  if (from === to) return { command, type: 'same' };
  if (!declared.isAny)
    return refused(
      command,
      'no maintainer has published a state of this repository (kind 30618): do so first',
    );
  if (declared.allows(command.ref, to)) return { command, type: 'set', from, to };
  const newest = declared.newest(command.ref);
  const pushed = to === undefined ? 'its deletion' : shortId(to);
  return refused(
    command,
    newest === undefined
      ? `the newest state does not list it, you pushed ${pushed}; publish a new state first`
      : `the newest state says ${shortId(newest)}, you pushed ${pushed}; publish a new state, or fetch and push that`,
  );
}

function judgePullRequest(command: PushCommand, context: PushContext, added: Added): CommandVerdict {
  if (isZeroId(command.new)) return refused(command, 'the ref of a pull request goes with its event');
  const from = context.refs.get(command.ref);
  if (from === command.new) return { command, type: 'same' };
  const event = context.events.get(eventIdOf(command.ref));
  if (event?.type === 'unfit') return refused(command, event.reason);
  if (event !== undefined && event.commit !== command.new)
    return refused(
      command,
      `the pull request names commit ${shortId(event.commit)}, you pushed ${shortId(command.new)}`,
    );
  const isOfMaintainer = event !== undefined && context.maintainers.has(event.author);
  const refs = context.pullRequestRefs + added.refs;
  if (isAdded(command, context) && !hasRoomForPullRequest(refs, isOfMaintainer))
    return refused(
      command,
      `there is no room: a repository has at most ${limits.pullRequestRefsMax} refs of pull requests, and one half is left to its maintainers`,
    );
  if (isUnannounced(command, context) && added.unannounced >= context.unannouncedRoom)
    return refused(command, 'too many refs wait for their pull requests here: publish those, or try later');
  return { command, type: 'set', from, to: command.new };
}

/** Whether the ref of a pull request would be added. */
function isAdded({ ref }: PushCommand, { refs }: PushContext): boolean {
  return isPullRequestRef(ref) && !refs.has(ref);
}

/** The same, for an event that nobody has seen yet. */
function isUnannounced(command: PushCommand, context: PushContext): boolean {
  return isAdded(command, context) && !context.events.has(eventIdOf(command.ref));
}

const pullRequestPrefix = pullRequestRef('');

/** The id of the event that a ref of a pull request belongs to. */
export function eventIdOf(ref: string): string {
  return ref.slice(pullRequestPrefix.length);
}

export function refused(command: PushCommand, reason: string): CommandVerdict {
  return { command, type: 'refused', reason };
}

function shortId(objectId: string): string {
  return objectId.slice(0, 8);
}
