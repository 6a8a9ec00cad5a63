import type { Options } from '../../config/options.js';
import type { PrsRegistrySettings } from '../../hosting/prs/prs-registry.js';
import type { PrsRoomSettings } from '../../hosting/prs/prs-room.js';
import type { DiskUseGauges, DiskUseSettings, RepositoryDisk } from '../../maintenance/disk-use.js';

const bytesPerMegabyte = 1_000_000;
const bytesPerGigabyte = 1_000_000_000;

/** How what repositories of pull requests take is called among the metrics. */
export const prsGauges: DiskUseGauges = {
  prefix: 'ngit_grasp06',
  about: 'repositories of pull requests (GRASP-06)',
};

/** What repositories of pull requests may take on the disk, each and all together. */
export function prsDiskUseSettingsOf(options: Options, disk: RepositoryDisk): DiskUseSettings {
  const { grasp06RepositoryMaxMb } = options;
  return {
    repository: {
      bytesMax: grasp06RepositoryMaxMb * bytesPerMegabyte,
      refusal: `the repository has no room: one of pull requests may take ${grasp06RepositoryMaxMb} MB on this server (--grasp06-repository-max-mb)`,
    },
    sparedRefusal:
      'the repository has no room for what comes before its event: publish the pull request first (--grasp06-repository-max-mb)',
    repositories: prsRoomSettingsOf(options).all,
    disk,
  };
}

/** The same by key, and in all. */
export function prsRoomSettingsOf({
  grasp06RepositoryMaxMb,
  grasp06KeyMaxMb,
  grasp06MaxGb,
}: Options): PrsRoomSettings {
  return {
    repositoryBytesMax: grasp06RepositoryMaxMb * bytesPerMegabyte,
    key: {
      bytesMax: grasp06KeyMaxMb * bytesPerMegabyte,
      refusal: `there is no room: the pull requests of one key may take ${grasp06KeyMaxMb} MB on this server, half of it before their events (--grasp06-key-max-mb)`,
    },
    all: {
      bytesMax: grasp06MaxGb * bytesPerGigabyte,
      refusal: `there is no room: pull requests may take ${grasp06MaxGb} GB on this server, half of it before their events (--grasp06-max-gb)`,
    },
  };
}

/** How many repositories of pull requests there may be. */
export function prsRegistrySettingsOf(options: Options): PrsRegistrySettings {
  return { keyRepositoriesMax: options.grasp06KeyRepositories, repositoriesMax: options.grasp06Repositories };
}
