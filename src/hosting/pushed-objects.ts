import { limits } from '../config/limits.js';
import { type Git, limitedTo } from '../git/git-command.js';
import type { GitStreams } from '../git/git-streams.js';
import type { RemovalWatch } from '../git/locks/repository-locks.js';
import { packBytes } from '../git/objects/pack-bytes.js';
import { checkPaths } from '../git/objects/path-check.js';
import type { Quarantine } from '../git/objects/quarantine.js';
import { isPullRequestRef } from '../git/ref-name.js';
import { readObjectTypes } from '../git/refs.js';
import { TimeLimitError } from '../lib/abort.js';
import { GraspError } from '../lib/errors.js';
import type { LookTerms, PackOutcome } from './incoming-pack.js';
import { type CommandVerdict, refused } from './push-verdict.js';

/** A command that is right and to be done. */
export type Setting = Extract<CommandVerdict, { readonly type: 'set' }>;

export function isSetting(verdict: CommandVerdict): verdict is Setting {
  return verdict.type === 'set';
}

/** Objects that came with a push, and what was found out about them before its turn. */
export type Incoming = {
  readonly quarantine: Quarantine;
  readonly terms: LookTerms;
  /** What refs are to become; of all that came only what these lead to was kept. */
  readonly tips: ReadonlySet<string>;
  /** Whether everything that the tips lead to was here. */
  readonly isConnected: boolean;
  /** Since before that was found out. */
  readonly removals: RemovalWatch;
};

/**
 * Looks through all that came, which may take minutes, while nobody waits; leaves of it what is right by now. Rejects with
 * `PackGrowthError` where what is right becomes larger than it may.
 */
export async function lookThrough(
  git: Git,
  quarantine: Quarantine,
  verdicts: readonly CommandVerdict[],
  { objects, isDeep, growth, memoryBytesMax }: Extract<PackOutcome, { readonly type: 'taken' }>,
  removals: RemovalWatch,
): Promise<Incoming> {
  const tips = tipsOf(verdicts);
  const limited = limitedTo(git, memoryBytesMax);
  const wanted = await quarantine.countNew(limited, tips, limits.pushCheckMsMax);
  // What was refused, or sent along, leaves nothing behind: it takes room, and is served to who knows its id. And what is deep
  // has all that it builds upon put together by whoever reads it, each time: git cuts such chains as it packs.
  const isWhole = verdicts.every(({ type }) => type !== 'refused');
  if (wanted !== undefined && (isDeep || !isWhole || !wanted.isExact || objects > wanted.count))
    await quarantine.keepOnly(limited, tips, limits.pushCheckMsMax, growth);
  const terms = { growth, memoryBytesMax };
  return { quarantine, terms, tips: new Set(tips), isConnected: wanted !== undefined, removals };
}

/** Rejects with `LongPathError` where what is to be refs of pull requests has paths that are too long. */
export async function checkProposals(
  parts: { readonly git: Git; readonly streams: GitStreams },
  { quarantine, terms: { memoryBytesMax }, isConnected }: Incoming,
  setting: readonly Setting[],
  signal: AbortSignal,
): Promise<void> {
  // What leads to what is missing is refused for that.
  if (!isConnected) return;
  const { gitDir, folders: objects } = quarantine;
  const bounds = memoryBytesMax === undefined ? {} : { memoryBytesMax };
  const search = { gitDir, objects, msMax: limits.pushCheckMsMax, ...bounds };
  const proposed = setting.filter(({ command }) => isPullRequestRef(command.ref));
  await checkPaths(parts, search, tipsOf(proposed), signal);
}

/** What is to be pushed again, as it tells who pushes: it can be looked through before its turn then. */
export class PushAgainError extends GraspError {
  constructor(cause: TimeLimitError) {
    const message = 'what is right here changed while you pushed: push again';
    super('push_again', message, { cause, retryable: true });
  }
}

/** Refuses what would name an object that is not here, or lacks some that it leads to, or is of the wrong type. */
export async function checkObjects(
  git: Git,
  gitDir: string,
  verdicts: readonly CommandVerdict[],
  incoming: Incoming | undefined,
): Promise<CommandVerdict[]> {
  const tips = tipsOf(verdicts);
  if (tips.length === 0) return [...verdicts];
  const types = await readObjectTypes(git, gitDir, tips, incoming?.quarantine.folders);
  // What was wrong at the first look, and is right now, may have been thrown out in between: the rest does not lack it.
  const isThrownOut = (id: string) => !types.has(id) && incoming?.tips.has(id) !== true;
  const kept = tips.filter((id) => !isThrownOut(id));
  const isWhole = kept.every((id) => types.has(id)) && (await isConnected(git, kept, incoming));
  return verdicts.map((verdict): CommandVerdict => {
    if (verdict.type !== 'set' || verdict.to === undefined) return verdict;
    const { command, to } = verdict;
    if (isThrownOut(to))
      return refused(command, 'the events that make this right came while you pushed: push again');
    if (!types.has(to)) return refused(command, `${to.slice(0, 8)} was not in the push`);
    if (!isWhole) return refused(command, 'objects that the push leads to are missing');
    if (!command.ref.startsWith('refs/tags/') && types.get(to) !== 'commit')
      return refused(command, `${to.slice(0, 8)} is no commit`);
    return verdict;
  });
}

/**
 * Moves what came into the repository, without what only those commands lead to that were refused since; gives how many
 * bytes of packs. Rejects with `PushAgainError` where that takes long: others wait.
 */
export async function moveIn(
  git: Git,
  gitDir: string,
  { quarantine, tips, terms: { growth, memoryBytesMax } }: Incoming,
  setting: readonly Setting[],
): Promise<number> {
  const needed = new Set(tipsOf(setting));
  if (needed.size === 0) return 0;
  const isLess = [...tips].some((id) => !needed.has(id));
  const limited = limitedTo(git, memoryBytesMax);
  if (isLess) await inShort((msMax) => quarantine.keepOnly(limited, [...needed], msMax, growth));
  const bytes = await packBytes(quarantine.folders.write);
  await quarantine.moveIn(gitDir);
  return bytes;
}

/**
 * As it was found out before; looked for anew only where other commands are right now than were then, or where objects of the
 * repository went that nothing referred to, and that the push may build upon.
 */
async function isConnected(
  git: Git,
  tips: readonly string[],
  incoming: Incoming | undefined,
): Promise<boolean> {
  if (incoming === undefined) return false;
  const { removals, terms } = incoming;
  if (!removals.hasRemoved && tips.every((id) => incoming.tips.has(id))) return incoming.isConnected;
  const limited = limitedTo(git, terms.memoryBytesMax);
  return await inShort((msMax) => incoming.quarantine.isConnected(limited, tips, msMax));
}

async function inShort<T>(work: (msMax: number) => Promise<T>): Promise<T> {
  try {
    return await work(limits.pushLockedCheckMsMax);
  } catch (error) {
    throw error instanceof TimeLimitError ? new PushAgainError(error) : error;
  }
}

function tipsOf(verdicts: readonly CommandVerdict[]): string[] {
  return [...new Set(verdicts.filter(isSetting).flatMap(({ to }) => to ?? []))];
}
