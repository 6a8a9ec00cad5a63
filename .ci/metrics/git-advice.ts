import type { AdviceSection } from './advice.js';

/** Git hosting, fetching, purgatory and GRASP-06. */
export const gitAdvice: readonly AdviceSection[] = [
  {
    title: 'Git hosting',
    advice: {
      ngit_git_requests_total:
        'busy: raise `--git-uploads-max`, `--git-receives-max` or `--git-waiting-max`, or add CPU. late: `--git-minutes-max`. failed: the log has what git said.',
      ngit_git_request_seconds:
        'Slow exchanges with many running: the CPU or the disk. Slow with few running: large repositories, or slow clients.',
      ngit_git_received_bytes_total: 'Nothing by itself; what pushes bring.',
      ngit_git_sent_bytes_total:
        'Nothing by itself; what clones and fetches take. Compare it with what the network may cost.',
      ngit_git_uploads_running: 'At `--git-uploads-max` for long: raise it if CPU and memory have room.',
      ngit_git_uploads_waiting: 'Above 0 for long: as above.',
      ngit_git_receives_running: 'At `--git-receives-max` for long: raise it if CPU and memory have room.',
      ngit_git_receives_waiting: 'Above 0 for long: as above.',
      ngit_git_advertisements_running: 'High for long: many look for changes; ask what polls so often.',
      ngit_git_advertisements_waiting: 'Above 0 for long: as above.',
      ngit_git_advertisements_kept_bytes: 'Nothing: a bounded cache.',
      ngit_git_advertisements_made:
        'Close to the requests to advertise: the cache helps little, for refs change all the time.',
      ngit_git_pushes_total:
        'Many refused: people push what no signed state says. They are told why; the log has a line for each push.',
      ngit_git_push_commands_total: 'As above, by ref.',
      ngit_git_push_pack_bytes_total: 'Nothing by itself; it tells how fast repositories grow.',
      ngit_git_alignments_total: '`failed` grows: see `ngit_git_alignments_failing`.',
      ngit_git_alignment_seconds: 'Slow: the disk, or repositories with very many refs.',
      ngit_git_alignments_pending: 'High at the start. Does not fall: the disk is slow or git hangs.',
      ngit_git_alignments_failing:
        'Above 0 for long: the log says for which repository git fails and with what; mostly rights of files, or a damaged repository.',
      ngit_git_repository_changes_total:
        'Many closed or removed at once: the lists of who is served were changed. Closed ones are kept for `--repository-grace-days`.',
      ngit_git_repositories: 'Nothing by itself; near `--repositories` new ones are refused.',
      ngit_git_repositories_bytes:
        'Near `--repositories-max-gb`: raise it, or add disk; pushes are refused above it.',
      ngit_git_shared_bytes: 'Nothing: what hard links save.',
      ngit_git_repacks_total:
        '`failed` grows: the log says for which repository; mostly a full disk or a damaged pack.',
      ngit_git_repack_seconds: 'Grows with the repositories; nothing waits for it.',
      ngit_git_repacks_pending:
        'High for long: repacks do not keep up with pushes; add CPU or a faster disk.',
    },
  },
  {
    title: 'Git fetching',
    advice: {
      ngit_git_sync_incomplete_repositories:
        'Some are usual: their servers are gone. `graspd repositories` says which, and what each lacks.',
      ngit_git_sync_oldest_incomplete_seconds:
        'Grows: for one repository no server has the data. Ask its maintainers to push here, or leave it.',
      ngit_git_sync_fetches_total: 'Most fail: see the classes in `ngit_git_sync_failures_total`.',
      ngit_git_sync_failures_total:
        'Of one host: it is down, or refuses this one. Of all hosts: the network here, or the disk is full.',
      ngit_git_sync_fetches_running: 'At `--git-fetches-max` for long: raise it if the network has room.',
      ngit_git_sync_bytes_total:
        'Nothing by itself; far above what repositories grow by: servers send what is of no use.',
      ngit_git_sync_objects_total: 'Nothing by itself; it tells that fetches bring what is asked for.',
      ngit_git_sync_completion_seconds: 'Grows: servers are slow, or busy with `--git-sync-host-per-minute`.',
    },
  },
  {
    title: 'Purgatory',
    advice: {
      ngit_purgatory_events: 'Nothing by itself: what waits for its git data, for half an hour at most.',
      ngit_purgatory_bytes: 'Nothing by itself; bounded.',
      ngit_purgatory_full_ratio:
        'Near 1: new repositories are refused soon. If real people announce so many, raise `--held-repositories`; else see who does, in the log.',
      ngit_purgatory_oldest_seconds:
        'Above 1,800 for long is a fault of graspd, unless people push again and again: report it.',
      ngit_purgatory_awaited_refs: 'Nothing by itself: refs of pull requests that came before their events.',
      ngit_purgatory_released_total:
        'Mostly expired: people announce and do not push; is the `clone` URL that they use right?',
      ngit_purgatory_refused_total:
        'key, address: one sender announces too much. all: purgatory is full, see `ngit_purgatory_full_ratio`.',
    },
  },
  {
    title: 'Pull requests of strangers (GRASP-06, with `--grasp06-enable`)',
    advice: {
      ngit_grasp06_repositories: 'Near `--grasp06-repositories`: raise it, or see who makes so many.',
      ngit_grasp06_repositories_bytes:
        'Near `--grasp06-max-gb`: raise it, or add disk; pushes are refused above it.',
      ngit_grasp06_shared_bytes: 'Nothing: what hard links save.',
      ngit_grasp06_repository_changes_total:
        'Made and removed at a high rate: somebody tries it out; limits hold.',
      ngit_grasp06_refs_removed_total:
        'High: people push without publishing the event of their pull request.',
      ngit_grasp06_pushes_total: 'Many refused: people are told why; the log has a line for each push.',
      ngit_grasp06_push_commands_total: 'As above, by ref.',
      ngit_grasp06_push_pack_bytes_total: 'Nothing by itself; it tells how fast these repositories grow.',
    },
  },
];
