import type { BareRepositories, PrsRepository } from '../../git/bare-repositories.js';
import type { PackRoom } from '../../git/objects/pack-growth.js';
import type { DiskUse } from '../../maintenance/disk-use.js';
import type { Maintenance } from '../../maintenance/maintenance.js';

/** A limit in bytes, and what whoever pushes is told when it is met. */
type Limit = { readonly bytesMax: number; readonly refusal: string };

export type PrsRoomSettings = {
  readonly repositoryBytesMax: number;
  /** Of all repositories of pull requests of one key, and of all keys. */
  readonly key: Limit;
  readonly all: Limit;
};

export type PrsRoomParts = {
  readonly repositories: Pick<BareRepositories, 'pathOf'>;
  readonly maintenance: Pick<Maintenance, 'reserve' | 'refusal'>;
  /** What repositories of pull requests take. */
  readonly diskUse: Pick<DiskUse, 'takenBeside' | 'taken'>;
  readonly settings: PrsRoomSettings;
};

/**
 * Room for what is pushed to repositories of pull requests: apart from announced ones, whose room it never takes. Anybody may
 * push to the address of any key before there is an event, so that this fills one half of each limit at most; who signed an
 * event has the other.
 */
export class PrsRoom {
  readonly #parts: PrsRoomParts;

  constructor(parts: PrsRoomParts) {
    this.#parts = parts;
  }

  /** Why nothing may come into a repository now, in words for who pushes. */
  refusal(repository: PrsRepository): string | undefined {
    return this.#parts.maintenance.refusal(repository) ?? this.#lackOf(repository, 1, 1);
  }

  reserve(repository: PrsRepository, isAnnounced: boolean): PackRoom & Disposable {
    const { maintenance, settings } = this.#parts;
    const share = isAnnounced ? 1 : 1 / 2;
    const reservation = maintenance.reserve(repository, settings.repositoryBytesMax * (1 - share));
    return {
      take: (bytes) => this.#lackOf(repository, bytes, share) ?? reservation.take(bytes),
      [Symbol.dispose]: () => reservation[Symbol.dispose](),
    };
  }

  /** Asked for every piece of what is pushed. */
  #lackOf(repository: PrsRepository, bytes: number, share: number): string | undefined {
    const { repositories, diskUse, settings } = this.#parts;
    const { key, all } = settings;
    if (diskUse.taken + bytes > all.bytesMax * share) return all.refusal;
    const ofKey = diskUse.takenBeside(repositories.pathOf(repository));
    return ofKey + bytes > key.bytesMax * share ? key.refusal : undefined;
  }
}
