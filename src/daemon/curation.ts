import type { Options } from '../config/options.js';

/** The settings that decide which repositories are taken. */
export type CurationSettings = Pick<
  Options,
  | 'domain'
  | 'repositoryWhitelist'
  | 'repositoryBlacklist'
  | 'eventBlacklist'
  | 'archiveAll'
  | 'archiveWhitelist'
  | 'archiveGraspServices'
  | 'archiveReadOnly'
  | 'grasp06Enable'
>;

/** Whether repositories are taken that do not list this service (GRASP-05). */
export function isArchive(
  settings: Pick<Options, 'archiveAll' | 'archiveWhitelist' | 'archiveGraspServices'>,
): boolean {
  return (
    settings.archiveAll || settings.archiveWhitelist.length > 0 || settings.archiveGraspServices.length > 0
  );
}

/** Which announcements are accepted, in sentences. Entries of lists are the operator's affair, and are not told. */
export function acceptanceOf(settings: CurationSettings): string {
  const accepted: string[] = [];
  if (!settings.archiveReadOnly) accepted.push(hostedOf(settings));
  if (settings.archiveAll) accepted.push(`every ${settings.archiveReadOnly ? '' : 'other '}one is archived`);
  if (settings.archiveWhitelist.length > 0)
    accepted.push("those on the operator's archive list are archived");
  if (settings.archiveGraspServices.length > 0) {
    accepted.push(`those with a clone URL at ${settings.archiveGraspServices.join(' or ')} are archived`);
  }
  return [
    `Repository announcements: ${accepted.join('; ')}.`,
    'Those of maintainers whom an accepted announcement names are accepted too.',
    ...(settings.repositoryBlacklist.length > 0 ? ['What the operator blocked is refused.'] : []),
    ...(settings.archiveReadOnly ? [readOnlyIn(settings)] : []),
    ...(settings.grasp06Enable
      ? [
          `Pull requests of people without a repository here can be pushed to ${settings.domain}/prs (GRASP-06).`,
        ]
      : []),
  ].join(' ');
}

/** What the operator chooses by hand, in sentences; `hasBanned`: also while the daemon runs. Undefined where nothing is chosen. */
export function curationOf(settings: CurationSettings, hasBanned = false): string | undefined {
  const sentences: string[] = [];
  if (settings.repositoryWhitelist.length > 0) {
    sentences.push('The operator keeps a list of repositories and authors that are hosted.');
  }
  if (settings.archiveWhitelist.length > 0) {
    sentences.push('The operator keeps a list of repositories and authors that are archived.');
  }
  if (settings.archiveGraspServices.length > 0) {
    sentences.push('The operator chooses the GRASP services whose repositories are archived.');
  }
  if (settings.repositoryBlacklist.length > 0) {
    sentences.push('The operator keeps a list of repositories and authors that are refused.');
  }
  if (settings.eventBlacklist.length > 0 || hasBanned) {
    sentences.push('The operator keeps a list of authors whose events are refused.');
  }
  return sentences.length > 0 ? sentences.join(' ') : undefined;
}

function readOnlyIn({ grasp06Enable }: CurationSettings): string {
  return `This is a read-only archive: nobody can push${grasp06Enable ? ' to its repositories' : ''}.`;
}

function hostedOf({ domain, repositoryWhitelist }: CurationSettings): string {
  const which = repositoryWhitelist.length > 0 ? "those on the operator's list that name" : 'those that name';
  return `${which} ${domain} in both clone and relays are hosted`;
}
