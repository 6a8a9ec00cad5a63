import type { RepositoryKey } from '../../git/bare-repositories.js';
import type { PackFile } from '../../git/objects/pack-files.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { Core } from '../core.js';
import type { CurrentOptions } from '../reload/current-options.js';

const bytesPerMegabyte = 1_000_000;

/** How room is taken for what comes into repositories, by a push or a fetch, and how its packs are counted. */
export function roomOf({ maintenance }: Pick<Core, 'maintenance'>, current: CurrentOptions) {
  // Half of a repository is its maintainers': strangers cannot fill it.
  const sparedBytes = () => (current.now.repositoryMaxMb * bytesPerMegabyte) / 2;
  return {
    sparedBytes,
    reserve: (repository: RepositoryId, isProposal: boolean) =>
      maintenance.reserve(repository, isProposal ? sparedBytes() : 0),
    onPack: (repository: RepositoryId, bytes: number) => maintenance.packArrived(repository, bytes),
    onShared: (from: RepositoryKey, to: RepositoryId, packs: readonly PackFile[]) =>
      maintenance.packsShared(from, to, packs),
  };
}
