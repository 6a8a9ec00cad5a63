import type { RepositoryId } from '../repositories/repository-directory.js';

/** What is known of a repository that lacks objects, or may. Times are of the wall clock, in milliseconds. */
export type IncompleteRepository = {
  readonly repository: RepositoryId;
  readonly sinceMs: number;
  /** Objects that lacked at the last look; `undefined` before the first. */
  readonly missing: number | undefined;
  /** Whether what lacks counts as new: then hosts that failed are hurried. */
  readonly isNews: boolean;
  readonly lastTryMs: number | undefined;
  /** `undefined` while it is looked for. */
  readonly nextTryMs: number | undefined;
  /** Why it is not complete: what the server that was asked last said, in one line. */
  readonly why: string | undefined;
};
