import { of, quantile, type RowSpec, rate } from './panel.js';

/** Clients, git, and the machine. */
export const relayRows: readonly RowSpec[] = [
  {
    title: 'Relay clients',
    panels: [
      {
        title: 'Clients',
        about: 'Connections, and what is open on them.',
        kind: 'lines',
        unit: 'short',
        queries: [
          [`sum(${of('ngit_relay_connections')})`, 'connections'],
          [`sum(${of('ngit_relay_subscriptions')})`, 'subscriptions'],
          [`sum(${of('ngit_relay_negentropy_sessions')})`, 'negentropy sessions'],
        ],
      },
      {
        title: 'Requests',
        about: 'REQ, COUNT and negentropy.',
        kind: 'stack',
        unit: 'cps',
        queries: [[rate('ngit_relay_requests_total', 'type'), '{{type}}']],
      },
      {
        title: 'Time of a query',
        about: 'From REQ to EOSE, waiting for the client included.',
        kind: 'lines',
        unit: 's',
        queries: [
          [quantile(0.5, 'ngit_relay_query_seconds'), 'half'],
          [quantile(0.95, 'ngit_relay_query_seconds'), '95%'],
        ],
      },
      {
        title: 'Live events',
        about: 'Sent to subscriptions.',
        kind: 'lines',
        unit: 'cps',
        queries: [[rate('ngit_relay_deliveries_total'), 'delivered']],
      },
      {
        title: 'Bytes of clients',
        about: 'On their sockets.',
        kind: 'lines',
        unit: 'Bps',
        queries: [[rate('ngit_relay_bytes_total', 'direction'), '{{direction}}']],
      },
      {
        title: 'Clients refused or dropped',
        about: 'full: --max-connections. memory: --client-memory-max-mb. fault: ours. The others are theirs.',
        kind: 'stack',
        unit: 'cps',
        queries: [[rate('ngit_relay_clients_dropped_total', 'reason'), '{{reason}}']],
      },
      {
        title: 'Memory of clients',
        about: 'Of --client-memory-max-mb.',
        kind: 'lines',
        unit: 'bytes',
        queries: [[`sum(${of('ngit_relay_client_memory_bytes')})`, 'held']],
      },
    ],
  },
  {
    title: 'Git hosting',
    panels: [
      {
        title: 'Git requests',
        about: 'Over HTTP, by service and outcome. busy: too many wait.',
        kind: 'stack',
        unit: 'cps',
        queries: [[rate('ngit_git_requests_total', 'service, outcome'), '{{service}} {{outcome}}']],
      },
      {
        title: 'Time of clones and pushes',
        about: 'Of 95%.',
        kind: 'lines',
        unit: 's',
        queries: [[quantile(0.95, 'ngit_git_request_seconds', 'service', 'step="exchange"'), '{{service}}']],
      },
      {
        title: 'Bytes of git',
        about: 'Of pushes in, of clones and fetches out.',
        kind: 'lines',
        unit: 'Bps',
        queries: [
          [rate('ngit_git_received_bytes_total'), 'in'],
          [rate('ngit_git_sent_bytes_total'), 'out'],
        ],
      },
      {
        title: 'Git that runs, and waits',
        about: 'Long waits: --git-uploads-max and --git-receives-max.',
        kind: 'lines',
        unit: 'short',
        queries: [
          [`sum(${of('ngit_git_uploads_running')})`, 'clones run'],
          [`sum(${of('ngit_git_uploads_waiting')})`, 'clones wait'],
          [`sum(${of('ngit_git_receives_running')})`, 'pushes run'],
          [`sum(${of('ngit_git_receives_waiting')})`, 'pushes wait'],
        ],
      },
      {
        title: 'Pushes',
        about: 'By verdict: every ref, some, or none.',
        kind: 'stack',
        unit: 'cps',
        queries: [[rate('ngit_git_pushes_total', 'verdict'), '{{verdict}}']],
      },
      {
        title: 'Repositories to be brought to their state',
        about: 'Those that fail for long: the log says which, and with what.',
        kind: 'lines',
        unit: 'short',
        queries: [
          [`sum(${of('ngit_git_alignments_pending')})`, 'wait'],
          [`sum(${of('ngit_git_alignments_failing')})`, 'fail'],
          [`sum(${of('ngit_git_repacks_pending')})`, 'wait to be repacked'],
        ],
      },
      {
        title: 'Purgatory',
        about: 'Events that wait for their git data, by kind; half an hour at most.',
        kind: 'stack',
        unit: 'short',
        queries: [[`sum by (kind) (${of('ngit_purgatory_events')})`, 'kind {{kind}}']],
      },
      {
        title: 'Purgatory is full to',
        about: 'At 100% new repositories are refused: --held-repositories.',
        kind: 'lines',
        unit: 'percentunit',
        queries: [[`max(${of('ngit_purgatory_full_ratio')})`, 'full']],
      },
      {
        title: 'Pull requests of strangers',
        about: 'Repositories of GRASP-06, where --grasp06-enable is set.',
        kind: 'lines',
        unit: 'short',
        queries: [[`sum(${of('ngit_grasp06_repositories')})`, 'repositories']],
      },
    ],
  },
  {
    title: 'Git fetching',
    panels: [
      {
        title: 'Repositories that lack git data',
        about: 'Some are usual: their servers are gone.',
        kind: 'lines',
        unit: 'short',
        queries: [
          [`sum(${of('ngit_git_sync_incomplete_repositories')})`, 'incomplete'],
          [`sum(${of('ngit_git_sync_fetches_running')})`, 'fetches that run'],
        ],
      },
      {
        title: 'Incomplete for',
        about: 'The repository that has lacked something for the longest.',
        kind: 'lines',
        unit: 's',
        queries: [[`max(${of('ngit_git_sync_oldest_incomplete_seconds')})`, 'longest']],
      },
      {
        title: 'Fetches',
        about: 'By outcome: fetched, or how they failed.',
        kind: 'stack',
        unit: 'cps',
        queries: [[rate('ngit_git_sync_fetches_total', 'outcome'), '{{outcome}}']],
      },
      {
        title: 'Failures by server',
        about: 'Of one: it is down, or refuses this one. Of all: the network here.',
        kind: 'lines',
        unit: 'cps',
        queries: [[rate('ngit_git_sync_failures_total', 'host, failure'), '{{host}} {{failure}}']],
      },
      {
        title: 'Bytes fetched',
        about: 'From other git servers.',
        kind: 'lines',
        unit: 'Bps',
        queries: [[rate('ngit_git_sync_bytes_total'), 'fetched']],
      },
    ],
  },
  {
    title: 'Store and disk',
    panels: [
      {
        title: 'Events',
        about: 'Stored, and refused ones that are remembered.',
        kind: 'lines',
        unit: 'short',
        queries: [
          [`sum(${of('ngit_store_events')})`, 'stored'],
          [`sum(${of('ngit_store_refused_events')})`, 'refused'],
        ],
      },
      {
        title: 'Memory of the index',
        about: 'It grows with the events.',
        kind: 'lines',
        unit: 'bytes',
        queries: [[`sum(${of('ngit_store_index_bytes')})`, 'index']],
      },
      {
        title: 'Disk',
        about: 'Free, and taken by repositories.',
        kind: 'lines',
        unit: 'bytes',
        queries: [
          [`min(${of('ngit_disk_free_bytes')})`, 'free'],
          [`sum(${of('ngit_git_repositories_bytes')})`, 'repositories'],
          [`sum(${of('ngit_grasp06_repositories_bytes')})`, 'pull requests of strangers'],
        ],
      },
      {
        title: 'Damages',
        about:
          'Stored events that are damaged, gone or unreadable, and losses at the start: suspect the disk.',
        kind: 'lines',
        unit: 'short',
        queries: [
          [`sum by (fault) (${of('ngit_store_faulty_events_total')})`, '{{fault}}'],
          [`sum(${of('ngit_store_losses_total')})`, 'losses'],
        ],
      },
    ],
  },
  {
    title: 'Process',
    panels: [
      {
        title: 'CPU',
        about: '100% is one CPU.',
        kind: 'lines',
        unit: 'percentunit',
        queries: [
          [rate('process_cpu_user_seconds_total', 'instance'), '{{instance}} user'],
          [rate('process_cpu_system_seconds_total', 'instance'), '{{instance}} system'],
        ],
      },
      {
        title: 'Memory',
        about: 'At the limit of the heap the process ends.',
        kind: 'lines',
        unit: 'bytes',
        queries: [
          [of('process_resident_memory_bytes'), '{{instance}} resident'],
          [of('nodejs_heap_size_used_bytes'), '{{instance}} heap'],
          [of('ngit_heap_limit_bytes'), '{{instance}} limit of the heap'],
        ],
      },
      {
        title: 'Event loop',
        about: 'How long what comes waits for its turn.',
        kind: 'lines',
        unit: 's',
        queries: [
          [of('nodejs_eventloop_lag_p50_seconds'), '{{instance}} half'],
          [of('nodejs_eventloop_lag_p99_seconds'), '{{instance}} 99%'],
        ],
      },
      {
        title: 'Open files',
        about: 'Near the limit connections are refused.',
        kind: 'lines',
        unit: 'short',
        queries: [
          [of('process_open_fds'), '{{instance}} open'],
          [of('process_max_fds'), '{{instance}} limit'],
        ],
      },
      {
        title: 'Garbage collection',
        about: 'Share of the time; much of kind major: memory is short.',
        kind: 'stack',
        unit: 'percentunit',
        queries: [[rate('nodejs_gc_duration_seconds_sum', 'kind'), '{{kind}}']],
      },
    ],
  },
];
