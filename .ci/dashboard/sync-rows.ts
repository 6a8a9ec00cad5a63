import { inADay, of, quantile, type RowSpec, rate } from './panel.js';

const connections = (matchers: string) =>
  `sum(rate(${of('ngit_sync_connection_attempts_total', matchers)}[1h]))`;
const hourly = (matchers: string) => `sum(rate(${of('ngit_sync_events_total', matchers)}[1h]))`;

/** What is seen at a glance, and how complete this relay is. */
export const syncRows: readonly RowSpec[] = [
  {
    title: 'Overview',
    panels: [
      {
        title: 'Answers',
        about: 'Whether /metrics answers: 1, or 0 where one instance does not.',
        kind: 'figure',
        unit: 'short',
        queries: [['min(up{job=~"$job",instance=~"$instance"})', '']],
        alarmBelow: 1,
      },
      {
        title: 'Version',
        about: 'Which version runs.',
        kind: 'name',
        unit: 'short',
        queries: [[`count by (version) (${of('ngit_build_info')})`, '{{version}}']],
      },
      {
        title: 'Running for',
        about: 'Since the last start; short without an update: look at the log before it.',
        kind: 'figure',
        unit: 's',
        queries: [[`min(time() - ${of('process_start_time_seconds')})`, '']],
      },
      {
        title: 'Stored events',
        about: 'All events that are served.',
        kind: 'figure',
        unit: 'short',
        queries: [[`sum(${of('ngit_store_events')})`, '']],
      },
      {
        title: 'Repositories',
        about: 'Repositories on disk.',
        kind: 'figure',
        unit: 'short',
        queries: [[`sum(${of('ngit_git_repositories')})`, '']],
      },
      {
        title: 'Repositories without all git data',
        about: '`graspd repositories` says which, and what each lacks.',
        kind: 'figure',
        unit: 'short',
        queries: [[`sum(${of('ngit_git_sync_incomplete_repositories')})`, '']],
        warnFrom: 1,
      },
      {
        title: 'Oldest catch-up',
        about:
          'When the last complete catch-up with the relay began that is furthest behind. Once a day is usual.',
        kind: 'figure',
        unit: 's',
        queries: [
          [`max(time() - ${of('ngit_sync_catchup_completed_timestamp_seconds', 'relay!="other"')})`, ''],
        ],
        warnFrom: 93_600,
        alarmFrom: 172_800,
      },
      {
        title: 'Gaps in a day',
        about: 'Events that catch-up found and live sync should have brought.',
        kind: 'figure',
        unit: 'short',
        queries: [[inADay('ngit_sync_gap_events_total'), '']],
        warnFrom: 1,
      },
      {
        title: 'Faults in a day',
        about: 'Faults of graspd itself: report them with their log lines.',
        kind: 'figure',
        unit: 'short',
        queries: [[`${inADay('ngit_faults_total')} + ${inADay('ngit_admission_event_failures_total')}`, '']],
        alarmFrom: 1,
      },
      {
        title: 'Free disk',
        about: 'Below --disk-floor-mb no events and pushes are taken.',
        kind: 'figure',
        unit: 'bytes',
        queries: [[`min(${of('ngit_disk_free_bytes')})`, '']],
        alarmBelow: 1_000_000_000,
      },
    ],
  },
  {
    title: 'Sync relays',
    panels: [
      {
        title: 'Relays over time',
        about: 'Relays that are followed, connected, dead.',
        kind: 'lines',
        unit: 'short',
        queries: [
          [`sum(${of('ngit_sync_relays_tracked_total')})`, 'tracked'],
          [`sum(${of('ngit_sync_relays_connected_total')})`, 'connected'],
          [`sum(${of('ngit_sync_relays_dead_total')})`, 'dead'],
        ],
      },
      {
        title: 'Relay health overview',
        about: 'Relays by status: healthy, in backoff, dead.',
        kind: 'stack',
        unit: 'short',
        queries: [[`sum by (status) (${of('ngit_sync_relay_status')})`, '{{status}}']],
      },
      {
        title: 'Connection success rate over last hour',
        about: 'Share of the attempts to connect that succeeded.',
        kind: 'lines',
        unit: 'percentunit',
        queries: [[`${connections('result="success"')} / ${connections('')}`, 'succeeded']],
      },
      {
        title: 'Relays with high failure counts',
        about: 'The ten relays with the most failures in a row.',
        kind: 'table',
        unit: 'short',
        queries: [[`topk(10, ${of('ngit_sync_relay_failures')})`, '{{relay}}']],
      },
      {
        title: 'Relays that are dead',
        about: 'They are tried once a day. Gone for good: take them out of --sync-bootstrap-relay-url.',
        kind: 'table',
        unit: 'short',
        queries: [[`${of('ngit_sync_relay_status', 'status="dead"')} > 0`, '{{relay}}']],
      },
      {
        title: 'Bytes from and to relays',
        about: 'Messages of sync.',
        kind: 'lines',
        unit: 'Bps',
        queries: [[rate('ngit_sync_transferred_bytes_total', 'direction'), '{{direction}}']],
      },
    ],
  },
  {
    title: 'Catch-up',
    panels: [
      {
        title: 'New events by source',
        about:
          'direct: of clients. import: of the operator. live_sync: as they were published. catchup, daily_catchup: found afterwards.',
        kind: 'stack',
        unit: 'cps',
        queries: [[rate('ngit_sync_events_total', 'source'), '{{source}}']],
      },
      {
        title: 'Sync gap detection',
        about: 'Events that live sync should have brought, by relay.',
        kind: 'lines',
        unit: 'cps',
        queries: [[`sum by (relay) (rate(${of('ngit_sync_gap_events_total')}[1h]))`, '{{relay}}']],
      },
      {
        title: 'Live sync effectiveness',
        about:
          'Share of the events that catch-up had to bring; lower is better. The first sync of a relay counts too.',
        kind: 'lines',
        unit: 'percentunit',
        queries: [[`${hourly('source=~"catchup|daily_catchup"')} / ${hourly('')}`, 'by catch-up']],
      },
      {
        title: 'Age of the last complete catch-up',
        about: 'By relay; a day is usual.',
        kind: 'lines',
        unit: 's',
        queries: [[`time() - ${of('ngit_sync_catchup_completed_timestamp_seconds')}`, '{{relay}}']],
      },
      {
        title: 'Time of a catch-up',
        about: 'Of 95%, by what began it.',
        kind: 'lines',
        unit: 's',
        queries: [[quantile(0.95, 'ngit_sync_catchup_duration_seconds', 'trigger'), '{{trigger}}']],
      },
      {
        title: 'What waits for catch-up',
        about: 'High at the start; it has to fall.',
        kind: 'lines',
        unit: 'short',
        queries: [
          [`sum(${of('ngit_sync_queued_topics')})`, 'repositories and roots'],
          [`sum(${of('ngit_sync_queued_downloads')})`, 'ids to ask for'],
        ],
      },
      {
        title: 'Memory of sync',
        about: 'What relays make us hold. Bounded; at its bound, sync waits.',
        kind: 'lines',
        unit: 'bytes',
        queries: [
          [`sum(${of('ngit_sync_memory_bytes')})`, 'all'],
          [`sum(${of('ngit_sync_queued_bytes')})`, 'waits to be looked at'],
        ],
      },
      {
        title: 'Protocol',
        about: 'Rounds of negentropy, and messages that answer nothing.',
        kind: 'lines',
        unit: 'cps',
        queries: [
          [rate('ngit_sync_negentropy_rounds_total'), 'negentropy rounds'],
          [rate('ngit_sync_unasked_messages_total'), 'unasked messages'],
        ],
      },
    ],
  },
  {
    title: 'Admission and refusals',
    panels: [
      {
        title: 'What became of events',
        about: 'Of all that came, by source and outcome. Much that is refused from sync is usual.',
        kind: 'stack',
        unit: 'cps',
        queries: [[rate('ngit_admission_events_total', 'source, outcome'), '{{source}} {{outcome}}']],
      },
      {
        title: 'Events of clients',
        about: 'What clients published, by outcome.',
        kind: 'stack',
        unit: 'cps',
        queries: [[rate('ngit_relay_events_total', 'outcome'), '{{outcome}}']],
      },
      {
        title: 'Time of a write',
        about: 'From the decision to store until it is on the disk. Clients wait for their OK as long.',
        kind: 'lines',
        unit: 's',
        queries: [
          [quantile(0.5, 'ngit_admission_write_seconds'), 'half'],
          [quantile(0.95, 'ngit_admission_write_seconds'), '95%'],
        ],
      },
      {
        title: 'Events that wait',
        about: 'For the check of their signature, and to be written.',
        kind: 'lines',
        unit: 'short',
        queries: [
          [`sum(${of('ngit_admission_queued_events')})`, 'signature'],
          [`sum(${of('ngit_store_pending_events')})`, 'write'],
        ],
      },
      {
        title: 'Limits of one address',
        about: 'Connections, requests, pushes and events that were refused for them.',
        kind: 'lines',
        unit: 'cps',
        queries: [[rate('ngit_address_limited_total', 'what'), '{{what}}']],
      },
    ],
  },
];
