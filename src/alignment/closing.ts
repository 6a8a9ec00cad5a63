import { limits } from '../config/limits.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import { GraspError } from '../lib/errors.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';

export type ClosingParts = {
  readonly directory: Pick<RepositoryDirectory, 'isServed'>;
  readonly repositories: Pick<BareRepositories, 'list' | 'closedSince'>;
};

/** Repositories on disk that are open, and how many of them are about to be closed. */
export type Closing = { readonly open: number; readonly closing: number };

/** Many repositories would be closed that nobody said should be; the message tells the operator what to do. */
export class ClosingRefusedError extends GraspError {
  constructor({ open, closing }: Closing, why: string) {
    super(
      'closing_refused',
      `with these settings ${closing} of ${open} repositories on disk are served no longer: they would be closed, and ` +
        `removed after the grace period; ${why}; restore the settings, or accept it once with --accept-closing ${closing}`,
      { retryable: false },
    );
  }
}

/** Counts what would be closed among the repositories that are not served; reads the disk. */
export async function countClosing(
  { directory, repositories }: ClosingParts,
  isToClose: (repository: RepositoryId) => boolean = () => true,
): Promise<Closing> {
  let open = 0;
  let closing = 0;
  for await (const repository of repositories.list()) {
    const isServed = directory.isServed(repository);
    if (!isServed && (await repositories.closedSince(repository)) !== undefined) continue;
    open += 1;
    if (!isServed && isToClose(repository)) closing += 1;
  }
  return { open, closing };
}

/**
 * Whether that many repositories are closed by design and not by mistake: few, or few of all, or as many as the
 * operator accepts.
 */
export function isExpected({ open, closing }: Closing, accepted: number): boolean {
  const isFew =
    closing <= limits.closingUnaskedMax || closing * 100 <= open * limits.closingUnaskedPercentMax;
  return isFew || closing <= accepted;
}
