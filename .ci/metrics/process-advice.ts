import type { AdviceSection } from './advice.js';

/** Store, disk, and the process. */
export const processAdvice: readonly AdviceSection[] = [
  {
    title: 'Store and disk',
    advice: {
      ngit_store_events:
        'Nothing by itself; it grows with what is served. Falls at once: the lists of who is served were changed.',
      ngit_store_refused_events: 'Nothing: ids of refused events that are not asked for again, bounded.',
      ngit_store_index_bytes: 'Grows with the events; have as much memory.',
      ngit_store_pending_events:
        'Does not fall to 0: the disk does not keep up; see `ngit_admission_write_seconds`.',
      ngit_store_faulty_events_total:
        'Above 0: stored events are damaged or gone; they are asked of other relays again. Look at the disk (SMART, `dmesg`), run `graspd doctor`.',
      ngit_store_losses_total:
        'Above 0: the store lost writes before this start, as when power failed. Run `graspd doctor`; what only this relay had is in its backup.',
      ngit_disk_free_bytes: 'Falls towards `--disk-floor-mb`: make room before nothing is taken any more.',
      ngit_store_away:
        '1: no events are taken, for PostgreSQL takes no writes; the log says why. Look after the database; it goes on by itself.',
      ngit_disk_low: '1: no events and pushes are taken; reads go on. Make room; it goes on by itself.',
      ngit_faults_total: 'Above 0 is a fault of graspd; the daemon went on. Report it with the log line.',
    },
  },
  {
    title: 'Several graspd on one PostgreSQL',
    advice: {
      ngit_followers:
        'Fewer than you run beside the one that writes: see `ngit_follower_connected` of the others.',
      ngit_followers_lag_seconds:
        'Stays above 0: the one that is furthest behind does not keep up, or is stuck; `/status` says which. It need not answer to be seen here.',
      ngit_follower_connected:
        '0 for longer than half a minute: what is published and pushed there is refused. Is another one the writer, and its `--node-url` reached from here?',
      ngit_follower_lag_events: 'Grows: this one does not keep up with the database; see its CPU.',
      ngit_follower_delay_seconds:
        'Above 0.1 as a rule: the database is slow to answer, or this process is busy; `ngit_follower_tail_seconds` says which.',
      ngit_follower_tail_seconds:
        '`read` is long: the database, or the way to it, is slow. `fold` is: this process is busy with what its clients ask.',
      ngit_follower_waiting_events: 'Does not fall to 0: the one that writes is busy, or away.',
    },
  },
  {
    title: 'Process',
    advice: {
      ngit_build_info: 'Which version runs, after an update.',
      ngit_limit_peak_ratio:
        'Which [limits](limits.md) were reached, and which nearly were. At 1 something waited, was refused or was let go, as the text of the limit says; that is what a limit is for. One of its kind that grows from week to week tells what load comes.',
      ngit_heap_limit_bytes:
        'What `nodejs_heap_size_used_bytes` is compared with. Set it by `NODE_OPTIONS=--max-old-space-size=MEGABYTES`.',
      process_cpu_user_seconds_total:
        'At one CPU for long: see what is asked (`ngit_relay_requests_total`, `ngit_git_requests_total`).',
      process_cpu_system_seconds_total: 'High beside the user time: the disk or the network.',
      process_cpu_seconds_total: 'The two above together.',
      process_start_time_seconds:
        'Changes without an update: the daemon was started again; the log before that says why.',
      process_resident_memory_bytes:
        'Grows without end: report it, with `ngit_store_events` and `ngit_relay_connections` beside.',
      process_virtual_memory_bytes: 'Nothing; Node reserves much that it does not use.',
      process_heap_bytes: 'Nothing; see `process_resident_memory_bytes`.',
      process_open_fds: 'Near `process_max_fds`: raise that, or lower `--max-connections`.',
      process_max_fds: 'Low: raise it (`LimitNOFILE` of systemd, `ulimit -n`).',
    },
  },
  {
    title: 'Node',
    advice: {
      nodejs_eventloop_lag_seconds:
        'Above 0.1 for long: everything is slow; see the CPU, and report it if the CPU is not busy with requests.',
      nodejs_eventloop_lag_min_seconds: 'Nothing by itself; see the p99.',
      nodejs_eventloop_lag_max_seconds:
        'Above a second now and then: something took long in one piece; report it if it comes again.',
      nodejs_eventloop_lag_mean_seconds: 'Nothing by itself; see the p99.',
      nodejs_eventloop_lag_stddev_seconds: 'Nothing by itself; see the p99.',
      nodejs_eventloop_lag_p50_seconds: 'Nothing by itself; see the p99.',
      nodejs_eventloop_lag_p90_seconds: 'Nothing by itself; see the p99.',
      nodejs_eventloop_lag_p99_seconds:
        'Above half a second for long: clients notice. See the CPU of this machine, and `nodejs_gc_duration_seconds`.',
      nodejs_active_resources: 'Nothing by itself; grows without end: report it.',
      nodejs_active_handles: 'Nothing by itself; grows without end: report it.',
      nodejs_active_requests: 'Nothing by itself; grows without end: report it.',
      nodejs_heap_size_total_bytes: 'Nothing by itself.',
      nodejs_heap_size_used_bytes:
        'Near `ngit_heap_limit_bytes` for long: the process ends at it. Raise the limit; have the memory for it.',
      nodejs_external_memory_bytes: 'Grows without end: report it.',
      nodejs_heap_space_size_total_bytes: 'Nothing by itself; for who reports a fault.',
      nodejs_heap_space_size_used_bytes: 'Nothing by itself; for who reports a fault.',
      nodejs_heap_space_size_available_bytes: 'Nothing by itself; for who reports a fault.',
      nodejs_version_info: 'Which Node runs; see also `ngit_build_info`.',
      nodejs_gc_duration_seconds: 'Much time in `major`: memory is short; see `nodejs_heap_size_used_bytes`.',
    },
  },
];
