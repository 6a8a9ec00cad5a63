import type { FailureClass } from '../network/failure-class.js';
import type { RepositoryId } from '../repositories/repository-directory.js';

/** What a server is asked for: objects that a repository of ours lacks, named by states or only by pull requests. */
export type FetchRequest = {
  /** The repository at the server: http or https; where it leads is checked when the connection is made. */
  readonly url: string;
  readonly repository: RepositoryId;
  readonly objectIds: readonly string[];
  /** Whether only pull requests name them, which anybody may publish: less may come then. */
  readonly isProposal: boolean;
  /** The pull requests: their refs are asked for where a server gives nothing by object id. */
  readonly pullRequestIds: readonly string[];
  /** Whether others wait for the place that this has: then it must not come slowly. */
  readonly isAwaited: () => boolean;
  /** Told where the server was found, as the group of its address: whether something may be fetched there now. */
  readonly isAt: (address: string) => boolean;
  /** Aborts where the fetch is to end for others, whoever is slow: it fails as `slow` then. */
  readonly ending: AbortSignal;
};

/**
 * Why nothing came. Of the network, as in sync; and `absent`: there is no such repository, or not for us; `lacking`: it has
 * none of the objects; `limited`: it wants to be asked later; `failed`: it answers that something is wrong with it; `slow`
 * and `large`: more time or bytes than we give; `invalid`: what it sent is not what was asked for, or broken; `ours`: we
 * could not do our part, as for want of room; `crowded`: as much as may be is fetched from its address, so it was not asked.
 */
export type FetchFailure =
  | FailureClass
  | 'absent'
  | 'lacking'
  | 'limited'
  | 'failed'
  | 'slow'
  | 'large'
  | 'invalid'
  | 'ours'
  | 'crowded';

const passing: ReadonlySet<FetchFailure> = new Set<FetchFailure>([
  ...(['dns', 'tls', 'refused', 'timeout', 'protocol', 'policy'] as const),
  ...(['limited', 'failed', 'slow'] as const),
]);

/** Whether a failure tells of the whole host as it is now, and nothing of what it has. */
export function isPassing(failure: FetchFailure): boolean {
  return passing.has(failure);
}

/** Whether all that a server sends is sent for nothing, and would be the next time: it is no answer, or too much. */
export function isWasteful(failure: FetchFailure): boolean {
  return failure === 'invalid' || isTooMuch(failure);
}

/** Whether it is more than we take, or than there is room for here: that changes when the operator changes it, as a rule. */
export function isTooMuch(failure: FetchFailure): boolean {
  return failure === 'large' || failure === 'ours';
}

/** Objects that came, apart from the repository until they are moved in; disposing of them removes what was not. */
export type FetchedObjects = AsyncDisposable & {
  /** Those asked for that are here now, with all that they lead to. */
  readonly objectIds: readonly string[];
  /** Moves them into the repository; the caller is alone on that. */
  moveIn(): Promise<void>;
};

export type FetchOutcome = {
  /** Bytes that were received. */
  readonly bytes: number;
} & (
  | { readonly type: 'fetched'; readonly fetched: FetchedObjects }
  | {
      readonly type: 'failed';
      readonly failure: FetchFailure;
      /** One line for the operator. */
      readonly message: string;
      /** When the server said how long to wait. */
      readonly retryAfterMs?: number | undefined;
    }
);

/** The way to git servers: smart HTTP in the daemon, a seeded world in the simulation. */
export type GitRemote = {
  /** Fetches what there is of the objects. Rejects with the signal's reason only; whatever a server does is an outcome. */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome>;
};
