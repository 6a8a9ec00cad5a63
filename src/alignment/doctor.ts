import { limits } from '../config/limits.js';
import { alignRefs, compareRefs, type Misalignment } from '../git/align-refs.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import type { Git } from '../git/git-command.js';
import { isPullRequestRef } from '../git/ref-name.js';
import { moveRefs, readRefs } from '../git/refs.js';
import { applySettings, missingSettings } from '../git/skeleton.js';
import { errorMessage } from '../lib/errors.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import type { EventStore } from '../store/event-store.js';
import { type AlignmentScope, everything } from './alignment-queue.js';
import { isNewerStateHeld, wantedRepository } from './wanted-repository.js';

export type DoctorParts = {
  readonly directory: RepositoryDirectory;
  readonly store: Pick<EventStore, 'get' | 'query' | 'idsInTurns'>;
  readonly purgatory: Pick<Purgatory, 'statesBy' | 'pullRequest' | 'awaited'>;
  readonly repositories: BareRepositories;
  readonly git: Git;
};

/** How a repository on disk differs from what the stored events say. */
export type Finding = { readonly repository: RepositoryId } & (
  | { readonly type: 'missing' }
  /** Served, and yet closed since then, in milliseconds since 1970. */
  | { readonly type: 'shut'; readonly sinceMs: number }
  /** Heads, tags, `HEAD` or refs of pull requests are not what they could be. */
  | { readonly type: 'misaligned'; readonly misalignment: Misalignment }
  /** Refs of pull requests that are not known: deleted, or pushed by somebody who did not publish the event in time. */
  | { readonly type: 'stray'; readonly refs: ReadonlyMap<string, string> }
  | { readonly type: 'unset'; readonly settings: readonly string[] }
  /** On disk, not served, and not closed yet. */
  | { readonly type: 'extra' }
  | { readonly type: 'unreadable'; readonly reason: string }
  /** No fault: closed since then, in milliseconds since 1970, and removed when its grace period is over. */
  | { readonly type: 'closed'; readonly sinceMs: number }
  /** No fault: refs whose objects were not pushed or fetched yet. */
  | { readonly type: 'waiting'; readonly refs: readonly string[] }
);

/** Whether something is wrong, so that `repair` has something to do or an operator has to look. */
export function isFault({ type }: Finding): boolean {
  return type !== 'closed' && type !== 'waiting';
}

/** Compares all repositories, those that are to be there and those that are, with the stored events. */
export async function* compare(parts: DoctorParts): AsyncIterable<Finding> {
  const { directory, repositories } = parts;
  const served = [...directory.served()];
  for (let from = 0; from < served.length; from += limits.alignmentsAtOnceMax) {
    const some = served.slice(from, from + limits.alignmentsAtOnceMax);
    for (const findings of await Promise.all(some.map((repository) => examine(parts, repository))))
      yield* findings;
  }
  for await (const repository of repositories.list()) {
    if (!directory.isServed(repository)) yield* await lookAt(parts, repository);
  }
}

/** The findings of one repository, served or on disk. */
export async function lookAt(parts: DoctorParts, repository: RepositoryId): Promise<Finding[]> {
  const { directory, repositories } = parts;
  if (directory.isServed(repository)) return await examine(parts, repository);
  if (!(await repositories.exists(repository))) return [];
  const sinceMs = await repositories.closedSince(repository);
  return [sinceMs === undefined ? { type: 'extra', repository } : { type: 'closed', repository, sinceMs }];
}

/** Compares one served repository. */
async function examine(parts: DoctorParts, repository: RepositoryId): Promise<Finding[]> {
  const { directory, store, repositories, git } = parts;
  if (!(await repositories.exists(repository))) return [{ type: 'missing', repository }];
  const findings: Finding[] = [];
  const sinceMs = await repositories.closedSince(repository);
  if (sinceMs !== undefined) findings.push({ type: 'shut', repository, sinceMs });
  const gitDir = repositories.pathOf(repository);
  try {
    const settings = await missingSettings(git, gitDir);
    if (settings.length > 0) findings.push({ type: 'unset', repository, settings });
    const wanted = await wantedRepository(directory, store, repository, scopeOf(parts, repository));
    const misalignment = await compareRefs(git, gitDir, wanted);
    const { changes, head, waiting } = misalignment;
    if (changes.length > 0 || head !== undefined)
      findings.push({ type: 'misaligned', repository, misalignment });
    if (waiting.length > 0) findings.push({ type: 'waiting', repository, refs: waiting });
    const refs = [...(await readRefs(git, gitDir, ['refs/nostr']))].filter(([name]) => {
      return isPullRequestRef(name) && !wanted.pullRequests.has(name) && !isAwaited(parts, repository, name);
    });
    if (refs.length > 0) findings.push({ type: 'stray', repository, refs: new Map(refs) });
  } catch (error) {
    findings.push({ type: 'unreadable', repository, reason: errorMessage(error) });
  }
  return findings;
}

/** What the stored events have a say in: not what pushes have brought nearer to a newer state, which is held. */
function scopeOf(parts: DoctorParts, repository: RepositoryId): AlignmentScope {
  return isNewerStateHeld(parts, repository) ? { ...everything, refs: false } : everything;
}

/** Whether the event of such a ref is held, or may still come. */
function isAwaited({ purgatory }: DoctorParts, repository: RepositoryId, refName: string): boolean {
  const eventId = refName.slice(refName.lastIndexOf('/') + 1);
  return purgatory.pullRequest(eventId) !== undefined || purgatory.awaited.has(repository, eventId);
}

/**
 * Repairs what was found, as of `nowMs`: a repository too many is closed, so that it goes after its grace period.
 * Answers whether that was possible; rejects with `GitError` when it failed.
 */
export async function repair(parts: DoctorParts, finding: Finding, nowMs: number): Promise<boolean> {
  const { directory, store, repositories, git } = parts;
  const { repository } = finding;
  const gitDir = repositories.pathOf(repository);
  switch (finding.type) {
    case 'shut':
      await repositories.ensure(repository);
      return true;
    case 'missing':
    case 'misaligned':
      await repositories.ensure(repository);
      await alignRefs(
        git,
        gitDir,
        await wantedRepository(directory, store, repository, scopeOf(parts, repository)),
      );
      return true;
    case 'stray':
      await moveRefs(
        git,
        gitDir,
        [...finding.refs].map(([name, from]) => ({ type: 'delete', name, from })),
      );
      return true;
    case 'unset':
      await applySettings(git, gitDir);
      return true;
    case 'extra':
      await repositories.close(repository, nowMs);
      return true;
    case 'unreadable':
    case 'closed':
    case 'waiting':
      return false;
  }
}
