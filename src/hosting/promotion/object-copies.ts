import { reaches } from '../../config/limit-use.js';
import type { BareRepositories, RepositoryKey } from '../../git/bare-repositories.js';
import { countedFor, endedBy, type Git } from '../../git/git-command.js';
import type { GitStreams } from '../../git/git-streams.js';
import { copyObjects } from '../../git/objects/copy-objects.js';
import { packBytes } from '../../git/objects/pack-bytes.js';
import type { PackFile } from '../../git/objects/pack-files.js';
import { type PackGrowth, PackGrowthError } from '../../git/objects/pack-growth.js';
import { checkPaths, LongPathError } from '../../git/objects/path-check.js';
import { Quarantine } from '../../git/objects/quarantine.js';
import { TimeLimitError } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import { hasAllObjects } from './complete-state.js';

export type CopyParts = {
  readonly repositories: Pick<BareRepositories, 'pathOf' | 'makeWorkFolder'>;
  readonly git: Git;
  readonly streams: GitStreams;
  readonly clock: Clock;
  /** Bytes that may still come into a repository. */
  readonly roomFor: (repository: RepositoryId) => number;
  /** Told of each pack that came into a repository. */
  readonly onPack: (repository: RepositoryId, bytes: number) => void;
  /** Told of packs, of those that came, that two repositories have in the same files now. */
  readonly onShared: (from: RepositoryKey, to: RepositoryId, packs: readonly PackFile[]) => void;
};

/** What became of a copy; `late` where it takes longer than the terms allow, which leaves nothing behind, as do the others. */
export type CopyOutcome = 'here' | 'no-room' | 'long-paths' | 'late';

/** Objects, with all that they lead to, that one repository is to have from another. */
export type ObjectCopy = {
  readonly from: RepositoryKey;
  readonly to: RepositoryId;
  readonly objectIds: readonly string[];
};

/** How a copy is made. */
export type CopyTerms = {
  readonly msMax: number;
  readonly signal: AbortSignal;
  /** Moves what was copied to its place: alone on the repository, if it is still wanted. */
  readonly moveIn: (move: () => Promise<void>) => Promise<void>;
};

/** All copies together are one party where long commands share places. */
const copiesParty = 'copies';

/**
 * Copies of objects from one repository to others, for one event: what is pushed once and named many times must not fill
 * the disk. Those for which there is no room are left out.
 */
export class ObjectCopies {
  readonly #parts: CopyParts;
  readonly #bytesMax: number;
  readonly #isProposal: boolean;
  #bytes = 0;
  #copies = 0;

  /** `bytesMax`: no other copy is begun after so many bytes; `isProposal`: whether they are only proposed where they come to. */
  constructor(parts: CopyParts, bytesMax: number, isProposal: boolean) {
    this.#parts = parts;
    this.#bytesMax = bytesMax;
    this.#isProposal = isProposal;
  }

  /** Has the objects there. */
  async copy(copy: ObjectCopy, terms: CopyTerms): Promise<CopyOutcome> {
    const { repositories, git, roomFor } = this.#parts;
    const { to, objectIds } = copy;
    if (await hasAllObjects(git, repositories.pathOf(to), objectIds)) return 'here';
    if (this.#bytes >= this.#bytesMax || reaches('objectCopiesMax', this.#copies)) return 'no-room';
    if (roomFor(to) <= 0) return 'no-room';
    if (terms.msMax <= 0) return 'late';
    this.#copies += 1;
    try {
      return await this.#make(copy, terms);
    } catch (error) {
      if (!(error instanceof TimeLimitError)) throw error;
      this.#copies -= 1;
      return 'late';
    }
  }

  /** Aside first: the repository gets all of it at once, or nothing. */
  async #make(
    { from, to, objectIds }: ObjectCopy,
    { msMax, signal, moveIn }: CopyTerms,
  ): Promise<CopyOutcome> {
    const { repositories, git, streams, roomFor, onPack, onShared, clock } = this.#parts;
    const [fromDir, toDir] = [repositories.pathOf(from), repositories.pathOf(to)];
    const folder = await repositories.makeWorkFolder('copy-');
    await using quarantine = new Quarantine(toDir, folder, [fromDir]);
    const growth: PackGrowth = {
      clock,
      lackAt: (bytes) => (bytes > roomFor(to) ? { cause: 'room', reason: 'there is no room' } : undefined),
    };
    const wanted = { fromDir, objectIds, msMax, clock, growth };
    const counted = countedFor(endedBy(git, signal), copiesParty);
    if (this.#isProposal) {
      const search = { gitDir: toDir, objects: quarantine.folders, msMax };
      try {
        await checkPaths({ git: counted, streams }, search, objectIds, signal);
      } catch (error) {
        if (error instanceof LongPathError) return 'long-paths';
        throw error;
      }
    }
    const shared = await copyObjects(counted, quarantine, wanted).catch((error: unknown) => {
      if (error instanceof PackGrowthError) return undefined;
      throw error;
    });
    if (shared === undefined) return 'no-room';
    const bytes = await packBytes(folder);
    if (bytes > roomFor(to)) return 'no-room';
    await moveIn(async () => {
      await quarantine.moveIn();
      if (bytes > 0) onPack(to, bytes);
      if (shared.length > 0) onShared(from, to, shared);
    });
    this.#bytes += bytes;
    return 'here';
  }
}
