import { resolve } from 'node:path';
import { type ClosingParts, ClosingRefusedError, countClosing, isExpected } from '../../alignment/closing.js';
import type { Options } from '../../config/options.js';
import type { RepositoryDirectory, RepositoryId } from '../../repositories/repository-directory.js';
import { changedSince, noteServing } from '../serving-record.js';

type AnnouncementsKnown = { readonly directory: Pick<RepositoryDirectory, 'isAnnounced'> };

/** Refuses settings, changed since the last start, that close many repositories; notes those that do not. */
export async function checkClosing(
  options: Options,
  { directory, repositories }: ClosingParts & AnnouncementsKnown,
  accepted: number,
): Promise<void> {
  const gitDataPath = resolve(options.gitDataPath);
  const changed = await changedSince(gitDataPath, options);
  if (changed === undefined) return;
  // One that no announcement names is not closed by the daemon; `graspd doctor` tells of it.
  const isAnnounced = (repository: RepositoryId) => directory.isAnnounced(repository);
  const closing = await countClosing({ directory, repositories }, isAnnounced);
  if (!isExpected(closing, accepted)) throw new ClosingRefusedError(closing, changed);
  await noteServing(gitDataPath, options);
}
