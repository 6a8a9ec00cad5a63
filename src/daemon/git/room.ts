import { reaches } from '../../config/limit-use.js';
import type { RepositoryKey } from '../../git/bare-repositories.js';
import type { PackFile } from '../../git/objects/pack-files.js';
import type { Reservation } from '../../maintenance/disk-use.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { Core } from '../core.js';
import type { CurrentOptions } from '../reload/current-options.js';

const bytesPerMegabyte = 1_000_000;

type Room = {
  readonly maintenance: Pick<
    Core['maintenance'],
    'reserve' | 'roomFor' | 'packsOf' | 'packArrived' | 'packsShared'
  >;
};

const tooManyPacks =
  'this repository has so many packs that proposals have to wait until it is repacked; push again later';

/** How room is taken for what comes into repositories, by a push or a fetch, and how its packs are counted. */
export function roomOf({ maintenance }: Room, current: Pick<CurrentOptions, 'now'>) {
  // Half of a repository is its maintainers': strangers cannot fill it.
  const sparedBytes = () => (current.now.repositoryMaxMb * bytesPerMegabyte) / 2;
  // Each push brings a pack. Git opens all of them, and above 65,530 none any more.
  const isCrowded = (repository: RepositoryId) =>
    reaches('proposedPacksMax', maintenance.packsOf(repository));
  return {
    reserve: (repository: RepositoryId, isProposal: boolean): Reservation => {
      const room = maintenance.reserve(repository, isProposal ? sparedBytes() : 0);
      if (!isProposal) return room;
      return {
        take: (bytes) => (isCrowded(repository) ? tooManyPacks : room.take(bytes)),
        [Symbol.dispose]: () => room[Symbol.dispose](),
      };
    },
    /** Bytes of proposals that may still come into a repository. */
    proposalRoomFor: (repository: RepositoryId) =>
      isCrowded(repository) ? 0 : maintenance.roomFor(repository, sparedBytes()),
    onPack: (repository: RepositoryId, bytes: number) => maintenance.packArrived(repository, bytes),
    onShared: (from: RepositoryKey, to: RepositoryId, packs: readonly PackFile[]) =>
      maintenance.packsShared(from, to, packs),
  };
}
