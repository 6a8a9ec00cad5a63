import type { RepositoryKey } from '../git/bare-repositories.js';
import type { PackRoom } from '../git/objects/pack-growth.js';
import type { PushCommand } from '../git-protocol/receive-request.js';
import type { PackLimits } from './incoming-pack.js';
import type { CommandVerdict, PushContext } from './push-verdict.js';
import type { Setting } from './pushed-objects.js';

/** What one pack may be, and the room that is taken for it while it comes. */
export type PackTerms = {
  readonly limits: PackLimits;
  readonly room: PackRoom & Disposable;
  /** Whether paths of what is proposed are bounded: it becomes part of a repository of others. */
  readonly arePathsBounded: boolean;
};

/** The repository of a push that has begun: it stays where it is until this is disposed of. */
export type PushPlace = AsyncDisposable & {
  /** Where git finds what is there already: of one that is not on disk yet, an empty one. */
  readonly gitDir: string;
};

/** What a push was judged by, and when that was read, by the changes of refs until then. */
export type PushLook = { readonly context: PushContext; readonly changes: number };

/** What differs between the two sorts of repositories that are pushed to: announced ones, and those of pull requests. */
export type PushRules<Repository extends RepositoryKey> = {
  /** Why nobody may push there, or not now. */
  refusal(repository: Repository): Promise<string | undefined>;
  /** Begins a push, in the turn in which it is called. */
  begin(repository: Repository): Promise<PushPlace>;
  /** Everything that the commands are judged by, as it is now; `earlier`: an earlier look at the same push. */
  look(
    repository: Repository,
    commands: readonly PushCommand[],
    addressGroup: string,
    earlier?: PushLook,
  ): Promise<PushLook>;
  judge(commands: readonly PushCommand[], context: PushContext, isAtomic: boolean): CommandVerdict[];
  /** On what terms the pack of a push comes that sets these refs. */
  packTerms(repository: Repository, setting: readonly Setting[], context: PushContext): PackTerms;
  /** Makes the repository if it is not there yet, alone on it; gives its folder. */
  make(repository: Repository): Promise<string>;
  /** Lets follow what waited for the refs that were set, alone on the repository. */
  follow(repository: Repository, setting: readonly Setting[]): Promise<void>;
  /** A reason as it is said to who pushes. */
  worded(reason: string): string;
};
